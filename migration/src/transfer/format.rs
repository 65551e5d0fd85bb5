//! The form of a dump: gzip around lines of JSON. A header says what follows, each table is its rows and a line that sums
//! them up, and the last line sums up everything. `docs/database.md` describes it for readers of such files.

use serde::{Deserialize, Serialize};

use super::value::Kind;

/// Raised when a reader of the previous form would misread a dump.
pub(crate) const VERSION: u64 = 1;
/// What the header calls the form.
pub(crate) const NAME: &str = "holdfast-dump";
/// Longer lines are no rows of ours: the widest is a stored answer or a task with its description.
pub(crate) const LONGEST_LINE: u64 = 64 << 20;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: String,
    pub(crate) version: u64,
    /// The release that wrote it.
    pub(crate) holdfast: String,
    /// Where the rows came from.
    pub(crate) engine: String,
    /// By the database's clock, RFC 3339.
    pub(crate) taken_at: String,
    /// What was applied, oldest first.
    pub(crate) migrations: Vec<AppliedMigration>,
    /// In the order in which they follow: parents first.
    pub(crate) tables: Vec<TableHead>,
    /// Tables of the schema whose rows mean nothing elsewhere.
    pub(crate) left_out: Vec<String>,
}

/// A migration as the journal had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppliedMigration {
    pub(crate) name: String,
    /// Seconds since the Unix epoch.
    pub(crate) applied_at: i64,
    /// Of its text on that engine, where it was recorded.
    pub(crate) checksum: Option<String>,
}

/// A table and its columns, in the order of the values in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableHead {
    pub(crate) name: String,
    /// The primary key, by which the rows are in order.
    pub(crate) key: Vec<String>,
    pub(crate) columns: Vec<ColumnHead>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnHead {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What the rows of one table come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    /// Its name.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 of their lines in order of the primary key. Equal rows have equal sums on both engines.
    pub sha256: String,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trailer {
    pub(crate) tables: u64,
    pub(crate) rows: u64,
    /// Of every byte before this line.
    pub(crate) sha256: String,
}
