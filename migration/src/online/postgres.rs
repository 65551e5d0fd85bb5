//! Runs an online step on PostgreSQL. Journal and lock are the caller's.
//!
//! Neither `CREATE INDEX CONCURRENTLY` nor `DROP INDEX CONCURRENTLY` makes a reader or writer wait: they wait for
//! transactions that are older than they are, as long as these take. Hence there is no time-out on them, and who it is gets told.

use std::time::Duration;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, Statement, TransactionTrait as _, Value,
};
use tokio::time::sleep;

use super::{Index, OnlineStep, watch::watched};
use crate::database_url::DatabaseUrl;
use crate::error::{MigrationError, is_lock_conflict};
use crate::lock;
use crate::waiting::{Obstacle, Wait};

/// Between two looks at an index that somebody else is building.
const BUILDING_POLL: Duration = Duration::from_millis(300);

/// What became of earlier attempts.
enum State {
    Absent,
    /// A connection that nobody listens to any more is still at it.
    Building,
    /// Broken off. It slows writes down, and no query uses it.
    Invalid,
    Valid,
}

/// Runs the step, or what is left of it. Where transactions of others are in the way of a batch of rows, it is tried
/// again for as long as `wait` allows.
pub(crate) async fn run(
    connection: &DatabaseConnection,
    step: OnlineStep,
    wait: &mut Wait<'_>,
) -> Result<(), MigrationError> {
    match step {
        OnlineStep::Indexes(indexes) => {
            for index in indexes {
                while let Err(error) = build(connection, wait.url(), index).await {
                    again(connection, wait, error).await?;
                }
                wait.restart();
            }
        }
        OnlineStep::Statements { statements, .. } => {
            for statement in statements {
                while let Err(error) = in_its_own_transaction(connection, statement).await {
                    again(connection, wait, error).await?;
                }
                wait.restart();
            }
        }
        OnlineStep::Batches { statement, .. } => loop {
            match in_its_own_transaction(connection, statement).await {
                Ok(0) => break,
                Ok(rows) => {
                    wait.restart();
                    tracing::debug!(rows, "a batch is done");
                }
                Err(error) => again(connection, wait, error).await?,
            }
        },
    }
    Ok(())
}

async fn again(
    connection: &DatabaseConnection,
    wait: &mut Wait<'_>,
    error: DbErr,
) -> Result<(), MigrationError> {
    if is_lock_conflict(&error) {
        wait.again(Some(connection), Obstacle::Transaction).await
    } else {
        Err(MigrationError::Database(error))
    }
}

async fn build(connection: &DatabaseConnection, url: &DatabaseUrl, index: &Index) -> Result<(), DbErr> {
    let mut told = false;
    loop {
        match state(connection, index).await? {
            State::Valid => return Ok(()),
            State::Absent => {
                tracing::info!(index = index.name, table = index.table, "building");
                let statement = index.create_concurrently();
                watched(url, &statement, connection.execute_unprepared(&statement)).await?;
            }
            State::Invalid => {
                tracing::info!(index = index.name, "dropping what a broken attempt has left");
                let statement = index.drop_concurrently();
                watched(url, &statement, connection.execute_unprepared(&statement)).await?;
            }
            State::Building => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(
                        index = index.name,
                        "waiting for the connection that is still building it"
                    );
                }
                sleep(BUILDING_POLL).await;
            }
        }
    }
}

async fn state(connection: &DatabaseConnection, index: &Index) -> Result<State, DbErr> {
    let sql = "SELECT CASE WHEN i.indisvalid THEN 'valid' WHEN EXISTS (SELECT 1 FROM pg_stat_progress_create_index p \
             WHERE p.datname = current_database() AND p.index_relid = i.indexrelid) THEN 'building' ELSE 'invalid' END \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() AND c.relname = $1 AND t.relname = $2";
    let values = [Value::from(index.name), Value::from(index.table)];
    // A pooler may give each statement outside of a transaction another connection, in the middle of preparing it.
    let transaction = connection.begin().await?;
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = transaction.query_one_raw(statement).await?;
    let state: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    transaction.commit().await?;
    Ok(match state.as_deref() {
        None => State::Absent,
        Some("valid") => State::Valid,
        Some("building") => State::Building,
        Some(_) => State::Invalid,
    })
}

/// Says how many rows one run of the statement has changed.
async fn in_its_own_transaction(connection: &DatabaseConnection, statement: &str) -> Result<u64, DbErr> {
    let transaction = lock::begin_limited(connection).await?;
    let rows = transaction.execute_unprepared(statement).await?.rows_affected();
    transaction.commit().await?;
    Ok(rows)
}
