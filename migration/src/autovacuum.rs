//! Autovacuum in the way of a migration. PostgreSQL cancels one itself for whoever has waited `deadlock_timeout` for its
//! lock, which is longer than DDL may wait. What waits so long here takes a lock that no reader or writer stands behind.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::lock;

/// Long enough for PostgreSQL to notice, and for the autovacuum to stop: 3 s unless `deadlock_timeout` was changed.
const UNTIL_CANCELLED: &str = "SELECT set_config('lock_timeout', (setting::int + 2000)::text, true) \
     FROM pg_settings WHERE name = 'deadlock_timeout'";
/// An autovacuum worker is the only process that works in a database without a role. An ordinary role is shown neither its
/// `backend_type` nor its statement, so nothing can be asked of these.
const AT_WORK: &str = "SELECT DISTINCT l.pid, format('%I.%I', n.nspname, c.relname) \
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
         JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE l.granted AND l.locktype = 'relation' AND a.datname = current_database() AND a.usesysid IS NULL \
         AND c.relkind = 'r' AND n.nspname = current_schema() ORDER BY 2";

/// One worker on one table.
pub(crate) struct Autovacuum {
    pid: i32,
    /// With its schema, quoted where SQL needs that.
    table: String,
}

impl Autovacuum {
    /// Who it is, and what to do if it stays.
    pub(crate) fn described(&self) -> String {
        let Self { pid, table } = self;
        format!(
            "process {pid}, an autovacuum of {table} (PostgreSQL does not cancel one \"to prevent wraparound\": wait for \
             it, or cancel it as a superuser with SELECT pg_cancel_backend({pid}))"
        )
    }
}

/// The workers on tables of the schema.
pub(crate) async fn at_work(connection: &DatabaseConnection) -> Result<Vec<Autovacuum>, DbErr> {
    let rows = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, AT_WORK)).await?;
    rows.iter()
        .map(|row| Ok(Autovacuum { pid: row.try_get_by_index(0)?, table: row.try_get_by_index(1)? }))
        .collect()
}

/// Has PostgreSQL cancel those that may be; says whether there was one. The lock is given back at once: on another
/// connection it would be in the migration's own way, and no worker comes back to a table in the same round.
///
/// # Errors
/// Above all when the time is up, because one is to prevent wraparound.
pub(crate) async fn cancel(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    let found = at_work(connection).await?;
    for Autovacuum { pid, table } in &found {
        let transaction = lock::begin_limited(connection).await?;
        let sql = format!("{UNTIL_CANCELLED}; LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE");
        transaction.execute_unprepared(&sql).await?;
        transaction.commit().await?;
        tracing::info!(pid, table, "an autovacuum was in the way, and is no longer");
    }
    Ok(!found.is_empty())
}
