//! The migrations' own connection: one, patient, and without any state that a pooler could lose.
//!
//! The server's connections are not opened here.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use sea_orm_migration::sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::database_url::{DatabaseUrl, Engine, PostgresUrl, SqliteLocation};
use crate::error::{MigrationError, is_sqlite_busy};

/// Long enough for a sleeping Neon database to wake up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// For one more connection that is only made to learn what is wrong.
const LAST_TRY: Duration = Duration::from_secs(1);
/// How long one SQLite statement waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the caller is about to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Look at the journal; nothing may be created.
    Read,
    /// Change the schema; a missing SQLite file is created.
    Write,
}

/// Opens the one connection. `None` when `purpose` is to read and there is no SQLite file yet.
pub(crate) async fn open(
    url: &DatabaseUrl,
    purpose: Purpose,
) -> Result<Option<DatabaseConnection>, MigrationError> {
    let opened = match url {
        DatabaseUrl::Postgres(postgres) => open_postgres(postgres, &url.connect_url()).await,
        DatabaseUrl::Sqlite(SqliteLocation::Memory) => return Err(MigrationError::InMemory),
        DatabaseUrl::Sqlite(SqliteLocation::File(path)) => {
            if purpose == Purpose::Read && !path.exists() {
                return Ok(None);
            }
            if purpose == Purpose::Write {
                create_sqlite_file(path)
                    .map_err(|cause| MigrationError::CreateFile { path: path.clone(), cause })?;
            }
            open_sqlite(path, purpose).await
        }
    };
    opened.map(Some).map_err(|error| connect_error(url, &error))
}

async fn open_postgres(url: &PostgresUrl, connect_url: &str) -> Result<DatabaseConnection, sqlx::Error> {
    let mut options =
        connect_url.parse::<PgConnectOptions>()?.statement_cache_capacity(0).disable_statement_logging();
    // A pooler refuses start-up parameters that it does not know.
    if !url.is_pooler() {
        options = options.application_name("holdfast-migration");
    }
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await;
    let pool = match pool {
        // The pool repeats a refused connection until its time is up, and forgets why: ask once more.
        Err(sqlx::Error::PoolTimedOut) => return Err(why_not(&options).await),
        other => other?,
    };
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

async fn why_not(options: &PgConnectOptions) -> sqlx::Error {
    match tokio::time::timeout(LAST_TRY, PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error,
        // It came up at the last moment, or still says nothing.
        Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
    }
}

async fn open_sqlite(path: &Path, purpose: Purpose) -> Result<DatabaseConnection, sqlx::Error> {
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        // Off, or a rebuilt table would take its children along; `PRAGMA foreign_key_check` looks before the commit.
        .foreign_keys(false)
        .synchronous(SqliteSynchronous::Full)
        .statement_cache_capacity(0)
        .disable_statement_logging();
    if purpose == Purpose::Write {
        options = options.journal_mode(SqliteJournalMode::Wal);
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// Creates an empty database file, and the folders above it, where they are missing. On Unix only the owner may enter
/// the folders (0700) and read the file (0600); SQLite gives its journal files the same mode.
///
/// # Errors
/// What the system says when a folder or the file cannot be created.
pub fn create_sqlite_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
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
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn connect_error(url: &DatabaseUrl, error: &sqlx::Error) -> MigrationError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let remedy = match (error, code.as_deref()) {
        (_, Some("28P01" | "28000")) => "check the user and the password in the URL",
        (_, Some("3D000")) => "create the database first (CREATE DATABASE), or correct its name in the URL",
        (_, Some("53300")) => "the server has no connection to spare; close some, or raise max_connections",
        (_, Some("57P03")) => "the server is starting up or shutting down; try again",
        (_, Some("26")) => "the file is no SQLite database; correct the path, or move the file away",
        (_, Some("14")) => "check that the file and its folder can be read and written",
        (sqlx::Error::PoolTimedOut, _) => {
            "is the server running, and do host, port and firewall allow a connection?"
        }
        (sqlx::Error::Tls(_), _) => "check sslmode and the server's certificate",
        (sqlx::Error::Io(_), _) => "check host and port, and that the server is running",
        _ => "check the URL",
    };
    let cause = match error {
        sqlx::Error::PoolTimedOut => format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        other => other.to_string(),
    };
    let busy = url.engine() == Engine::Sqlite && code.is_some_and(|code| is_sqlite_busy(&code));
    MigrationError::Connect { target: url.redacted(), cause, remedy, busy }
}
