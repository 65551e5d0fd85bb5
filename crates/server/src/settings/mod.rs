//! The server's settings: loaded from defaults, `.env` files and the process environment, checked as a
//! whole, described for an operator. Nothing is opened here but files of settings and keys, nothing is bound, and nothing is
//! printed.
//!
//! Order, each over the one before: defaults, `.env`, then `.env.local` (development), `.env.staging`
//! or `.env.production`, then the process environment. Present but empty is missing.

mod auth;
mod database;
mod describe;
mod encryption;
mod env_files;
mod environment;
mod fault;
mod generated_secret;
mod housekeeping;
mod http;
mod legacy_tokens;
mod limits;
mod mail;
mod operations;
mod passwords;
mod read_url;
mod reader;
mod redis;
mod renewal;
mod revocation;
mod secret;
mod secret_files;
mod signing_keys;
mod signing_secret;
mod sources;
mod strictness;
mod telemetry;
mod throttling;
mod tls;
mod traces;
mod unknown;
pub mod variables;

pub use auth::AuthSettings;
pub use database::DatabaseSettings;
pub use describe::{Description, Row};
pub use encryption::EncryptionSettings;
pub use environment::Environment;
pub use fault::{Fault, Faults, Warning};
pub use generated_secret::{GeneratedSecretError, load_or_create_secret};
pub use housekeeping::HousekeepingSettings;
pub use http::HttpSettings;
pub use legacy_tokens::LegacyTokenSettings;
pub use limits::LimitSettings;
pub use mail::{Delivery, MailSettings};
pub use operations::{OperationsPlace, OperationsSettings};
pub use passwords::PasswordSettings;
pub use redis::RedisSettings;
pub use renewal::Change;
pub use revocation::Revocation;
pub use secret::{REDACTED, Secret};
pub use signing_keys::{KeyCommandSettings, KeySettings};
pub use signing_secret::{MINIMUM_BYTES, SecretSource};
pub use sources::{Origin, Sources};
pub use telemetry::{LogFormat, LogLevel, TelemetrySettings};
pub use throttling::ThrottlingSettings;
pub use tls::TlsSettings;
pub use traces::{Export, ExportHeaders, Pace, TraceSettings};

use reader::Reader;
use strictness::Strictness;

/// Every setting, typed and within its limits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which rules hold.
    pub environment: Environment,
    /// The listener.
    pub http: HttpSettings,
    /// TLS of the listener.
    pub tls: TlsSettings,
    /// What operators see.
    pub operations: OperationsSettings,
    /// Logs.
    pub telemetry: TelemetrySettings,
    /// Traces.
    pub traces: TraceSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// Tokens and sessions.
    pub auth: AuthSettings,
    /// Stored passwords.
    pub passwords: PasswordSettings,
    /// Stored secrets.
    pub encryption: EncryptionSettings,
    /// Bounds on work.
    pub limits: LimitSettings,
    /// How fast clients may try.
    pub throttling: ThrottlingSettings,
    /// Where limits are counted for all instances.
    pub redis: RedisSettings,
    /// How mail goes out.
    pub mail: MailSettings,
    /// What is kept for how long.
    pub housekeeping: HousekeepingSettings,
    description: Description,
}

/// Settings that hold, and what an operator should know about them.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// To be logged before serving.
    pub warnings: Vec<Warning>,
}

impl Settings {
    /// Loads and checks everything.
    ///
    /// # Errors
    /// All faults together; the process then ends with exit code 78 (`EX_CONFIG` of sysexits).
    pub fn load(sources: &Sources) -> Result<Loaded, Faults> {
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        let layers = sources::layer(sources, &mut faults, &mut warnings);
        let mut reader = Reader::new(layers, faults, warnings);
        let settings = Self::read(&mut reader, sources);
        let (faults, warnings) = reader.into_faults();
        if faults.is_empty() { Ok(Loaded { settings, warnings }) } else { Err(Faults::new(faults)) }
    }

    /// Whether `ENVIRONMENT` was set, rather than taken for development.
    pub fn environment_stated(&self) -> bool {
        let label = Origin::Default.label();
        self.description.rows().iter().any(|row| row.variable == "ENVIRONMENT" && row.source != label)
    }

    /// Every variable with the value that holds and its source, secrets redacted.
    pub fn describe(&self) -> &Description {
        &self.description
    }

    fn read(reader: &mut Reader, Sources { directory, environment: _ }: &Sources) -> Self {
        let environment = reader.word("ENVIRONMENT", Environment::parse);
        let http = HttpSettings::read(reader);
        let tls = TlsSettings::read(reader, directory);
        let telemetry = TelemetrySettings::read(reader, environment);
        let traces = TraceSettings::read(reader, environment);
        let database = DatabaseSettings::read(reader, directory, environment);
        let strictness = Strictness::judge(reader, environment, &http, &database);
        let operations = OperationsSettings::read(reader, &http, &strictness);
        let auth = AuthSettings::read(reader, directory, &strictness);
        let passwords = PasswordSettings::read(reader, &strictness);
        let encryption = EncryptionSettings::read(reader, directory, &strictness);
        let limits = LimitSettings::read(reader);
        let throttling = ThrottlingSettings::read(reader, environment);
        let redis = RedisSettings::read(reader, &strictness);
        let mail = MailSettings::read(reader, directory, &strictness, &http);
        let housekeeping = HousekeepingSettings::read(reader);
        let sections = [
            vec![("ENVIRONMENT", Some(environment.as_str().to_owned()))],
            http.effective(),
            tls.effective(),
            operations.effective(),
            telemetry.effective(),
            traces.effective(),
            database.effective(),
            auth.effective(),
            passwords.effective(),
            encryption.effective(),
            limits.effective(),
            throttling.effective(),
            redis.effective(),
            mail.effective(),
            housekeeping.effective(),
        ];
        let description = Description::new(reader, sections);
        Self {
            environment,
            http,
            tls,
            operations,
            telemetry,
            traces,
            database,
            auth,
            passwords,
            encryption,
            limits,
            throttling,
            redis,
            mail,
            housekeeping,
            description,
        }
    }
}
