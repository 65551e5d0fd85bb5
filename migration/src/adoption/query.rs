//! Short ways to run SQL without parameters.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement, Value};

/// Runs one statement and says how many rows it touched.
pub(super) async fn execute(connection: &impl ConnectionTrait, sql: &str) -> Result<u64, DbErr> {
    Ok(connection.execute_unprepared(sql).await?.rows_affected())
}

/// The number in the first column of the only row.
pub(super) async fn count(connection: &impl ConnectionTrait, sql: &str) -> Result<u64, DbErr> {
    let row = connection.query_one_raw(statement(connection, sql, [])).await?;
    let number: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(u64::try_from(number).unwrap_or_default())
}

/// The text in the first column of every row.
pub(super) async fn texts(connection: &impl ConnectionTrait, sql: &str) -> Result<Vec<String>, DbErr> {
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

pub(super) fn statement(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}
