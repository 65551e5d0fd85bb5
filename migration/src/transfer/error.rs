//! Why rows did not move, told with the cause and the way out. No text here holds a value of a row.

use std::io;
use std::path::{Path, PathBuf};

use crate::MigrationError;

/// A failed transfer. The target is as it was before, except after [`TransferError::Unfinished`] and perhaps after
/// [`TransferError::Commit`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The database cannot be reached, or its schema not be brought to where it must be.
    #[error(transparent)]
    Schema(#[from] MigrationError),
    /// A statement failed.
    #[error("the database failed: {0}; nothing was changed")]
    Database(#[from] sqlx::Error),
    /// The commit was sent, and its outcome never heard.
    #[error("the database did not confirm the commit: {0}; either all rows are there now, or none of them")]
    Commit(#[source] sqlx::Error),
    /// The rows are in, and the migrations that follow on the dump's point failed.
    #[error("all rows are in, at the migration of the dump; then: {0}. Mend that and run `migrate up`")]
    Unfinished(#[source] MigrationError),
    /// A file could not be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Standard input, standard output or the space for temporary files.
    #[error("{what}: {cause}")]
    Stream {
        /// Which.
        what: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The file to be written is there.
    #[error("{} exists; choose another name, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// The file to be written is what the rows are read from.
    #[error("{} is the database itself, or a part of it; nothing was written: choose another name", .0.display())]
    Own(PathBuf),
    /// What is to be replaced cannot be read, so that nobody can tell whether a server has it open.
    #[error(
        "{} is damaged, or no database; nothing was changed. Stop every server on it, move it away with the files beside it \
         that begin with its name (-wal, -shm, -journal), keep them, and do this again", .0.display()
    )]
    DamagedTarget(PathBuf),
    /// The file is something else.
    #[error("this is no dump of Holdfast: {0}; nothing was changed")]
    Foreign(String),
    /// The file is not as it was written.
    #[error("the dump is damaged or cut off: {0}; nothing was changed")]
    Damaged(String),
    /// A later release has written the file in a form of its own.
    #[error(
        "the dump has format {found}, written by Holdfast {by}; this release reads format {known}: use that release. Nothing was changed"
    )]
    NewerFormat {
        /// Its number.
        found: u64,
        /// The version that wrote it.
        by: String,
        /// Ours.
        known: u64,
    },
    /// The rows come from a schema that this binary does not have.
    #[error("the rows come from a schema with {}, which this release does not know: use the release that wrote them. Nothing was changed", .0.join(", "))]
    NewerSchema(Vec<String>),
    /// Migrations are missing in between.
    #[error(
        "the rows come from a schema without {0}, and with later migrations: no sequence of migrations leads there. Bring that database to one with `migrate up`, and export again"
    )]
    Gap(String),
    /// There is nothing to export.
    #[error("there is no schema of Holdfast in this database")]
    NoSchema,
    /// The target would lose rows.
    #[error(
        "the target holds rows in {}; nothing was changed: use an empty database, or replace everything in this one with --force", .0.join(", ")
    )]
    NotEmpty(Vec<String>),
    /// The target holds the FastAPI backend's tables, which would be adopted on top.
    #[error(
        "the target holds the FastAPI backend's tables; nothing was changed: use another database (or schema), or `migrate adopt` to take them over"
    )]
    FastApi,
    /// The target's schema is later than that of the rows.
    #[error(
        "the target's schema is later than that of the rows; nothing was changed: run `migrate down --to {0}` on it first, or use a database without any tables. What is missing is applied afterwards"
    )]
    TargetAhead(String),
    /// Tables or columns differ although the migrations are the same.
    #[error(
        "{0}: the dump and the target differ there, although their migrations are the same; nothing was changed"
    )]
    OtherLayout(String),
    /// A server, or somebody else, uses the target.
    #[error("{0}; nothing was changed: stop every server on this database, or wait until it is done")]
    InUse(String),
    /// A write-ahead log that belongs to no file, or to the file that is read.
    #[error(
        "{} lies there and holds rows that would be lost; nothing was changed: {remedy}", path.display()
    )]
    Log {
        /// The log.
        path: PathBuf,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Texts that PostgreSQL cannot hold.
    #[error(
        "{count} texts contain the character U+0000, which PostgreSQL cannot hold; nothing was changed. --escape-nul puts \u{2400} (U+2400) in its place. They are in:\n  {}",
        places.join("\n  ")
    )]
    Nul {
        /// How many.
        count: u64,
        /// The first of them: table, column, key.
        places: Vec<String>,
    },
    /// A column whose type has no place in the format.
    #[error("{table}.{column} has the type {found}, which this format has no place for")]
    UnknownType {
        /// Of the column.
        table: String,
        /// Which.
        column: String,
        /// As the engine calls it.
        found: String,
    },
    /// A value that does not fit.
    #[error("a value in {table}.{column} does not fit: {fault}; nothing was changed")]
    Value {
        /// Of the column.
        table: String,
        /// Which.
        column: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A table that rows cannot be told apart in.
    #[error("the table {0} has no primary key, so that its rows have no order")]
    NoKey(String),
    /// What was written reads back as something else.
    #[error("{0} reads back with other contents than were written; nothing was changed")]
    NotTheSame(String),
    /// A SQLite file whose pages contradict each other, or rows without their parent row.
    #[error("{} is damaged: {fault}", path.display())]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        fault: String,
    },
    /// Asked of the wrong engine.
    #[error("{0}")]
    WrongEngine(&'static str),
}

impl TransferError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { path, cause }
    }
}
