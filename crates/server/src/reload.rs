//! Taking settings over without a restart, on SIGHUP: the files are read again, and what can be exchanged is exchanged, all of it
//! or nothing. Which variables that are is the settings' to say (`variables::RELOADED`). Requests are answered all the while.

use std::{fmt, sync::Arc};

use actix_web::rt::{self, task::spawn_blocking};
use arc_swap::ArcSwap;
use holdfast_application::ports::{Clock as _, Mailer};
use holdfast_infrastructure::{
    clock::SystemClock,
    exchange::ExchangeableMailer,
    passwords::{Argon2Passwords, Peppered},
    tokens::LegacyOptions,
};
use holdfast_web::WebState;
use serde::Serialize;
use tokio::task::JoinHandle;

use crate::{
    compose::{legacy_options, tell_of_legacy},
    log_filter::LogFilter,
    mail::{mailer, tell_of_mail},
    secrets::{Generated, Keys, KeysInUse, WithoutKey, peppers, tell_of_pepper},
    settings::{Change, Description, Loaded, Settings, Sources},
};

/// What a reload needs besides a running application.
pub struct Reload {
    /// What is read again. The variables of the process stay as they were.
    pub sources: Sources,
    /// When.
    pub hangups: Hangups,
    /// Where the level of the log is changed.
    pub filter: LogFilter,
}

/// The settings that hold, and how the last reload went. Clones are one.
#[derive(Debug, Clone)]
pub struct ReloadStatus(Arc<ArcSwap<InForce>>);

impl ReloadStatus {
    /// Those of the start hold.
    pub fn new(settings: &Settings) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(InForce { settings: settings.describe().clone(), reload: None })))
    }

    /// What holds at the moment.
    pub fn in_force(&self) -> Arc<InForce> {
        self.0.load_full()
    }
}

/// What holds at one moment, to be shown: secrets are redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// Every variable, with the value that is in effect.
    pub settings: Description,
    /// The last reload; none before the first.
    pub reload: Option<LastReload>,
}

/// One reload that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastReload {
    /// When it ended (RFC 3339).
    pub at: String,
    /// How.
    #[serde(flatten)]
    pub outcome: ReloadOutcome,
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum ReloadOutcome {
    /// The settings hold, as far as they can without a restart.
    Applied {
        /// What changed with it.
        changed: Vec<&'static str>,
        /// What is another in the files, and waits for a restart.
        waiting: Vec<&'static str>,
    },
    /// Nothing changed, for these reasons, which hold no secret.
    Refused {
        /// One line each, as at a start.
        faults: Vec<String>,
    },
}

/// Takes settings over until it is dropped.
pub(crate) struct Reloads(JoinHandle<()>);

impl Drop for Reloads {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The settings that hold, and everything that can be exchanged.
pub(crate) struct Reloader {
    settings: Settings,
    legacy: Option<LegacyOptions>,
    generated: Generated,
    in_use: InUse,
    status: ReloadStatus,
}

/// What a running server does its work with, as far as that can be exchanged.
pub(crate) struct InUse {
    pub(crate) keys: KeysInUse,
    pub(crate) passwords: Arc<Argon2Passwords>,
    /// Nobody where mail is off.
    pub(crate) mailer: Option<Arc<ExchangeableMailer>>,
    pub(crate) web: WebState,
}

impl Reloader {
    pub(crate) fn new(
        settings: &Settings,
        legacy: Option<LegacyOptions>,
        generated: Generated,
        in_use: InUse,
        status: ReloadStatus,
    ) -> Self {
        Self { settings: settings.clone(), legacy, generated, in_use, status }
    }

    /// Waits for signals. Needs a runtime, whose end is theirs, too.
    pub(crate) fn start(mut self, Reload { sources, mut hangups, filter }: Reload) -> Reloads {
        Reloads(rt::spawn(async move {
            while hangups.next().await {
                let renewed = self.renew(&sources, &filter).await;
                self.note(renewed);
            }
        }))
    }

    async fn renew(&mut self, sources: &Sources, filter: &LogFilter) -> Result<Vec<Change>, Refusal> {
        let sources = sources.clone();
        let loaded = spawn_blocking(move || Settings::load(&sources)).await;
        let Loaded { settings: read, warnings } = loaded
            .map_err(Refusal::of)?
            .map_err(|faults| Refusal(faults.as_slice().iter().map(ToString::to_string).collect()))?;
        let changes = self.settings.changes(&read);
        // Another environment has other files and other rules: nothing of it may mix with this one's.
        if let Some(change) = changes.iter().find(|change| change.variable == "ENVIRONMENT") {
            return Err(Refusal(vec![format!(
                "{change} needs a restart; expected the same as at the start"
            )]));
        }
        let renewed = self.settings.renewed(&read);
        let prepared = self.prepare(&renewed, &changes).await.map_err(Refusal::of)?;
        // From here on nothing fails. Whatever the log leaves out now or from now on, it tells that it does.
        let (before, after) = (self.settings.telemetry.level, renewed.telemetry.level);
        filter.set(before.min(after));
        for warning in &warnings {
            tracing::warn!(target: "holdfast::settings", "{warning}");
        }
        self.take_over(renewed, prepared);
        tell(&changes);
        filter.set(after);
        Ok(changes)
    }

    /// Makes what `renewed` asks for; puts nothing into effect and tells nothing.
    async fn prepare(&mut self, renewed: &Settings, changes: &[Change]) -> anyhow::Result<Prepared> {
        let concerns = |names: &[&str]| changes.iter().any(|change| names.contains(&change.variable));
        let legacy = if concerns(&LEGACY) { legacy_options(renewed).await? } else { self.legacy.clone() };
        let without_key = if renewed.encryption.key == self.settings.encryption.key {
            WithoutKey::GoOn
        } else {
            WithoutKey::Refuse
        };
        let keys = Keys::of(renewed, legacy.clone(), &mut self.generated, without_key)?;
        let peppered = if renewed.passwords == self.settings.passwords {
            None
        } else {
            Some(Peppered::new(peppers(&renewed.passwords))?)
        };
        let mailer = if concerns(&MAIL) { mailer(&renewed.mail)? } else { None };
        Ok(Prepared { legacy, keys, peppered, mailer })
    }

    fn take_over(&mut self, renewed: Settings, Prepared { legacy, keys, peppered, mailer }: Prepared) {
        let InUse { keys: keys_in_use, passwords, mailer: mailer_in_use, web } = &self.in_use;
        if renewed.auth.legacy != self.settings.auth.legacy {
            tell_of_legacy(&renewed, legacy.as_ref());
        }
        keys_in_use.exchange(keys);
        if let Some(peppered) = peppered {
            passwords.exchange_peppers(peppered);
            tell_of_pepper(&peppers(&renewed.passwords));
        }
        if let Some((in_use, mailer)) = mailer_in_use.as_ref().zip(mailer) {
            in_use.exchange(mailer);
            tell_of_mail(&renewed.mail);
        }
        web.allow_origins(renewed.http.allowed_origins.clone());
        let (before, after) = (&self.settings, &renewed);
        let other_proxies = before.http.trusted_proxies != after.http.trusted_proxies;
        if other_proxies {
            web.trust_proxies(after.http.trusted_proxies.clone());
        }
        if other_proxies || before.throttling.buckets() != after.throttling.buckets() {
            web.limit_rate(after.throttling.buckets());
        }
        (self.settings, self.legacy) = (renewed, legacy);
    }

    fn note(&self, renewed: Result<Vec<Change>, Refusal>) {
        let outcome = match renewed {
            Ok(changes) => {
                let names = |reloaded| {
                    let those = changes.iter().filter(|change| change.reloaded == reloaded);
                    those.map(|change| change.variable).collect()
                };
                ReloadOutcome::Applied { changed: names(true), waiting: names(false) }
            }
            Err(Refusal(faults)) => {
                for fault in &faults {
                    tracing::error!(target: "holdfast::settings", "{fault}");
                }
                tracing::error!(
                    target: "holdfast::settings",
                    faults = faults.len(),
                    "the settings were not reloaded; those of before go on to hold"
                );
                ReloadOutcome::Refused { faults }
            }
        };
        let reload = Some(LastReload { at: SystemClock.now().to_string(), outcome });
        self.status.0.store(Arc::new(InForce { settings: self.settings.describe().clone(), reload }));
    }
}

/// What decides about tokens of the FastAPI backend.
const LEGACY: [&str; 2] = ["BETTER_AUTH_SECRET", "LEGACY_TOKENS_UNTIL"];
/// What decides about the way of mail.
const MAIL: [&str; 2] = ["SMTP_URL", "MAIL_FROM"];

/// What is ready to take effect.
struct Prepared {
    legacy: Option<LegacyOptions>,
    keys: Keys,
    /// Nothing where the peppers stay.
    peppered: Option<Peppered>,
    /// Nothing where mail goes on as it did, or is off.
    mailer: Option<Box<dyn Mailer>>,
}

/// Why nothing was taken over, one line each.
struct Refusal(Vec<String>);

impl Refusal {
    fn of(error: impl fmt::Display) -> Self {
        // With all causes, where there are some.
        Self(vec![format!("{error:#}")])
    }
}

fn tell(changes: &[Change]) {
    let waiting = changes.iter().filter(|change| !change.reloaded);
    for change in changes.iter().filter(|change| change.reloaded) {
        tracing::info!(target: "holdfast::settings", "reloaded {change}");
    }
    for change in waiting.clone() {
        tracing::warn!(target: "holdfast::settings", "not reloaded, needs a restart: {change}");
    }
    let waiting = waiting.count();
    tracing::info!(
        target: "holdfast::settings",
        changed = changes.len() - waiting,
        waiting,
        "the settings were reloaded"
    );
}

/// The signal that asks for a reload. From its making on it does not end the process.
pub struct Hangups(platform::Hangups);

impl Hangups {
    /// Begins to listen. Needs a runtime.
    pub fn listen() -> std::io::Result<Self> {
        platform::Hangups::listen().map(Self)
    }

    /// Waits for the next one; `false` when there will be none. Those that come meanwhile count as one.
    async fn next(&mut self) -> bool {
        self.0.next().await
    }
}

#[cfg(unix)]
mod platform {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Hangups(Signal);

    impl Hangups {
        pub(super) fn listen() -> std::io::Result<Self> {
            signal(SignalKind::hangup()).map(Self)
        }

        pub(super) async fn next(&mut self) -> bool {
            self.0.recv().await.is_some()
        }
    }
}

#[cfg(not(unix))]
mod platform {
    /// There is no such signal.
    pub(super) struct Hangups;

    impl Hangups {
        pub(super) fn listen() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) -> bool {
            false
        }
    }
}
