//! The composition root: adapters are chosen here, connected to the services, and the services to the surfaces.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    HttpServer,
    dev::{Server, ServerHandle},
};
use anyhow::{Context, bail};
use holdfast_application::{
    Adapters, Services,
    auth::AuthPolicy,
    domain::{Timestamp, sessions::Lifetimes},
    page::CursorKey,
    ports::{Clock as _, Ids, Passwords, Store, Tokens},
};
use holdfast_infrastructure::{
    clock::SystemClock,
    database::{DatabaseLocation, DatabaseOptions, SeaOrmStore},
    ids::UuidV7Ids,
    passwords::{Argon2Passwords, PasswordOptions},
    tokens::{JwtOptions, JwtTokens, LegacyOptions, Secret as TokenSecret},
};
use holdfast_web::{RateLimit, WebOptions, WebState};
use migration::{DatabaseUrl, Engine, Runner};

use crate::{
    settings::{
        AuthSettings, DatabaseSettings, LegacyTokenSettings, Secret, SecretSource, Settings,
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
/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;
/// How often throttle keys that nobody has used are dropped.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// A server that is bound and ready to run.
pub struct Application {
    server: Server,
    address: SocketAddr,
}

/// Stops a running [`Application`] from another thread.
#[derive(Clone)]
pub struct Handle(ServerHandle);

impl Application {
    /// Migrates where that is wanted, connects everything and binds the listener. Port 0 takes any free one.
    pub async fn build(settings: &Settings) -> anyhow::Result<Self> {
        prepare_schema(&settings.database).await?;
        let secret = signing_secret(&settings.auth.secret)?;
        let services = connect(settings, &secret).await?;
        let state =
            WebState::new(services, Arc::new(SystemClock), Arc::new(UuidV7Ids), web_options(settings));
        let signals = Signals::listen().context("cannot listen for signals")?;
        let stop = signals.requested(state.readiness(), settings.http.drain_delay());
        sweep_throttles(state.clone());
        let address = SocketAddr::new(settings.http.host, settings.http.port);
        let server = HttpServer::new(move || holdfast_web::app(&state))
            .backlog(BACKLOG)
            .client_request_timeout(HEAD_TIMEOUT)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .shutdown_signal(stop)
            .bind(address)
            .with_context(|| format!("cannot listen on {address} (HOST, PORT); is another server there?"))?;
        let address = server.addrs().first().copied().context("nothing was bound")?;
        Ok(Self { server: server.run(), address })
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
        self.server.await
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
    connect(settings, &signing_secret(&settings.auth.secret)?).await
}

/// SQLite migrates by itself; PostgreSQL where `MIGRATE_ON_START` says so. Otherwise nothing may be pending. Neither takes
/// over the FastAPI backend's tables unasked, also where they came after the schema.
async fn prepare_schema(settings: &DatabaseSettings) -> anyhow::Result<()> {
    let runner = Runner::new(&settings.migration_url);
    if !settings.migrate_on_start
        && let Some(form) = runner.would_adopt().await?
    {
        bail!(
            "This database holds the FastAPI backend's tables: {form}. Run `holdfast migrate adopt --check`, then \
             `holdfast migrate up`, or set MIGRATE_ON_START=true"
        )
    }
    if settings.url.engine() == Engine::Sqlite || settings.migrate_on_start {
        runner.up(None).await?;
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

async fn connect(settings: &Settings, secret: &Secret) -> anyhow::Result<Services> {
    let store = SeaOrmStore::connect(database_options(&settings.database)?).await?;
    let passwords = PasswordOptions { concurrency: settings.limits.hash_concurrency as usize };
    let legacy = legacy_options(settings).await?;
    let adapters = Adapters {
        store: Arc::new(store) as Arc<dyn Store>,
        passwords: Arc::new(Argon2Passwords::new(passwords)?) as Arc<dyn Passwords>,
        tokens: Arc::new(JwtTokens::new(jwt_options(&settings.auth, secret, legacy))?) as Arc<dyn Tokens>,
        clock: Arc::new(SystemClock),
        ids: Arc::new(UuidV7Ids) as Arc<dyn Ids>,
    };
    Ok(Services::new(adapters, auth_policy(&settings.auth), CursorKey::derive(secret.expose())))
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
    let secret = TokenSecret::new(secret.expose().to_vec());
    Ok(until.map(|until| LegacyOptions { secret, until }))
}

/// When the FastAPI backend's data was taken over; never, in a database that was ours from the start.
async fn adopted_at(settings: &DatabaseSettings) -> anyhow::Result<Option<Timestamp>> {
    let seconds = Runner::new(&settings.migration_url).adopted_at().await?;
    Ok(seconds.map(Timestamp::from_seconds).transpose()?)
}

fn jwt_options(settings: &AuthSettings, secret: &Secret, legacy: Option<LegacyOptions>) -> JwtOptions {
    JwtOptions {
        issuer: settings.issuer.clone(),
        audience: settings.audience.clone(),
        secret: TokenSecret::new(secret.expose().to_vec()),
        previous_secrets: settings
            .previous_secrets
            .iter()
            .map(|secret| TokenSecret::new(secret.expose().to_vec()))
            .collect(),
        longest_access: settings.access_token_lifetime().max(settings.compatibility_token_lifetime()),
        longest_refresh: settings.session_maximum().max(settings.compatibility_token_lifetime()),
        legacy,
    }
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

fn signing_secret(source: &SecretSource) -> anyhow::Result<Secret> {
    match source {
        SecretSource::Given(secret) => Ok(secret.clone()),
        SecretSource::Generated { path } => Ok(load_or_create_secret(path)?),
    }
}

fn web_options(settings: &Settings) -> WebOptions {
    WebOptions {
        allowed_origins: settings.http.allowed_origins.clone(),
        trusted_proxies: settings.http.trusted_proxies.clone(),
        rate_limit: if settings.limits.rate_limit { RateLimit::default() } else { RateLimit::Off },
        version: env!("CARGO_PKG_VERSION"),
        production: settings.environment.is_strict(),
    }
}

fn sweep_throttles(state: WebState) {
    actix_web::rt::spawn(async move {
        let mut interval = actix_web::rt::time::interval(SWEEP_INTERVAL);
        loop {
            interval.tick().await;
            state.sweep();
        }
    });
}
