//! The lock that lets one migrator work at a time. It belongs to the transaction, never to the session, so a pooler in
//! between does no harm.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, IsolationLevel, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait as _,
};

use crate::Engine;
use crate::error::is_lock_conflict;

/// The advisory lock that all migrators of one PostgreSQL database share ("holdfast" in ASCII).
const ADVISORY_LOCK: i64 = 0x686F_6C64_6661_7374;
/// For this transaction only. DDL waits for a table at most 500 ms, because every query behind it waits as well; a
/// client that hangs gives its locks back after a minute; a time-out that was set for the role must not cut DDL short.
const POSTGRES_LIMITS: &str = "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = '60s'";

/// `None` while another migrator holds the lock.
pub(crate) async fn begin_locked(
    connection: &DatabaseConnection,
    engine: Engine,
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
            // At a stricter level the snapshot would be older than the lock, and miss what its last holder did.
            let level = Some(IsolationLevel::ReadCommitted);
            let options = TransactionOptions { isolation_level: level, ..Default::default() };
            let transaction = connection.begin_with_options(options).await?;
            transaction.execute_unprepared(POSTGRES_LIMITS).await?;
            if takes_advisory_lock(&transaction).await? {
                return Ok(Some(transaction));
            }
            transaction.rollback().await?;
            Ok(None)
        }
    }
}

async fn takes_advisory_lock(transaction: &DatabaseTransaction) -> Result<bool, DbErr> {
    let sql = "SELECT pg_try_advisory_xact_lock($1) AS taken";
    let statement =
        Statement::from_sql_and_values(transaction.get_database_backend(), sql, [ADVISORY_LOCK.into()]);
    match transaction.query_one_raw(statement).await? {
        Some(row) => row.try_get("", "taken"),
        None => Ok(false),
    }
}
