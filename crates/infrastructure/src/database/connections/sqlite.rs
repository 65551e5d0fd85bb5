//! Connections to a SQLite file: one that writes and several that can only read.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::sqlite_file::{LOG_LIMIT, SqliteFile};

/// Takes the write lock at once: a transaction that begins by reading could lose it to another writer half way.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(1);
/// The same, to go back to it.
pub(super) const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 1000";
/// Steps of SQLite's virtual machine, well below a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// A file and the part that a connection plays for it.
#[derive(Clone)]
pub(super) struct SqliteTarget {
    options: SqliteConnectOptions,
    file: Option<Arc<SqliteFile>>,
    writes: bool,
}

impl SqliteTarget {
    /// The one connection that writes. It brings the file into WAL mode, so it must be opened first.
    pub(super) fn writer(path: &Path, statement_cache: usize) -> Self {
        let options = writing(path, statement_cache);
        Self { options, file: None, writes: true }
    }

    /// A connection that reads while others write, and cannot write itself.
    pub(super) fn reader(path: &Path, statement_cache: usize) -> Self {
        let options = shared(path, statement_cache).pragma("query_only", "ON");
        Self { options, file: None, writes: false }
    }

    /// The same, once it is known which file that is.
    pub(super) fn of(self, file: &Arc<SqliteFile>) -> Self {
        Self { file: Some(file.clone()), ..self }
    }

    pub(super) async fn open(&self) -> Result<SqliteWire, sqlx::Error> {
        let Self { options, file, writes } = self;
        if let Some(file) = file {
            file.check().inspect_err(|error| file.note(error))?;
        }
        let mut connection = SqliteConnection::connect_with(options).await?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let watched = abandoned.clone();
        connection
            .lock_handle()
            .await?
            .set_progress_handler(STEPS_BETWEEN_LOOKS, move || !watched.load(Ordering::Relaxed));
        Ok(SqliteWire { connection, abandoned, file: file.clone(), writes: *writes })
    }
}

/// An open file. A statement lives on a thread of its own and would run to its end although nobody waits for it:
/// dropping this interrupts it.
pub(super) struct SqliteWire {
    pub(super) connection: SqliteConnection,
    abandoned: Arc<AtomicBool>,
    file: Option<Arc<SqliteFile>>,
    writes: bool,
}

impl SqliteWire {
    /// Before a statement: whether what it writes would be found again. Reads go on with the file that is open.
    pub(super) fn check(&self) -> Result<(), sqlx::Error> {
        let Some(file) = self.file.as_ref().filter(|_| self.writes) else { return Ok(()) };
        file.check().inspect_err(|error| file.note(error))
    }

    /// After one that failed.
    pub(super) fn note(&self, error: &sqlx::Error) {
        if let Some(file) = &self.file {
            file.note(error);
        }
    }
}

impl Drop for SqliteWire {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}

/// Brings the file into WAL mode. A log that was long for a while is cut off when it begins anew.
pub(super) fn writing(path: &Path, statement_cache: usize) -> SqliteConnectOptions {
    let limit = LOG_LIMIT.to_string();
    shared(path, statement_cache).journal_mode(SqliteJournalMode::Wal).pragma("journal_size_limit", limit)
}

fn shared(path: &Path, statement_cache: usize) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .statement_cache_capacity(statement_cache)
        .disable_statement_logging()
}
