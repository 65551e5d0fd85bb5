//! The lock that lets one migrator work at a time. It belongs to the transaction, never to the session, so a pooler in
//! between does no harm.
//!
//! Work outside of a transaction needs two connections: one keeps the lock of migrators in an open transaction, the other
//! works. Its own transactions then take the second lock, so that two of them exclude each other even where the first
//! connection was lost unnoticed.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, IsolationLevel, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait as _,
};

use crate::Engine;
use crate::error::is_lock_conflict;

/// The advisory lock that all migrators of one PostgreSQL database share ("holdfast" in ASCII).
pub(crate) const MIGRATORS: i64 = 0x686F_6C64_6661_7374;
/// That of the transactions of a migrator whose other connection holds [`MIGRATORS`].
pub(crate) const WORKERS: i64 = MIGRATORS + 1;
/// For this transaction only. DDL waits for a table at most 200 ms, because every query behind it waits as well, and
/// two such waits in one transaction stay below 500 ms; a client that hangs gives its locks back after a minute; a
/// time-out that was set for the role must not cut DDL short.
const POSTGRES_LIMITS: &str = "SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = '60s'";

/// Begins to count the time that locks are held.
pub(crate) const COUNT_FROM_NOW: &str =
    "SELECT set_config('holdfast.locks_since', extract(epoch FROM clock_timestamp())::text, true)";
/// Before each statement: once a transaction has held locks for a while, it waits for no further one to speak of. Others
/// wait for all that it holds as long as it waits.
pub(crate) const WHAT_IS_LEFT: &str = "SELECT set_config('lock_timeout', least(200, greatest(10, 400 - 1000 * \
     (extract(epoch FROM clock_timestamp())::float8 - coalesce(nullif(current_setting('holdfast.locks_since', true), '')::float8, \
     extract(epoch FROM clock_timestamp())::float8))))::int::text, true)";

/// A transaction that holds the lock; `None` while another migrator does. `key` matters on PostgreSQL alone.
pub(crate) async fn begin_locked(
    connection: &DatabaseConnection,
    engine: Engine,
    key: i64,
) -> Result<Option<DatabaseTransaction>, DbErr> {
    match engine {
        Engine::Sqlite => {
            let mode = Some(SqliteTransactionMode::Immediate);
            let options = TransactionOptions { sqlite_transaction_mode: mode, ..Default::default() };
            match connection.begin_with_options(options).await {
                Ok(transaction) => Ok(Some(transaction)),
                Err(error) if is_lock_conflict(&error) => Ok(None),
                Err(error) => Err(error),
            }
        }
        Engine::Postgres => {
            let transaction = begin_limited(connection).await?;
            if takes_advisory_lock(&transaction, key).await? {
                return Ok(Some(transaction));
            }
            transaction.rollback().await?;
            Ok(None)
        }
    }
}

/// A transaction on PostgreSQL that waits for nobody for long.
pub(crate) async fn begin_limited(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    // At a stricter level the snapshot would be older than the lock, and miss what its last holder did.
    let level = Some(IsolationLevel::ReadCommitted);
    let options = TransactionOptions { isolation_level: level, ..Default::default() };
    let transaction = connection.begin_with_options(options).await?;
    transaction.execute_unprepared(POSTGRES_LIMITS).await?;
    Ok(transaction)
}

async fn takes_advisory_lock(transaction: &DatabaseTransaction, key: i64) -> Result<bool, DbErr> {
    let sql = "SELECT pg_try_advisory_xact_lock($1) AS taken";
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), sql, [key.into()]);
    match transaction.query_one_raw(statement).await? {
        Some(row) => row.try_get("", "taken"),
        None => Ok(false),
    }
}
