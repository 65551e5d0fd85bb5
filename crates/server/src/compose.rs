//! The composition root: adapters are chosen here, connected to the services, and the services to the surfaces.

use std::{net::SocketAddr, num::NonZeroUsize, sync::Arc, time::Duration};

use actix_web::{
    HttpServer,
    dev::{Server, ServerHandle},
};
use anyhow::{Context, bail};
use holdfast_application::{
    Adapters, Services,
    auth::{AuthPolicy, Throttling},
    domain::{Timestamp, sessions::Lifetimes},
    housekeeping::Housekeeping,
    mail::Courier,
    page::CursorKey,
    ports::{Clock as _, Ids, Mailer, Outbox, Passwords, Store, Tokens},
};
use holdfast_infrastructure::{
    clock::SystemClock,
    database::{DatabaseLocation, DatabaseOptions, SeaOrmStore},
    ids::UuidV7Ids,
    mail::{InProcessOutbox, MailFolder, MailOff, SmtpMailer},
    passwords::{Argon2Passwords, PasswordOptions, Pepper, Peppers},
    randomness::SystemRandomness,
    tokens::{JwtOptions, JwtTokens, Key, KeyRing, LegacyOptions, Secret as TokenSecret},
    vault::{AesGcmVault, EncryptionKey},
};
use holdfast_web::{WebOptions, WebState};
use migration::{DatabaseUrl, Engine, MigrationError, Runner};

use crate::{
    housekeeping::Rounds,
    revocations::Polls,
    settings::{
        AuthSettings, DatabaseSettings, Delivery, EncryptionSettings, KeySettings, LegacyTokenSettings,
        MailSettings, PasswordSettings, Revocation, Secret, SecretSource, Settings, ThrottlingSettings,
        load_or_create_secret,
    },
    shutdown::Signals,
};

/// How long a client may take to send its request head, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests in flight may take to finish once the listener is closed. With the default `DRAIN_DELAY` the process is
/// gone within 25 s.
const SHUTDOWN_SECONDS: u64 = 20;
/// How long mail that waits may take to be sent at the end.
const MAIL_SECONDS: u64 = 1;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;
/// How often buckets of client addresses that are full again are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// A server that is bound and ready to run.
pub struct Application {
    server: Server,
    address: SocketAddr,
    polls: Option<Polls>,
    rounds: Rounds,
    outbox: Option<InProcessOutbox>,
}

/// Stops a running [`Application`] from another thread.
#[derive(Clone)]
pub struct Handle(ServerHandle);

impl Application {
    /// Migrates where that is wanted, connects everything and binds the listener. Port 0 takes any free one.
    pub async fn build(settings: &Settings) -> anyhow::Result<Self> {
        prepare_schema(&settings.database).await?;
        let Connected { store, services, outbox, housekeeping } = connect(settings).await?;
        let polls = match settings.auth.revocation {
            Revocation::Fast => Some(Polls::start(services.auth.clone())),
            Revocation::Strict => None,
        };
        let state =
            WebState::new(services, Arc::new(SystemClock), Arc::new(UuidV7Ids), web_options(settings));
        let signals = Signals::listen().context("cannot listen for signals")?;
        let stop = signals.requested(state.readiness(), settings.http.drain_delay());
        let rounds = Rounds::start(housekeeping, SystemRandomness);
        sweep(state.clone());
        let address = SocketAddr::new(settings.http.host, settings.http.port);
        let application = move || {
            store.settle();
            holdfast_web::app(&state)
        };
        let server = HttpServer::new(application)
            .workers(workers())
            .backlog(BACKLOG)
            .client_request_timeout(HEAD_TIMEOUT)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .shutdown_signal(stop)
            .bind(address)
            .with_context(|| format!("cannot listen on {address} (HOST, PORT); is another server there?"))?;
        let address = server.addrs().first().copied().context("nothing was bound")?;
        Ok(Self { server: server.run(), address, polls, rounds, outbox })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// To stop it from elsewhere.
    pub fn handle(&self) -> Handle {
        Handle(self.server.handle())
    }

    /// Runs until it is told to stop.
    pub async fn run(self) -> std::io::Result<()> {
        let Self { server, address: _, polls, rounds, outbox } = self;
        let stopped = server.await;
        drop(polls);
        rounds.stop().await;
        if let Some(outbox) = outbox {
            outbox.drain(Duration::from_secs(MAIL_SECONDS)).await;
        }
        stopped
    }
}

impl Handle {
    /// Closes the listener and every connection without waiting.
    pub fn stop_now(&self) {
        drop(self.0.stop(false));
    }
}

/// Runs `work` to its end in a runtime of its own, as the program does.
pub fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(work)
}

/// The services over the configured database, for commands that do not serve.
pub async fn services(settings: &Settings) -> anyhow::Result<Services> {
    prepare_schema(&settings.database).await?;
    Ok(connect(settings).await?.services)
}

/// SQLite migrates by itself; PostgreSQL where `MIGRATE_ON_START` says so. Otherwise nothing may be pending. Neither takes
/// over the FastAPI backend's tables unasked, also where they came after the schema.
async fn prepare_schema(settings: &DatabaseSettings) -> anyhow::Result<()> {
    let runner = runner(settings);
    if !settings.migrate_on_start
        && let Some(form) = runner.would_adopt().await.map_err(|error| located(error, settings))?
    {
        bail!(
            "This database holds the FastAPI backend's tables: {form}. Run `holdfast migrate adopt --check`, then \
             `holdfast migrate up`, or set MIGRATE_ON_START=true"
        )
    }
    if settings.url.engine() == Engine::Sqlite || settings.migrate_on_start {
        runner.up(None).await.map_err(|error| located(error, settings))?;
        return Ok(());
    }
    let pending = runner.pending().await?;
    if pending.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of the schema's migrations are pending ({}). Run `holdfast migrate up` first, or set MIGRATE_ON_START=true",
        pending.len(),
        pending.join(", ")
    )
}

/// Names the database where the error does not.
fn located(error: MigrationError, settings: &DatabaseSettings) -> anyhow::Error {
    let names_none = matches!(
        error,
        MigrationError::Database(_) | MigrationError::Commit(_) | MigrationError::Step { .. }
    );
    let error = anyhow::Error::new(error);
    if names_none { error.context(settings.migration_url.redacted()) } else { error }
}

fn runner(settings: &DatabaseSettings) -> Runner {
    Runner::new(&settings.migration_url).connect_within(settings.wake_timeout())
}

/// The services, and what works beside them while the server runs.
struct Connected {
    store: Arc<SeaOrmStore>,
    services: Services,
    outbox: Option<InProcessOutbox>,
    /// Whatever is over goes through this: a new kind of rows is a new `Kind` there.
    housekeeping: Housekeeping,
}

async fn connect(settings: &Settings) -> anyhow::Result<Connected> {
    let secret = configured_secret(&settings.auth.secret)?;
    let deployment = deployment_secret(&settings.auth.keys, secret.as_ref())?;
    let store = Arc::new(SeaOrmStore::connect(database_options(&settings.database)?).await?);
    let outbox = outbox(&settings.mail, store.clone())?;
    let retention = settings.housekeeping.audit_retention();
    let housekeeping = Housekeeping::new(store.clone(), Arc::new(SystemClock), &UuidV7Ids, retention);
    let passwords = PasswordOptions {
        concurrency: settings.limits.hash_concurrency as usize,
        peppers: peppers(&settings.passwords),
    };
    let legacy = legacy_options(settings).await?;
    let adapters = Adapters {
        store: store.clone(),
        passwords: Arc::new(Argon2Passwords::new(passwords)?) as Arc<dyn Passwords>,
        tokens: Arc::new(JwtTokens::new(jwt_options(&settings.auth, secret.as_ref(), legacy)?)?)
            as Arc<dyn Tokens>,
        clock: Arc::new(SystemClock),
        ids: Arc::new(UuidV7Ids) as Arc<dyn Ids>,
        randomness: Arc::new(SystemRandomness),
        outbox: match &outbox {
            Some(outbox) => Arc::new(outbox.clone()) as Arc<dyn Outbox>,
            None => Arc::new(MailOff),
        },
        vault: Arc::new(vault(&settings.encryption)?),
    };
    let cursors = cursor_key(&settings.auth, &deployment);
    let throttling = throttling(&settings.throttling, &deployment);
    let services = Services::new(adapters, auth_policy(&settings.auth), cursors, throttling);
    Ok(Connected { store, services, outbox, housekeeping })
}

/// Where mail waits, and who carries it; nothing where mail is off.
fn outbox(settings: &MailSettings, store: Arc<dyn Store>) -> anyhow::Result<Option<InProcessOutbox>> {
    let MailSettings { delivery, sender, site } = settings;
    let sender = || sender.clone().context("mail comes from nobody (MAIL_FROM)");
    let mailer: Arc<dyn Mailer> = match delivery {
        Delivery::Smtp(relay) => Arc::new(SmtpMailer::new(relay, sender()?)),
        Delivery::Folder(folder) => {
            tracing::info!(target: "holdfast::mail", "mail is written into {}", folder.display());
            Arc::new(MailFolder::new(folder.clone(), sender()?))
        }
        Delivery::Off => return Ok(None),
    };
    let (clock, ids, randomness) = (Arc::new(SystemClock), Arc::new(UuidV7Ids), Arc::new(SystemRandomness));
    let courier = Courier::new(store, mailer, clock, ids, randomness, site.clone());
    Ok(Some(InProcessOutbox::new(courier, tokio::runtime::Handle::current())))
}

/// The peppers, and a line in the log that names the one in new hashes.
fn peppers(settings: &PasswordSettings) -> Peppers {
    let PasswordSettings { pepper, previous_peppers } = settings;
    let pepper_of = |secret: &Secret| Pepper::new(secret.expose().to_vec());
    let current = pepper.as_ref().map(pepper_of);
    if let Some(pepper) = &current {
        tracing::info!(pepper = pepper.id(), "new password hashes are made with this pepper");
    }
    Peppers::new(current, previous_peppers.iter().map(pepper_of).collect())
}

/// The keys of stored secrets, and a line in the log that names the one of today, or says that there is none. Everything but
/// second factors works without.
fn vault(settings: &EncryptionSettings) -> anyhow::Result<AesGcmVault> {
    let EncryptionSettings { key, previous_keys } = settings;
    let current = match key {
        SecretSource::Given(key) => Some(key.clone()),
        SecretSource::Generated { path } => load_or_create_secret("ENCRYPTION_KEY", path)
            .inspect_err(|error| tracing::warn!(error = error as &dyn std::error::Error, "no encryption key"))
            .ok(),
        SecretSource::Unneeded => None,
    };
    let derived = |secret: &Secret| EncryptionKey::derive(secret.expose());
    let current = current.as_ref().map(derived).transpose()?;
    if let Some(key) = &current {
        tracing::info!(key = key.id(), "secrets of second factors are encrypted with this key");
    } else {
        tracing::warn!("nobody can enrol a second factor: ENCRYPTION_KEY is not set");
    }
    Ok(AesGcmVault::new(current, previous_keys.iter().map(derived).collect::<Result<_, _>>()?))
}

/// Threads that answer requests: one for each processor.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, NonZeroUsize::get)
}

fn database_options(settings: &DatabaseSettings) -> anyhow::Result<DatabaseOptions> {
    let location = match &settings.url {
        DatabaseUrl::Postgres(url) => {
            DatabaseLocation::Postgres { url: settings.url.connect_url(), pooler: url.is_pooler() }
        }
        DatabaseUrl::Sqlite(location) => {
            let path = location.path().context("a database in memory cannot be served")?;
            DatabaseLocation::Sqlite { path: path.to_owned() }
        }
    };
    Ok(DatabaseOptions {
        location,
        pool_size: settings.pool_size as usize,
        workers: workers(),
        statement_cache: settings.statement_cache as usize,
        wake_timeout: settings.wake_timeout(),
    })
}

/// How tokens of the FastAPI backend are accepted, and a line in the log that says so.
async fn legacy_options(settings: &Settings) -> anyhow::Result<Option<LegacyOptions>> {
    let LegacyTokenSettings { secret, until } = &settings.auth.legacy;
    let Some(secret) = secret else { return Ok(None) };
    let until = match until {
        Some(until) => Some(*until),
        None => adopted_at(&settings.database)
            .await?
            .map(|adopted_at| adopted_at.plus(settings.auth.compatibility_token_lifetime())),
    };
    let now = SystemClock.now();
    if let Some(until) = until.filter(|until| now < *until) {
        tracing::info!(%until, "tokens of the FastAPI backend are accepted until then");
    } else {
        tracing::info!(
            "no token of the FastAPI backend is accepted: their time is over, or there was no adoption"
        );
    }
    let secret = token_secret(secret);
    Ok(until.map(|until| LegacyOptions { secret, until }))
}

/// When the FastAPI backend's data was taken over; never, in a database that was ours from the start.
async fn adopted_at(settings: &DatabaseSettings) -> anyhow::Result<Option<Timestamp>> {
    let seconds = runner(settings).adopted_at().await?;
    Ok(seconds.map(Timestamp::from_seconds).transpose()?)
}

fn jwt_options(
    settings: &AuthSettings,
    secret: Option<&Secret>,
    legacy: Option<LegacyOptions>,
) -> anyhow::Result<JwtOptions> {
    Ok(JwtOptions {
        issuer: settings.issuer.clone(),
        audience: settings.audience.clone(),
        keys: key_ring(settings, secret)?,
        longest_access: settings.access_token_lifetime().max(settings.compatibility_token_lifetime()),
        longest_refresh: settings.session_maximum().max(settings.compatibility_token_lifetime()),
        legacy,
    })
}

/// A key pair signs, or else the secret; everything that there is verifies.
fn key_ring(settings: &AuthSettings, secret: Option<&Secret>) -> anyhow::Result<KeyRing> {
    let KeySettings { algorithm: _, signing, verifying, directory: _ } = &settings.keys;
    let mut keys: Vec<Arc<Key>> = signing.iter().cloned().collect();
    for secret in secret.into_iter().chain(&settings.previous_secrets) {
        keys.push(Arc::new(Key::hs256(&token_secret(secret))?));
    }
    keys.extend(verifying.iter().cloned());
    let mut keys = keys.into_iter();
    let current = keys.next().context("there is neither a secret nor a key to sign tokens with")?;
    tracing::info!(
        kid = current.id(),
        algorithm = current.algorithm_name(),
        "new tokens are signed with this key"
    );
    Ok(KeyRing::new(current, keys.collect())?)
}

fn token_secret(secret: &Secret) -> TokenSecret {
    TokenSecret::new(secret.expose().to_vec())
}

/// What everything but tokens is derived from: every instance of a deployment has the same secret, or the same key pair.
fn deployment_secret(keys: &KeySettings, secret: Option<&Secret>) -> anyhow::Result<TokenSecret> {
    let derived = || keys.signing.as_ref().and_then(|key| key.derived_secret());
    secret.map(token_secret).or_else(derived).context("there is neither a secret nor a key that signs")
}

/// What cursors are signed with. Whatever may have signed one before a rotation, or will after it, is good as well, so that nobody
/// loses their place: earlier secrets, and key pairs whose private half is here.
fn cursor_key(settings: &AuthSettings, deployment: &TokenSecret) -> CursorKey {
    let AuthSettings { keys: KeySettings { signing, verifying, .. }, previous_secrets, .. } = settings;
    let pairs = signing.iter().chain(verifying).filter_map(|key| key.derived_secret());
    let others = previous_secrets.iter().map(token_secret).chain(pairs);
    others.fold(CursorKey::derive(deployment.expose()), |key, other| key.accepting(other.expose()))
}

/// How attempts at passwords are throttled. Every instance hides addresses under the same key, so that they count together.
fn throttling(settings: &ThrottlingSettings, deployment: &TokenSecret) -> Throttling {
    settings.limits().map_or_else(Throttling::off, |limits| Throttling::on(limits, deployment.expose()))
}

fn auth_policy(settings: &AuthSettings) -> AuthPolicy {
    AuthPolicy {
        access: settings.access_token_lifetime(),
        long_lived: settings.compatibility_token_lifetime(),
        sessions: Lifetimes {
            idle: settings.session_idle(),
            absolute: settings.session_maximum(),
            reuse: settings.refresh_reuse(),
        },
    }
}

fn configured_secret(source: &SecretSource) -> anyhow::Result<Option<Secret>> {
    Ok(match source {
        SecretSource::Given(secret) => Some(secret.clone()),
        SecretSource::Generated { path } => Some(load_or_create_secret("JWT_SECRET", path)?),
        SecretSource::Unneeded => None,
    })
}

fn web_options(settings: &Settings) -> WebOptions {
    WebOptions {
        allowed_origins: settings.http.allowed_origins.clone(),
        trusted_proxies: settings.http.trusted_proxies.clone(),
        rate_limit: settings.throttling.buckets(),
        version: env!("CARGO_PKG_VERSION"),
        production: settings.environment.is_strict(),
        require_if_match: settings.http.require_if_match,
    }
}

/// The buckets are each instance's own. What all of them count together is housekeeping's.
fn sweep(state: WebState) {
    actix_web::rt::spawn(async move {
        let mut interval = actix_web::rt::time::interval(SWEEP_INTERVAL);
        loop {
            interval.tick().await;
            state.sweep();
        }
    });
}
