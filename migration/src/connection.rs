//! The migrations' own connection: one, patient, and without any state that a pooler could lose.
//!
//! The server's connections are not opened here.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use log::LevelFilter;
use sea_orm_migration::sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::database_url::{DatabaseUrl, Engine, PostgresUrl, SqliteLocation};
use crate::error::{MigrationError, is_sqlite_busy, is_sqlite_damage};
use crate::sqlite_remedy;

/// How long connecting may take unless somebody says otherwise: long enough for a sleeping Neon database to wake up.
pub(crate) const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// The part of it that is kept for one more try, which tells why the others failed.
const LAST_TRY: u32 = 5;
/// Each statement is told at this level (target `sqlx::query`), without its values.
const STATEMENTS: LevelFilter = LevelFilter::Trace;
/// What PgBouncer answers to start-up parameters that it does not know.
const PROTOCOL_VIOLATION: &str = "08P01";
/// How long one SQLite statement waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the caller is about to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Look at the journal; nothing may be created.
    Read,
    /// Change the schema; a missing SQLite file is created.
    Write,
    /// Change it outside of any transaction on PostgreSQL, where the limits that were set for the role must not hold.
    Online,
}

/// Opens the one connection within `patience`. `None` when `purpose` is to read and there is no SQLite file yet.
pub(crate) async fn open(
    url: &DatabaseUrl,
    purpose: Purpose,
    patience: Duration,
) -> Result<Option<DatabaseConnection>, MigrationError> {
    let opened = match url {
        DatabaseUrl::Postgres(postgres) => {
            open_postgres(postgres, &url.connect_url(), purpose, patience).await
        }
        DatabaseUrl::Sqlite(SqliteLocation::Memory) => return Err(MigrationError::InMemory),
        DatabaseUrl::Sqlite(SqliteLocation::File(path)) => {
            if purpose == Purpose::Read && !path.exists() {
                return Ok(None);
            }
            if purpose != Purpose::Read {
                create_sqlite_file(path)
                    .map_err(|cause| MigrationError::CreateFile { path: path.clone(), cause })?;
            }
            open_sqlite(path, purpose, patience).await
        }
    };
    opened.map(Some).map_err(|error| connect_error(url, &error, patience))
}

async fn open_postgres(
    url: &PostgresUrl,
    connect_url: &str,
    purpose: Purpose,
    patience: Duration,
) -> Result<DatabaseConnection, sqlx::Error> {
    let mut options = connect_url
        .parse::<PgConnectOptions>()?
        .statement_cache_capacity(0)
        .log_statements(STATEMENTS)
        .log_slow_statements(LevelFilter::Off, Duration::MAX);
    // A pooler refuses start-up parameters that it does not know.
    if url.is_pooler() {
        options = options.extra_float_digits(None);
    } else {
        options = options.application_name("holdfast-migration");
    }
    let pool = match purpose {
        Purpose::Online => patient_without_limits(options, url.is_pooler(), patience).await?,
        Purpose::Read | Purpose::Write => patient(&options, patience).await?,
    };
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// Without the time-outs that were set for the role. They are switched off as the connection starts: a `SET` would stay
/// behind on a pooler's connection.
async fn patient_without_limits(
    options: PgConnectOptions,
    is_pooler: bool,
    patience: Duration,
) -> Result<PgPool, sqlx::Error> {
    if !is_pooler {
        let unlimited = options.clone().options([("statement_timeout", "0"), ("lock_timeout", "0")]);
        match patient(&unlimited, patience).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(PROTOCOL_VIOLATION) => {}
            other => return other,
        }
    }
    tracing::warn!(
        "a pooler is in between: a statement_timeout of the role may break long steps off; DATABASE_URL_UNPOOLED avoids that"
    );
    patient(&options, patience).await
}

async fn patient(options: &PgConnectOptions, patience: Duration) -> Result<PgPool, sqlx::Error> {
    let last_try = patience / LAST_TRY;
    match single(options, patience.saturating_sub(last_try)).await {
        // The pool repeats a refused connection until its time is up, and forgets why: ask once more.
        Err(sqlx::Error::PoolTimedOut) => {
            probe(options, last_try).await?;
            single(options, last_try).await
        }
        other => other,
    }
}

async fn single(options: &PgConnectOptions, limit: Duration) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(limit)
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await
}

async fn probe(options: &PgConnectOptions, limit: Duration) -> Result<(), sqlx::Error> {
    let connecting = tokio::time::timeout(limit, PgConnection::connect_with(options));
    connecting.await.map_err(|_| sqlx::Error::PoolTimedOut)?.map(drop)
}

async fn open_sqlite(
    path: &Path,
    purpose: Purpose,
    patience: Duration,
) -> Result<DatabaseConnection, sqlx::Error> {
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        // Off, or a rebuilt table would take its children along; `PRAGMA foreign_key_check` looks before the commit.
        .foreign_keys(false)
        .synchronous(SqliteSynchronous::Full)
        .statement_cache_capacity(0)
        .log_statements(STATEMENTS)
        .log_slow_statements(LevelFilter::Off, Duration::MAX);
    if purpose != Purpose::Read {
        options = options.journal_mode(SqliteJournalMode::Wal);
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(patience)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// Creates an empty database file where it is missing. Its folder must exist, or a mistyped path would begin an empty
/// database in a place of its own; only `./data`, where the development default lies, is made. On Unix its owner alone
/// may enter that folder (0700) and read the file (0600); SQLite gives its journal files the same mode.
///
/// # Errors
/// What the system says when the folder or the file cannot be created; `NotFound` for a folder that does not exist.
pub fn create_sqlite_file(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        if !is_made_by_itself(folder) {
            let text = format!("the folder {} does not exist", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => {
            tracing::warn!("{} did not exist: a new, empty database begins there", path.display());
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// The folder of the development default.
fn is_made_by_itself(folder: &Path) -> bool {
    folder.strip_prefix(".").unwrap_or(folder) == Path::new("data")
}

fn connect_error(url: &DatabaseUrl, error: &sqlx::Error, patience: Duration) -> MigrationError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let remedy = match (error, code.as_deref()) {
        (_, Some("28P01" | "28000")) => "check the user and the password in the URL",
        (_, Some("3D000")) => "create the database first (CREATE DATABASE), or correct its name in the URL",
        (_, Some("53300")) => "the server has no connection to spare; close some, or raise max_connections",
        (_, Some("57P03")) => "the server is starting up or shutting down; try again",
        (_, Some(code)) if url.engine() == Engine::Sqlite => {
            sqlite_remedy::of(code).unwrap_or("check the path in the URL, and the file that it names")
        }
        (sqlx::Error::PoolTimedOut, _) => {
            "is the server running, and do host, port and firewall allow a connection?"
        }
        (sqlx::Error::Tls(_) | sqlx::Error::Io(_), _) => {
            tls_remedy(&error.to_string()).unwrap_or("check host and port, and that the server is running")
        }
        _ => "check the URL",
    };
    let cause = match error {
        sqlx::Error::PoolTimedOut => format!("no answer within {} s", patience.as_secs()),
        other => other.to_string(),
    };
    let code = code.filter(|_| url.engine() == Engine::Sqlite);
    let busy = code.as_deref().is_some_and(is_sqlite_busy);
    let damaged = code.as_deref().is_some_and(is_sqlite_damage);
    MigrationError::Connect { target: url.redacted(), cause, remedy, busy, damaged }
}

const UNTRUSTED: &str = "the server's certificate comes from an authority that is not trusted; name that authority's certificate with sslrootcert";
const OTHER_HOST: &str = "the server's certificate is for another host; correct the host in the URL, or give the server a certificate for it";
const CERTIFICATES: &str = "check sslmode and the certificates on both sides";

/// What to do about a handshake that failed. rustls tells its cause in a text alone, wrapped into an I/O error.
fn tls_remedy(cause: &str) -> Option<&'static str> {
    [
        ("UnknownIssuer", UNTRUSTED),
        // An authority of the same name, and another key.
        ("BadSignature", UNTRUSTED),
        ("not valid for name", OTHER_HOST),
        ("NotValidForName", OTHER_HOST),
        ("xpired", "the server's certificate has expired; renew it, or set this machine's clock"),
        ("does not support TLS", "the server has TLS switched off; set ssl = on there"),
        ("certificate", CERTIFICATES),
        ("TLS", CERTIFICATES),
    ]
    .into_iter()
    .find_map(|(text, remedy)| cause.contains(text).then_some(remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_folder_is_told_and_nothing_is_created() {
        let folder = tempfile::tempdir().unwrap();
        let error = create_sqlite_file(&folder.path().join("mistyped/holdfast.db")).unwrap_err();
        assert!(error.to_string().ends_with("mistyped does not exist"), "{error}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        create_sqlite_file(&folder.path().join("holdfast.db")).unwrap();
        create_sqlite_file(&folder.path().join("holdfast.db")).unwrap();
        for (folder, made) in
            [("data", true), ("./data", true), ("/data", false), ("data/data", false), ("dta", false)]
        {
            assert_eq!(is_made_by_itself(Path::new(folder)), made, "{folder}");
        }
    }
}
