//! The composition root: adapters are chosen here, connected to the services, and the services to the surfaces.

use std::{net::SocketAddr, num::NonZeroUsize, sync::Arc, time::Duration};

use actix_web::dev::{Server, ServerHandle};
use anyhow::{Context, bail};
use holdfast_application::{
    Adapters, Services,
    auth::AuthPolicy,
    domain::{Timestamp, sessions::Lifetimes},
    housekeeping::Housekeeping,
    mail::Courier,
    ports::{Clock as _, Ids, Outbox, Passwords, Store},
};
use holdfast_infrastructure::{
    clock::SystemClock,
    database::{DatabaseLocation, DatabaseOptions, SeaOrmStore},
    exchange::ExchangeableMailer,
    ids::UuidV7Ids,
    mail::{InProcessOutbox, MailOff},
    passwords::{Argon2Passwords, PasswordOptions},
    randomness::SystemRandomness,
    shared_buckets::RedisBuckets,
    tokens::LegacyOptions,
};
use holdfast_web::{TraceOptions, WebOptions, WebState};
use migration::{DatabaseUrl, Engine, MigrationError, Runner};

use crate::{
    housekeeping::Rounds,
    listener::{self, Listening},
    mail::{self, tell_of_mail},
    operations::{Figures, Listener, Operations, Schema},
    reload::{InUse, Reload, ReloadStatus, Reloader},
    revocations::Polls,
    secrets::{Generated, Keys, KeysInUse, WithoutKey, peppers, tell_of_pepper, token_secret},
    settings::{
        AuthSettings, DatabaseSettings, LegacyTokenSettings, MailSettings, OperationsPlace, Revocation,
        Settings, TlsSettings,
    },
    shutdown::Signals,
    tls::{self, Certificates, Renewal},
    traces::Traces,
};

/// How long mail that waits, and spans, may take to be sent at the end.
const LAST: Duration = Duration::from_secs(1);
/// How often buckets of client addresses that are full again are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// A server that is bound and ready to run.
pub struct Application {
    server: Server,
    address: SocketAddr,
    polls: Option<Polls>,
    rounds: Rounds,
    outbox: Option<InProcessOutbox>,
    renewal: Option<Renewal>,
    operations: Option<Listener>,
    reloader: Reloader,
    traces: Option<Traces>,
}

/// Stops a running [`Application`] from another thread.
#[derive(Clone)]
pub struct Handle(ServerHandle);

impl Application {
    /// Migrates where that is wanted, connects everything and binds the listener. Port 0 takes any free one.
    pub async fn build(settings: &Settings) -> anyhow::Result<Self> {
        Self::build_traced(settings, None).await
    }

    /// The same, with spans on their way to a collector. The layer that records them is the subscriber's.
    pub(crate) async fn build_traced(settings: &Settings, traces: Option<Traces>) -> anyhow::Result<Self> {
        prepare_schema(&settings.database).await?;
        let started_at = SystemClock.now();
        let schema = Schema::read(&runner(&settings.database)).await;
        let Connected {
            store,
            services,
            passwords,
            courier: _,
            mailer,
            outbox,
            housekeeping,
            keys,
            generated,
            legacy,
        } = connect(settings).await?;
        let auth = services.auth.clone();
        let status = ReloadStatus::new(settings);
        let polls = match settings.auth.revocation {
            Revocation::Fast => Some(Polls::start(services.auth.clone())),
            Revocation::Strict => None,
        };
        let state = WebState::new(
            services,
            Arc::new(SystemClock),
            Arc::new(UuidV7Ids),
            web_options(settings, traces.as_ref()),
        );
        let redis = settings.redis.url.as_ref();
        let buckets = redis.map(|url| Arc::new(RedisBuckets::connect(url, keys.buckets.clone())));
        if let Some(buckets) = &buckets {
            state.share_buckets(buckets.clone());
        }
        let in_use = InUse { keys, passwords: passwords.clone(), mailer, web: state.clone() };
        let reloader = Reloader::new(settings, legacy, generated, in_use, status.clone());
        let signals = Signals::listen().context("cannot listen for signals")?;
        let stop = signals.requested(state.readiness(), settings.http.drain_delay());
        let figures = Figures {
            traffic: state.traffic(),
            auth,
            store: store.clone(),
            passwords,
            outbox: outbox.clone(),
            housekeeping: housekeeping.clone(),
            buckets,
            spans: traces.as_ref().map(Traces::figures).unwrap_or_default(),
            schema,
            started_at,
        };
        let (operations, beside) =
            operations(Operations::new(figures, settings, status, started_at), settings)?;
        let rounds = Rounds::start(housekeeping, SystemRandomness);
        sweep(state.clone());
        let address = SocketAddr::new(settings.http.host, settings.http.port);
        let application = move || {
            store.settle();
            holdfast_web::app(&state).configure(|config| {
                if let Some(operations) = &beside {
                    operations.register(config);
                }
            })
        };
        let (tls, renewal) = tls(&settings.tls)?.unzip();
        let listening = Listening { address, workers: workers(), tls };
        let (server, address) = listener::bind(listening, application, stop)?;
        Ok(Self { server, address, polls, rounds, outbox, renewal, operations, reloader, traces })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its root as clients on this machine name it, without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.renewal.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Where operators look, where that is a listener of its own.
    pub fn operations_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(Listener::address)
    }

    /// To stop it from elsewhere.
    pub fn handle(&self) -> Handle {
        Handle(self.server.handle())
    }

    /// Runs until it is told to stop.
    pub async fn run(self) -> std::io::Result<()> {
        self.run_until_stopped(None).await
    }

    /// The same, and takes settings over whenever `reload` says so.
    pub async fn run_reloading(self, reload: Reload) -> std::io::Result<()> {
        self.run_until_stopped(Some(reload)).await
    }

    async fn run_until_stopped(self, reload: Option<Reload>) -> std::io::Result<()> {
        let Self { server, address: _, polls, rounds, outbox, renewal, operations, reloader, traces } = self;
        let reloads = reload.map(|reload| reloader.start(reload));
        let stopped = server.await;
        drop((polls, renewal, reloads));
        rounds.stop().await;
        let mail = async {
            if let Some(outbox) = outbox {
                outbox.drain(LAST).await;
            }
        };
        let spans = async {
            if let Some(traces) = traces {
                traces.stop(LAST).await;
            }
        };
        tokio::join!(mail, spans);
        // Last, so that monitoring sees requests in flight finish.
        if let Some(operations) = operations {
            operations.stop().await;
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

/// The same, and who writes and sends mail, for commands that wait until it is sent; nobody where mail is off.
pub async fn services_and_courier(settings: &Settings) -> anyhow::Result<(Services, Option<Courier>)> {
    prepare_schema(&settings.database).await?;
    let Connected { services, courier, .. } = connect(settings).await?;
    Ok((services, courier))
}

/// The rows themselves and the hashing of passwords, for commands that write what no use case does.
pub async fn store_and_passwords(
    settings: &Settings,
) -> anyhow::Result<(Arc<dyn Store>, Arc<dyn Passwords>)> {
    prepare_schema(&settings.database).await?;
    let Connected { store, passwords, .. } = connect(settings).await?;
    Ok((store, passwords))
}

/// What operators see, on a listener of its own or to be put beside the API.
fn operations(
    operations: Operations,
    settings: &Settings,
) -> anyhow::Result<(Option<Listener>, Option<Operations>)> {
    Ok(match settings.operations.place {
        OperationsPlace::Own(address) => (Some(Listener::start(operations, address)?), None),
        OperationsPlace::Main => (None, Some(operations)),
        OperationsPlace::Nowhere => (None, None),
    })
}

/// How the listener speaks TLS, and what keeps its certificate new; nothing where it speaks clear text.
fn tls(settings: &TlsSettings) -> anyhow::Result<Option<(rustls::ServerConfig, Renewal)>> {
    let TlsSettings { pair } = settings;
    let Some((files, pair)) = pair.clone() else { return Ok(None) };
    let certificates = Arc::new(Certificates::new(pair));
    let config = tls::listener(Arc::clone(&certificates)).context("TLS cannot be set up")?;
    let renewal = Renewal::start(files, certificates).context("cannot listen for SIGHUP")?;
    Ok(Some((config, renewal)))
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
    passwords: Arc<Argon2Passwords>,
    courier: Option<Courier>,
    mailer: Option<Arc<ExchangeableMailer>>,
    outbox: Option<InProcessOutbox>,
    /// Whatever is over goes through this: a new kind of rows is a new `Kind` there.
    housekeeping: Housekeeping,
    keys: KeysInUse,
    generated: Generated,
    legacy: Option<LegacyOptions>,
}

async fn connect(settings: &Settings) -> anyhow::Result<Connected> {
    let store = Arc::new(open(&settings.database).await?);
    let mailer = mail::mailer(&settings.mail)?.map(|mailer| Arc::new(ExchangeableMailer::new(mailer)));
    tell_of_mail(&settings.mail);
    let courier = mailer.clone().map(|mailer| courier(&settings.mail, store.clone(), mailer));
    let runtime = tokio::runtime::Handle::current();
    let outbox = courier.clone().map(|courier| InProcessOutbox::new(courier, runtime));
    let retention = settings.housekeeping.audit_retention();
    let housekeeping = Housekeeping::new(store.clone(), Arc::new(SystemClock), &UuidV7Ids, retention);
    let peppers = peppers(&settings.passwords);
    tell_of_pepper(&peppers);
    let passwords = PasswordOptions { concurrency: settings.limits.hash_concurrency as usize, peppers };
    let mut generated = Generated::default();
    let legacy = legacy_options(settings).await?;
    tell_of_legacy(settings, legacy.as_ref());
    let keys = KeysInUse::new(Keys::of(settings, legacy.clone(), &mut generated, WithoutKey::GoOn)?);
    let hasher = Arc::new(Argon2Passwords::new(passwords)?);
    let adapters = Adapters {
        store: store.clone(),
        passwords: hasher.clone() as Arc<dyn Passwords>,
        tokens: keys.tokens.clone(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(UuidV7Ids) as Arc<dyn Ids>,
        randomness: Arc::new(SystemRandomness),
        outbox: match &outbox {
            Some(outbox) => Arc::new(outbox.clone()) as Arc<dyn Outbox>,
            None => Arc::new(MailOff),
        },
        vault: keys.vault.clone(),
    };
    let (cursors, throttling) = (keys.cursors.clone(), keys.throttling.clone());
    let services = Services::new(adapters, auth_policy(&settings.auth), cursors, throttling);
    Ok(Connected {
        store,
        services,
        passwords: hasher,
        courier,
        mailer,
        outbox,
        housekeeping,
        keys,
        generated,
        legacy,
    })
}

/// Who writes and sends mail.
fn courier(settings: &MailSettings, store: Arc<dyn Store>, mailer: Arc<ExchangeableMailer>) -> Courier {
    let (clock, ids, randomness) = (Arc::new(SystemClock), Arc::new(UuidV7Ids), Arc::new(SystemRandomness));
    Courier::new(store, mailer, clock, ids, randomness, settings.site.clone())
}

/// Threads that answer requests: one for each processor.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, NonZeroUsize::get)
}

/// The store on the database, with its replica where one is set.
async fn open(settings: &DatabaseSettings) -> anyhow::Result<SeaOrmStore> {
    let store = SeaOrmStore::connect(database_options(settings, &settings.url)?).await?;
    Ok(match &settings.read_url {
        Some(replica) => store.reading_from(&database_options(settings, replica)?)?,
        None => store,
    })
}

/// Where a URL leads.
pub(crate) fn database_location(url: &DatabaseUrl) -> anyhow::Result<DatabaseLocation> {
    Ok(match url {
        DatabaseUrl::Postgres(postgres) => {
            DatabaseLocation::Postgres { url: url.connect_url(), pooler: postgres.is_pooler() }
        }
        DatabaseUrl::Sqlite(location) => {
            let path = location.path().context("a database in memory cannot be served")?;
            DatabaseLocation::Sqlite { path: path.to_owned() }
        }
    })
}

fn database_options(settings: &DatabaseSettings, url: &DatabaseUrl) -> anyhow::Result<DatabaseOptions> {
    Ok(DatabaseOptions {
        location: database_location(url)?,
        pool_size: settings.pool_size as usize,
        workers: workers(),
        statement_cache: settings.statement_cache as usize,
        wake_timeout: settings.wake_timeout(),
    })
}

/// How tokens of the FastAPI backend are accepted.
pub(crate) async fn legacy_options(settings: &Settings) -> anyhow::Result<Option<LegacyOptions>> {
    let LegacyTokenSettings { secret, until } = &settings.auth.legacy;
    let Some(secret) = secret else { return Ok(None) };
    let until = match until {
        Some(until) => Some(*until),
        None => adopted_at(&settings.database)
            .await?
            .map(|adopted_at| adopted_at.plus(settings.auth.compatibility_token_lifetime())),
    };
    let secret = token_secret(secret);
    Ok(until.map(|until| LegacyOptions { secret, until }))
}

/// Tells the log whether they are, where somebody might expect it.
pub(crate) fn tell_of_legacy(settings: &Settings, options: Option<&LegacyOptions>) {
    if settings.auth.legacy.secret.is_none() {
        return;
    }
    let now = SystemClock.now();
    if let Some(LegacyOptions { secret: _, until }) = options.filter(|options| now < options.until) {
        tracing::info!(%until, "tokens of the FastAPI backend are accepted until then");
    } else {
        tracing::info!(
            "no token of the FastAPI backend is accepted: their time is over, or there was no adoption"
        );
    }
}

/// When the FastAPI backend's data was taken over; never, in a database that was ours from the start.
async fn adopted_at(settings: &DatabaseSettings) -> anyhow::Result<Option<Timestamp>> {
    let seconds = runner(settings).adopted_at().await?;
    Ok(seconds.map(Timestamp::from_seconds).transpose()?)
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

fn web_options(settings: &Settings, traces: Option<&Traces>) -> WebOptions {
    WebOptions {
        allowed_origins: settings.http.allowed_origins.clone(),
        trusted_proxies: settings.http.trusted_proxies.clone(),
        rate_limit: settings.throttling.buckets(),
        version: env!("CARGO_PKG_VERSION"),
        production: settings.environment.is_strict(),
        require_if_match: settings.http.require_if_match,
        traces: TraceOptions {
            believes_callers: settings.traces.believes_callers,
            encrypted: settings.tls.pair.is_some(),
            places: traces.map(Traces::places),
        },
    }
}

/// These buckets are each instance's own. What all of them count together is Redis' or housekeeping's.
fn sweep(state: WebState) {
    actix_web::rt::spawn(async move {
        let mut interval = actix_web::rt::time::interval(SWEEP_INTERVAL);
        loop {
            interval.tick().await;
            state.sweep();
        }
    });
}
