//! What is decided about the database at start: where it is and how many connections are kept to it.
//!
//! Reading these from an URL or the environment is not done here.

use std::{path::PathBuf, time::Duration};

/// Where the database is. It holds a password, so it is not printable.
#[derive(Clone)]
pub enum DatabaseLocation {
    /// A PostgreSQL server.
    Postgres {
        /// A URL that sqlx understands, `sslmode` included; TLS follows it.
        url: String,
        /// Whether a pooler in transaction mode (PgBouncer, Neon's `-pooler` host) stands in between. Then nothing is
        /// set for a session: time-outs are set within units of work, and elsewhere the client's deadline holds.
        pooler: bool,
    },
    /// A SQLite file, which exists and is migrated already.
    Sqlite {
        /// Its path.
        path: PathBuf,
    },
}

/// How the store connects.
#[derive(Clone)]
pub struct DatabaseOptions {
    /// Where to.
    pub location: DatabaseLocation,
    /// Connections at most, at least 1. On SQLite these are readers; one writer comes on top.
    pub pool_size: usize,
    /// Threads that will [settle](super::SeaOrmStore::settle) on a part of the connections to PostgreSQL, 0 where none does.
    /// Together they get four fifths, as far as that is three or more for each.
    pub workers: usize,
    /// Prepared statements kept on each connection. With 0 on PostgreSQL nothing outlives a transaction, which the
    /// poolers need that know no prepared statements (PgBouncer before 1.21); each call then costs three more round
    /// trips.
    pub statement_cache: usize,
    /// How long connecting may take in all while a database that was left alone wakes up.
    pub wake_timeout: Duration,
}
