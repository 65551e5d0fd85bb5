//! What an operator wants to know of a database before a server works on it, asked once on a connection of its own. Nothing is
//! written, nothing is created and nothing is set. What the answers mean is the caller's to say.

use std::time::Duration;

use holdfast_application::{domain::Timestamp, ports::Clock as _};
use sea_orm::EntityName as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _,
    SqliteConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use tokio::time::{Instant, timeout};

use super::{DatabaseLocation, entities};
use crate::clock::SystemClock;

/// Round trips that are measured; the fastest counts.
const ROUND_TRIPS: usize = 3;

/// What was found.
#[derive(Debug, Clone)]
pub struct Examination {
    /// The version, as the database tells it.
    pub version: String,
    /// The fastest of a few round trips.
    pub round_trip: Duration,
    /// The newest time in rows of accounts and of sessions that ended; nothing where there is no such table or row.
    pub newest_row: Option<Timestamp>,
    /// Until when an instance has housekeeping to itself, or had it.
    pub housekeeping_until: Option<Timestamp>,
    /// What only this engine knows.
    pub engine: EngineFacts,
}

/// What only one engine knows.
#[derive(Debug, Clone)]
pub enum EngineFacts {
    /// A PostgreSQL server.
    Postgres(PostgresFacts),
    /// A SQLite file.
    Sqlite {
        /// How it keeps its journal; `wal` once a server has run on it.
        journal_mode: String,
    },
}

/// What PostgreSQL tells.
#[derive(Debug, Clone)]
pub struct PostgresFacts {
    /// `server_version_num`, such as 150004.
    pub version_number: i64,
    /// The version of TLS that this connection uses; nothing where it goes without. Behind a pooler it is the pooler's connection
    /// to the server.
    pub tls: Option<String>,
    /// How far its clock is ahead of this machine's, in microseconds; negative where it is behind.
    pub clock_ahead_micros: i64,
    /// Whether it takes no writes: a standby, or `default_transaction_read_only`.
    pub read_only: bool,
    /// The role that this connection is.
    pub role: String,
    /// Whether no rule holds for it.
    pub superuser: bool,
    /// Tables of ours that are there and that the role may not read and write.
    pub unwritable: Vec<String>,
    /// How many connections the role may have at once in this database, reserved ones not counted.
    pub connection_limit: i64,
    /// How many the server has now, of everybody.
    pub connections: i64,
}

/// Why a database could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum ExaminationError {
    /// It did not answer in time.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// It refused, or answered something unexpected.
    #[error(transparent)]
    Refused(sqlx::Error),
}

/// Looks at the database, within `limit` in all.
///
/// # Errors
/// [`ExaminationError`]; its text names no secret.
pub async fn examine(location: &DatabaseLocation, limit: Duration) -> Result<Examination, ExaminationError> {
    let looking = async {
        match location {
            DatabaseLocation::Postgres { url, pooler: _ } => examine_postgres(url).await,
            DatabaseLocation::Sqlite { path } => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(false)
                    .pragma("query_only", "ON")
                    .disable_statement_logging();
                examine_sqlite(SqliteConnection::connect_with(&options).await?).await
            }
        }
    };
    let looked = timeout(limit, looking).await.map_err(|_| ExaminationError::Late(limit))?;
    looked.map_err(ExaminationError::Refused)
}

/// All in simple queries, which go through every pooler.
async fn examine_postgres(url: &str) -> Result<Examination, sqlx::Error> {
    let options = url
        .parse::<PgConnectOptions>()?
        // PgBouncer refuses start-up parameters that it does not know.
        .extra_float_digits(None)
        .statement_cache_capacity(0)
        .disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await?;
    let (round_trip, clock_ahead_micros) = clock(&mut connection).await?;
    let version = text(&mut connection, "SHOW server_version").await?;
    let facts = connection.fetch_one(sqlx::raw_sql(FACTS)).await?;
    let unwritable = unwritable(&mut connection).await?;
    let newest_row = newest(&mut connection, NEWEST_POSTGRES, "users,sessions").await?;
    let housekeeping_until = newest(&mut connection, LEASE_POSTGRES, "leases").await?;
    connection.close().await?;
    Ok(Examination {
        version,
        round_trip,
        newest_row,
        housekeeping_until,
        engine: EngineFacts::Postgres(PostgresFacts {
            version_number: facts.try_get("version_number")?,
            tls: facts.try_get("tls")?,
            clock_ahead_micros,
            read_only: facts.try_get("read_only")?,
            role: facts.try_get("role")?,
            superuser: facts.try_get("superuser")?,
            unwritable,
            connection_limit: facts.try_get("connection_limit")?,
            connections: facts.try_get("connections")?,
        }),
    })
}

/// -1 is PostgreSQL's word for no limit.
const FACTS: &str = "\
SELECT current_setting('server_version_num')::bigint AS version_number,
    (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS read_only,
    current_user::text AS role,
    rolsuper AS superuser,
    least(
        current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,
        CASE WHEN rolconnlimit < 0 THEN 1000000 ELSE rolconnlimit END,
        (SELECT CASE WHEN datconnlimit < 0 THEN 1000000 ELSE datconnlimit END
            FROM pg_database WHERE datname = current_database())
    )::bigint AS connection_limit,
    (SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database)::bigint AS connections
FROM pg_roles WHERE rolname = current_user";
const MICROS: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
const NEWEST_POSTGRES: &str = "SELECT (extract(epoch FROM greatest((SELECT max(created_at) FROM users), \
    (SELECT max(revoked_at) FROM sessions))) * 1000000)::bigint";
const LEASE_POSTGRES: &str =
    "SELECT (extract(epoch FROM max(expires_at)) * 1000000)::bigint FROM leases WHERE name = 'housekeeping'";
const NEWEST_SQLITE: &str = "SELECT max(coalesce((SELECT max(created_at) FROM users), 0), \
    coalesce((SELECT max(revoked_at) FROM sessions), 0))";
const LEASE_SQLITE: &str = "SELECT max(expires_at) FROM leases WHERE name = 'housekeeping'";

/// The fastest round trip, and how far the server's clock was ahead in the middle of it.
async fn clock(connection: &mut PgConnection) -> Result<(Duration, i64), sqlx::Error> {
    let mut best: Option<(Duration, i64)> = None;
    for _ in 0..ROUND_TRIPS {
        let (started, before) = (Instant::now(), SystemClock.now().micros());
        let there: i64 = connection.fetch_one(sqlx::raw_sql(MICROS)).await?.try_get(0)?;
        let took = started.elapsed();
        let middle = before + i64::try_from(took.as_micros() / 2).unwrap_or(i64::MAX / 2);
        if best.is_none_or(|(least, _)| took < least) {
            best = Some((took, there - middle));
        }
    }
    best.ok_or(sqlx::Error::RowNotFound)
}

async fn text(connection: &mut PgConnection, query: &'static str) -> Result<String, sqlx::Error> {
    connection.fetch_one(sqlx::raw_sql(query)).await?.try_get(0)
}

/// Tables of ours in which the role may not do all that a server does.
async fn unwritable(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let names = tables().map(|name| format!("'{name}'")).join(", ");
    let query = format!(
        "SELECT c.relname::text FROM pg_class c WHERE c.oid = to_regclass(quote_ident(c.relname)) \
         AND c.relname IN ({names}) AND c.relkind IN ('r', 'p') AND NOT (has_table_privilege(c.oid, 'SELECT') \
         AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') \
         AND has_table_privilege(c.oid, 'DELETE')) ORDER BY 1"
    );
    let rows = connection.fetch_all(sqlx::raw_sql(AssertSqlSafe(query))).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// The tables that a server writes.
fn tables() -> [String; 13] {
    [
        entities::auth_events::Entity.table_name().to_owned(),
        entities::denied_tokens::Entity.table_name().to_owned(),
        entities::idempotency_keys::Entity.table_name().to_owned(),
        entities::leases::Entity.table_name().to_owned(),
        entities::linked_accounts::Entity.table_name().to_owned(),
        entities::one_time_tokens::Entity.table_name().to_owned(),
        entities::personal_tokens::Entity.table_name().to_owned(),
        entities::recovery_codes::Entity.table_name().to_owned(),
        entities::second_factors::Entity.table_name().to_owned(),
        entities::sessions::Entity.table_name().to_owned(),
        entities::tasks::Entity.table_name().to_owned(),
        entities::throttles::Entity.table_name().to_owned(),
        entities::users::Entity.table_name().to_owned(),
    ]
}

/// The time that `query` tells, where its tables are there and may be read.
async fn newest(
    connection: &mut PgConnection,
    query: &'static str,
    tables: &str,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let readable = format!(
        "SELECT coalesce(bool_and(coalesce(has_table_privilege(to_regclass(name), 'SELECT'), false)), false) \
         FROM unnest(string_to_array('{tables}', ',')) AS name"
    );
    let readable: bool = connection.fetch_one(sqlx::raw_sql(AssertSqlSafe(readable))).await?.try_get(0)?;
    if !readable {
        return Ok(None);
    }
    let micros: Option<i64> = connection.fetch_one(sqlx::raw_sql(query)).await?.try_get(0)?;
    Ok(timestamp(micros))
}

async fn examine_sqlite(mut connection: SqliteConnection) -> Result<Examination, sqlx::Error> {
    let started = Instant::now();
    let version: String = connection.fetch_one("SELECT sqlite_version()").await?.try_get(0)?;
    let round_trip = started.elapsed();
    let journal_mode: String = connection.fetch_one("PRAGMA journal_mode").await?.try_get(0)?;
    let time = async |connection: &mut SqliteConnection, query: &'static str| {
        // A file without our tables tells nothing yet; that its migrations are pending is found elsewhere.
        let row = connection.fetch_one(query).await.ok()?;
        timestamp(row.try_get(0).ok()?)
    };
    let newest_row = time(&mut connection, NEWEST_SQLITE).await.filter(|at| at.micros() > 0);
    let housekeeping_until = time(&mut connection, LEASE_SQLITE).await;
    connection.close().await?;
    let engine = EngineFacts::Sqlite { journal_mode };
    Ok(Examination { version, round_trip, newest_row, housekeeping_until, engine })
}

fn timestamp(micros: Option<i64>) -> Option<Timestamp> {
    micros.and_then(|micros| Timestamp::from_micros(micros).ok())
}
