//! Rows on their way: backups of a running database, and moves from one engine to the other.
//!
//! A dump holds every row of every table that the migrations have made, as the live schema has them; a SQLite database can
//! also be copied as the file that it is. Whatever goes wrong, the target is as it was. What the commands are called and
//! what they print is the server's.

mod backup;
mod check;
mod codec;
mod error;
mod export;
mod files;
mod format;
mod import;
mod layout;
mod load;
mod progress;
mod reader;
mod rows;
mod session;
mod sessions;
mod snapshot;
mod sqlite_file;
mod value;
mod writer;

use std::time::Duration;

pub use error::TransferError;
pub use files::{Destination, FileKind, Source, kind_of_file};
pub use format::TableSum;

use crate::connection::CONNECT_PATIENCE;
use crate::sql_migration::PlannedMigration;
use crate::{DatabaseUrl, Migrator};
use format::Header;

/// Moves rows out of one database, or into it.
pub struct Transfer {
    url: DatabaseUrl,
    migrations: fn() -> Vec<Box<dyn PlannedMigration>>,
    patience: Duration,
}

/// What may happen to the target of a restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Everything that is there may be replaced.
    pub force: bool,
    /// U+0000, which PostgreSQL cannot hold, becomes U+2400 there.
    pub escape_nul: bool,
    /// Every session ends, and so do links in mails and tokens of the FastAPI backend.
    pub end_sessions: bool,
}

/// What is in a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// By the clock of the database that it came from, RFC 3339.
    pub taken_at: String,
    /// The release that wrote it.
    pub holdfast: String,
    /// The engine that it came from.
    pub engine: String,
    /// The newest migration of its schema.
    pub migration: String,
    /// Its tables, parents first.
    pub tables: Vec<TableSum>,
    /// Tables whose rows mean nothing elsewhere.
    pub left_out: Vec<String>,
    /// SHA-256 of all of it, uncompressed, without the last line.
    pub sha256: String,
}

/// A copy of a SQLite file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedFile {
    /// Its length.
    pub bytes: u64,
    /// The newest migration of its schema.
    pub migration: String,
}

/// What is in the target now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// When the dump was taken; a SQLite file does not tell.
    pub taken_at: Option<String>,
    /// The rows as they were read back, before migrations and the end of sessions; empty for a SQLite file.
    pub tables: Vec<TableSum>,
    /// Texts in which U+0000 was replaced.
    pub escaped: u64,
}

impl Transfer {
    /// For the database of this URL.
    #[must_use]
    pub fn new(url: &DatabaseUrl) -> Self {
        Self::with_migrations(url, Migrator::planned)
    }

    /// For a schema of the caller's.
    #[must_use]
    pub fn with_migrations(url: &DatabaseUrl, migrations: fn() -> Vec<Box<dyn PlannedMigration>>) -> Self {
        Self { url: url.clone(), migrations, patience: CONNECT_PATIENCE }
    }

    /// How long connecting may take in all, while a sleeping database wakes up or a starting one refuses; 5 s unless set.
    #[must_use]
    pub fn connect_within(mut self, limit: Duration) -> Self {
        self.patience = limit;
        self
    }
}

impl Dump {
    fn of(header: &Header, tables: Vec<TableSum>, sha256: String) -> Self {
        let Header { format: _, version: _, holdfast, engine, taken_at, migrations, tables: _, left_out } =
            header;
        Self {
            taken_at: taken_at.clone(),
            holdfast: holdfast.clone(),
            engine: engine.clone(),
            migration: migrations.last().map(|last| last.name.clone()).unwrap_or_default(),
            tables,
            left_out: left_out.clone(),
            sha256,
        }
    }
}
