//! Why a migration did not happen, told with the cause and the way out. No text here can hold a password.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::RuntimeErr;

use crate::{Direction, Form, sqlite_remedy};

/// A failed operation of the runner. The schema is as it was before, except perhaps after [`MigrationError::Commit`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// No connection was possible.
    #[error("cannot connect to {target}: {cause}; {remedy}")]
    Connect {
        /// The redacted URL.
        target: String,
        /// What the driver said.
        cause: String,
        /// What to do about it.
        remedy: &'static str,
        /// Whether only another process's lock on the SQLite file was in the way.
        busy: bool,
        /// Whether the SQLite file is damaged, or no database.
        damaged: bool,
    },
    /// The file, or the folder above it, could not be created.
    #[error("cannot create the SQLite file {}: {cause}; check the path, and that its folder exists and can be written to", path.display())]
    CreateFile {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// SQLite has no such index.
    #[error(
        "on SQLite an owner's tasks are searched one by one, and there is no index for it; nothing was changed"
    )]
    SearchIndexOnSqlite,
    /// The extensions that the index for searches needs could not be created.
    #[error(
        "the extensions pg_trgm and btree_gin, which the index for searches needs, could not be created: {0}; nothing was changed: let whoever may do it run `CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gin`, and try again"
    )]
    SearchExtensions(#[source] DbErr),
    /// Nothing would be left of a migrated database in memory.
    #[error(
        "a database in memory vanishes with its connection and cannot be migrated; use a file, as in sqlite://data/holdfast.db"
    )]
    InMemory,
    /// Another migrator, or a long transaction, held its locks for too long.
    #[error("gave up after waiting {} s: {holder}; try again when it has finished", waited.as_secs())]
    Locked {
        /// How long this migrator waited.
        waited: Duration,
        /// Who is in the way, as far as the database tells.
        holder: String,
    },
    /// Tables of ours exist although the migration that creates them was never applied.
    #[error(
        "the database already holds {}, not made by these migrations; nothing was changed: use an empty database (or another schema), or rename what is there",
        list(tables)
    )]
    ForeignTables {
        /// Their names.
        tables: Vec<String>,
    },
    /// The journal names migrations that this binary does not know.
    #[error("a newer version has applied {}; going back is left to that version", list(migrations))]
    NewerMigrations {
        /// Their names.
        migrations: Vec<String>,
    },
    /// The text of an applied migration is not the one that was applied.
    #[error(
        "the text of {} is not the one that was applied to this database; nothing was changed: use the release that applied it or, once you know that the schema is the same, `up --accept-checksums`",
        list(migrations)
    )]
    Changed {
        /// Their names.
        migrations: Vec<String>,
    },
    /// There is no applied migration of this name to go back to.
    #[error(
        "no applied migration is named {name}, or more than one begins like this; applied are: {}",
        list(applied)
    )]
    NoSuchPoint {
        /// As it was given.
        name: String,
        /// What is in the journal.
        applied: Vec<String>,
    },
    /// The FastAPI backend's tables are there in a shape, or with values, that cannot be taken over.
    #[error(
        "the tables of the FastAPI backend cannot be taken over; nothing was changed. Repair them, or move them to another schema:\n  {}",
        faults.join("\n  ")
    )]
    NotAdoptable {
        /// One line for each kind of fault.
        faults: Vec<String>,
    },
    /// There is no table of the FastAPI backend.
    #[error("there is nothing to adopt: the database has no table \"user\" and none named task")]
    NothingToAdopt,
    /// Accounts that did not come from the FastAPI backend are there already.
    #[error(
        "{users} accounts are here already; adoption mixes no two sets of accounts: use a database without any, or move the old tables to another schema"
    )]
    InUse {
        /// How many.
        users: u64,
    },
    /// `--delta` or `--write-back` before any adoption.
    #[error("nothing has been adopted yet: run `adopt` first")]
    NotAdopted,
    /// The tables that would be read and written are not the newest.
    #[error("{} must be applied first: run `up`", list(migrations))]
    Pending {
        /// What is pending.
        migrations: Vec<String>,
    },
    /// Somebody emptied the old tables: to take that over would delete everything here.
    #[error(
        "the tables of the FastAPI backend are empty, although rows were taken over from them; nothing was changed: restore them, or do without"
    )]
    OldTablesEmptied,
    /// The old tables are not what was adopted.
    #[error("what was adopted was {form}, and that is not there any more; nothing was changed")]
    OtherForm {
        /// As recorded.
        form: Form,
    },
    /// The old tables have addresses of ours under other ids.
    #[error(
        "the old tables already have these addresses under another id; nothing was changed: change or delete one of each pair first\n  {}",
        accounts.join("\n  ")
    )]
    AddressesTaken {
        /// One line for each pair: the address, the id here, the id there.
        accounts: Vec<String>,
    },
    /// Going back would lose rows that the FastAPI backend's tables do not have.
    #[error(
        "{users} accounts and {tasks} tasks were created, changed or deleted since the adoption, and going back would lose that; nothing was changed: copy them into the old tables with `adopt --write-back` first, or lose them with `down --discard-new`"
    )]
    NewerRows {
        /// Accounts.
        users: u64,
        /// Tasks.
        tasks: u64,
    },
    /// `fresh` would have deleted production data.
    #[error("`fresh` deletes every account and task, and is refused in production")]
    FreshInProduction,
    /// Rows without their parent row.
    #[error(
        "rows in {} refer to rows that do not exist; nothing was changed: repair or delete them first (PRAGMA foreign_key_check lists them)",
        list(tables)
    )]
    DanglingRows {
        /// The tables that hold them.
        tables: Vec<String>,
    },
    /// One migration of the batch failed, so that none was applied.
    #[error("{name} failed on its way {}: {cause}; nothing was changed{}", way(*direction), remedy(cause))]
    Step {
        /// Of the migration.
        name: String,
        /// Applied or taken back.
        direction: Direction,
        /// What the database said.
        #[source]
        cause: DbErr,
    },
    /// A migration that runs outside of any transaction broke off.
    #[error("{name} was broken off: {cause}. Run `up` again: it clears away what is left and goes on")]
    Online {
        /// Of the migration.
        name: String,
        /// What the database said.
        #[source]
        cause: Box<MigrationError>,
    },
    /// A later part of the run failed.
    #[error("{} applied, and kept; then: {cause}", list(applied))]
    Partly {
        /// What was applied before.
        applied: Vec<String>,
        /// What happened then.
        #[source]
        cause: Box<MigrationError>,
    },
    /// The connection that keeps other migrators away was lost.
    #[error("the connection that holds the lock of the migrators was lost: {0}; run it again")]
    LockLost(#[source] DbErr),
    /// The database failed outside of any migration.
    #[error("the database failed: {0}; nothing was changed{remedy}", remedy = remedy(.0))]
    Database(#[source] DbErr),
    /// The commit was sent, and its outcome never heard.
    #[error(
        "the database did not confirm the commit: {0}; `status` tells whether the batch was applied, all of it or nothing{remedy}",
        remedy = remedy(.0)
    )]
    Commit(#[source] DbErr),
    /// The report could not be written.
    #[error("cannot write the report: {0}")]
    Output(#[from] io::Error),
}

impl MigrationError {
    /// Whether the database said no only because somebody else holds a lock, and rolled everything back.
    pub(crate) fn is_lock_conflict(&self) -> bool {
        match self {
            Self::Step { cause, .. } | Self::Database(cause) | Self::Commit(cause) => is_lock_conflict(cause),
            Self::Connect { busy, .. } => *busy,
            _ => false,
        }
    }
}

/// PostgreSQL's `lock_not_available`, `deadlock_detected` and `serialization_failure`; SQLite's busy and locked.
pub(crate) fn is_lock_conflict(error: &DbErr) -> bool {
    code_of(error)
        .is_some_and(|code| matches!(code.as_str(), "55P03" | "40P01" | "40001") || is_sqlite_busy(&code))
}

/// 5 is busy, 6 is locked.
pub(crate) fn is_sqlite_busy(code: &str) -> bool {
    sqlite_code(code).is_some_and(|code| matches!(code, 5 | 6))
}

/// 11 is a file that is damaged, 26 one that is no database.
pub(crate) fn is_sqlite_damage(code: &str) -> bool {
    sqlite_code(code).is_some_and(|code| matches!(code, 11 | 26))
}

/// The primary result code is the low byte of SQLite's extended code; a SQLSTATE has five characters.
fn sqlite_code(code: &str) -> Option<u32> {
    (code.len() < 5).then(|| code.parse::<u32>().ok()).flatten().map(|code| code & 0xff)
}

/// The database's own code for an error (a SQLSTATE, or SQLite's number).
fn code_of(error: &DbErr) -> Option<String> {
    let (DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime)) = error else {
        return None;
    };
    match runtime {
        RuntimeErr::SqlxError(error) => Some(error.as_database_error()?.code()?.into_owned()),
        RuntimeErr::Internal(_) => None,
    }
}

/// A statement that was prepared on one connection of a pooler's, and looked for, or prepared again, on another.
const LOST_STATEMENTS: [&str; 2] = ["26000", "42P05"];
const GO_PAST_THE_POOLER: &str = "a pooler is in between that knows no prepared statements (PgBouncer before 1.21): set \
    DATABASE_URL_UNPOOLED to the URL of PostgreSQL itself, for migrations";

/// What to do about an error, to follow on what was said. A SQLSTATE has five characters, and SQLite's codes fewer.
fn remedy(error: &DbErr) -> String {
    let remedy = code_of(error).and_then(|code| match code.as_str() {
        code if LOST_STATEMENTS.contains(&code) => Some(GO_PAST_THE_POOLER),
        code if code.len() < 5 => sqlite_remedy::of(code),
        _ => None,
    });
    remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default()
}

fn list(names: &[String]) -> String {
    names.join(", ")
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}
