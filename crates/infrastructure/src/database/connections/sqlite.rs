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

/// Takes the write lock at once: a transaction that begins by reading could lose it to another writer half way.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(1);
/// Steps of SQLite's virtual machine, well below a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// A file and the part that a connection plays for it.
#[derive(Clone)]
pub(super) struct SqliteTarget(SqliteConnectOptions);

impl SqliteTarget {
    /// The one connection that writes. It brings the file into WAL mode, so it must be opened first.
    pub(super) fn writer(path: &Path, statement_cache: usize) -> Self {
        Self(shared(path, statement_cache).journal_mode(SqliteJournalMode::Wal))
    }

    /// A connection that reads while others write, and cannot write itself.
    pub(super) fn reader(path: &Path, statement_cache: usize) -> Self {
        Self(shared(path, statement_cache).pragma("query_only", "ON"))
    }

    pub(super) async fn open(&self) -> Result<SqliteWire, sqlx::Error> {
        let mut connection = SqliteConnection::connect_with(&self.0).await?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let watched = abandoned.clone();
        connection
            .lock_handle()
            .await?
            .set_progress_handler(STEPS_BETWEEN_LOOKS, move || !watched.load(Ordering::Relaxed));
        Ok(SqliteWire { connection, abandoned })
    }
}

/// An open file. A statement lives on a thread of its own and would run to its end although nobody waits for it:
/// dropping this interrupts it.
pub(super) struct SqliteWire {
    pub(super) connection: SqliteConnection,
    abandoned: Arc<AtomicBool>,
}

impl Drop for SqliteWire {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
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
