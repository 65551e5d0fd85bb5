//! Where the database is: the URL forms, read in this one place for the migration CLI and the server alike.
//!
//! Which environment variable wins is in `choice`; opening connections is not done here.

mod choice;
mod postgres;
mod sqlite;

use std::fmt;

pub use choice::{
    Chosen, FALLBACK_ORDER, FASTAPI_PLACEHOLDER, FaultyVariable, READ_VARIABLE, UNPOOLED_VARIABLE, choose,
    choose_for_migrations, choose_replica,
};
pub use postgres::{PostgresHost, PostgresUrl, SslMode};
pub use sqlite::SqliteLocation;

/// The database used in development when no URL is given: a file below the working directory.
pub const DEVELOPMENT_DEFAULT: &str = "sqlite://data/holdfast.db";

/// A database engine that Holdfast runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// A PostgreSQL server.
    Postgres,
    /// SQLite, embedded in the process.
    Sqlite,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// A parsed database URL.
///
/// Neither `Debug` nor any error of this type shows the password; only [`DatabaseUrl::connect_url`] holds it.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A PostgreSQL server, or a pooler before one.
    Postgres(PostgresUrl),
    /// An embedded database.
    Sqlite(SqliteLocation),
}

impl DatabaseUrl {
    /// Reads `postgres://`, `postgresql://` (also with a Python driver, as in `postgresql+asyncpg://`), `sqlite:` and
    /// `sqlite+aiosqlite:` URLs.
    ///
    /// # Errors
    /// [`DatabaseUrlError`], which says what is wrong and what is expected, and never repeats the URL.
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(DatabaseUrlError::NotAUrl);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "postgres"
            | "postgresql"
            | "postgresql+asyncpg"
            | "postgresql+psycopg2"
            | "postgresql+psycopg" => PostgresUrl::parse(rest).map(Self::Postgres),
            "sqlite" => SqliteLocation::parse(rest).map(Self::Sqlite),
            "sqlite+aiosqlite" | "sqlite+pysqlite" => {
                SqliteLocation::parse_sqlalchemy(rest).map(Self::Sqlite)
            }
            _ => Err(DatabaseUrlError::UnknownScheme),
        }
    }

    /// The engine behind the URL.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self {
            Self::Postgres(_) => Engine::Postgres,
            Self::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// Whether the data stays on this machine: SQLite, a Unix socket, or a loopback host.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Postgres(url) => url.host().is_local(),
            Self::Sqlite(_) => true,
        }
    }

    /// The TLS mode in force; `None` on SQLite, which has no network.
    #[must_use]
    pub fn sslmode(&self) -> Option<SslMode> {
        match self {
            Self::Postgres(url) => Some(url.sslmode()),
            Self::Sqlite(_) => None,
        }
    }

    /// Whether a connection without TLS is refused by the client.
    pub fn requires_tls(&self) -> bool {
        self.sslmode().is_some_and(SslMode::requires_tls)
    }

    /// Looks at the PEM files that the URL names, so that a wrong path is told before anything connects.
    ///
    /// # Errors
    /// [`DatabaseUrlError::UnreadablePem`], which names the parameter.
    pub fn check_files(&self) -> Result<(), DatabaseUrlError> {
        match self {
            Self::Postgres(url) => url.check_files(),
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Whether TLS proves nothing about who the server is beyond some public certificate: `verify-ca` without a root
    /// of one's own.
    #[must_use]
    pub fn trusts_any_public_certificate(&self) -> bool {
        match self {
            Self::Postgres(url) => url.trusts_any_public_certificate(),
            Self::Sqlite(_) => false,
        }
    }

    /// Whether a transaction pooler stands in between, where no session state survives a transaction: a host whose
    /// first label ends in `-pooler` (Neon), or `pgbouncer=true` in the URL.
    #[must_use]
    pub fn is_pooler(&self) -> bool {
        match self {
            Self::Postgres(url) => url.is_pooler(),
            Self::Sqlite(_) => false,
        }
    }

    /// Names of URL parameters that are understood by no part of Holdfast and therefore have no effect.
    #[must_use]
    pub fn ignored_parameters(&self) -> &[String] {
        match self {
            Self::Postgres(url) => url.ignored_parameters(),
            Self::Sqlite(_) => &[],
        }
    }

    /// For logs and messages: engine, host, port and database (or the file), without user, password or parameters.
    #[must_use]
    pub fn redacted(&self) -> String {
        match self {
            Self::Postgres(url) => url.redacted(),
            Self::Sqlite(location) => location.to_string(),
        }
    }

    /// The form that sqlx and SeaORM understand. **Holds the password**: never log it.
    #[must_use]
    pub fn connect_url(&self) -> String {
        match self {
            Self::Postgres(url) => url.connect_url(),
            Self::Sqlite(location) => location.connect_url(),
        }
    }

    /// What forbids this URL in production, if anything: no TLS to another machine, or SQLite without the operator's
    /// consent (`ALLOW_SQLITE_IN_PRODUCTION=true`).
    #[must_use]
    pub fn production_fault(&self, allow_sqlite: bool) -> Option<&'static str> {
        match self.engine() {
            Engine::Sqlite if !allow_sqlite => Some(
                "is SQLite, which is refused in production; expected a postgresql:// URL, or ALLOW_SQLITE_IN_PRODUCTION=true",
            ),
            Engine::Postgres if !self.is_local() && !self.requires_tls() => Some(
                "allows a connection without TLS to another machine; expected sslmode=require, verify-ca or verify-full",
            ),
            Engine::Postgres | Engine::Sqlite => None,
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DatabaseUrl({})", self.redacted())
    }
}

/// Why a database URL was refused. No variant carries text from the URL, so that no password can leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// No scheme, or nothing where the address belongs.
    #[error("is not a URL; expected postgresql://user:password@host/database or sqlite://path/to/file.db")]
    NotAUrl,
    /// A database that Holdfast does not run on.
    #[error(
        "has an unknown scheme; expected postgres://, postgresql://, postgresql+asyncpg://, postgresql+psycopg2:// or sqlite://"
    )]
    UnknownScheme,
    /// User, password, host or port cannot be told apart.
    #[error(
        "cannot be read as a PostgreSQL URL; special characters in the user name or password (@ : / ? # % [ ]) must be percent-encoded"
    )]
    Malformed,
    /// Neither a database nor a user to name it after.
    #[error("names no database; expected …/database at the end of the host")]
    NoDatabase,
    /// A list of hosts, as libpq allows it.
    #[error("names several hosts; expected one (let the provider's endpoint or a proxy do the fail-over)")]
    SeveralHosts,
    /// Not a mode of libpq.
    #[error("has an unknown sslmode; expected disable, allow, prefer, require, verify-ca or verify-full")]
    UnknownSslMode,
    /// Channel binding needs TLS.
    #[error(
        "asks for channel_binding=require with a sslmode that permits plain connections to be chosen; expected sslmode=require or stricter"
    )]
    ChannelBindingWithoutTls,
    /// One of the two cannot do without the other.
    #[error("names only one of sslcert and sslkey; expected both, or neither")]
    HalfClientCertificate,
    /// `sslrootcert=system` with a mode that looks at no host name.
    #[error(
        "trusts every public authority (sslrootcert=system) without a look at the host name; expected sslmode=verify-full"
    )]
    SystemRootsWithoutName,
    /// A file with a certificate or a key is missing, unreadable, or holds none.
    #[error(
        "names a file in {0} that cannot be read or holds no such PEM text; expected the path of a PEM file that the server may read"
    )]
    UnreadablePem(&'static str),
    /// In a `port` parameter.
    #[error("has a port that is not a number from 1 to 65535")]
    BadPort,
    /// A folder, or nothing.
    #[error("is a SQLite URL without a file name; expected sqlite://path/to/file.db")]
    NoFile,
    /// `mode=ro`.
    #[error("opens SQLite in a mode that cannot be written to; leave `mode` out, or use mode=rwc")]
    ReadOnly,
}
