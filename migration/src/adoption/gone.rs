//! What the old backend has no longer: it goes here as well, unless it was changed or is used here.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::query::{execute, statement};
use super::staging::forget;
use crate::{Migrator, journal};

/// How many rows of each kind went.
pub(super) struct Gone {
    pub(super) users: u64,
    pub(super) tasks: u64,
}

/// Deletes them, and what hangs on them.
pub(super) async fn delete(connection: &impl ConnectionTrait) -> Result<Gone, DbErr> {
    let dialect = Dialect::of(connection)?;
    let tasks = execute(connection, TASKS).await?;
    // A task that comes meanwhile waits for its account, or the account for it.
    if let Some(hold) = dialect.hold(&format!("SELECT o.id {USERS}")) {
        execute(connection, &hold).await?;
    }
    let noted = format!(
        "CREATE TEMPORARY TABLE gone_users {{on_commit}} AS SELECT o.id, \
         EXISTS (SELECT 1 FROM sessions e WHERE e.user_id = o.id) AS signed_in {USERS} \
         AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.owner_id = o.id)"
    );
    execute(connection, &dialect.types(&noted)).await?;
    let users = execute(connection, "DELETE FROM users WHERE id IN (SELECT g.id FROM gone_users g)").await?;
    if users > 0 && !dialect.is_postgres() {
        delete_dependants(connection).await?;
    }
    for sql in FORGOTTEN {
        execute(connection, sql).await?;
    }
    Ok(Gone { users, tasks })
}

/// Tells the running instances of accounts that had signed in here. Late in the transaction, because an instance looks
/// for what is recent.
pub(super) async fn tell(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let dialect = Dialect::of(connection)?;
    let (now, id) = (dialect.clock(), dialect.new_id());
    let sql = format!(
        "INSERT INTO auth_events (user_id, id, kind, at) SELECT g.id, {id}, 'account_deleted', {now} \
         FROM gone_users g WHERE g.signed_in"
    );
    execute(connection, &sql).await?;
    forget(connection, &["gone_users"]).await
}

const TASKS: &str = "DELETE FROM tasks WHERE EXISTS (SELECT 1 FROM adopted_tasks j \
     WHERE j.owner_id = tasks.owner_id AND j.id = tasks.id AND j.revision = tasks.revision) \
     AND NOT EXISTS (SELECT 1 FROM staged_tasks s WHERE s.owner_id = tasks.owner_id AND s.id = tasks.id)";

/// An account that was changed here since stays, and so does one with tasks that stayed. A sign-in is no change.
const USERS: &str = "FROM users o JOIN adopted_users j ON j.id = o.id AND j.updated_at = o.updated_at \
     WHERE NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = o.id)";

/// The marks of rows that are on neither side.
const FORGOTTEN: [&str; 2] = [
    "DELETE FROM adopted_tasks \
     WHERE NOT EXISTS (SELECT 1 FROM tasks o WHERE o.owner_id = adopted_tasks.owner_id AND o.id = adopted_tasks.id) \
     AND NOT EXISTS (SELECT 1 FROM staged_tasks s \
     WHERE s.owner_id = adopted_tasks.owner_id AND s.id = adopted_tasks.id)",
    "DELETE FROM adopted_users WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = adopted_users.id) \
     AND NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = adopted_users.id)",
];

/// SQLite's migrations run without foreign keys, so nothing goes along by itself: whatever table of ours refers to rows
/// that are gone, and would have lost its own with them, loses them here, and so on.
async fn delete_dependants(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let mut deletions = Vec::new();
    for migration in Migrator::planned() {
        for table in migration.creates() {
            if journal::table_exists(connection, table).await? {
                deletions.extend(cascades(connection, table).await?);
            }
        }
    }
    loop {
        let mut deleted = 0;
        for sql in &deletions {
            deleted += execute(connection, sql).await?;
        }
        if deleted == 0 {
            return Ok(());
        }
    }
}

/// For each foreign key of a table with ON DELETE CASCADE, what deletes the rows without a parent.
async fn cascades(connection: &impl ConnectionTrait, table: &str) -> Result<Vec<String>, DbErr> {
    let sql = "SELECT \"table\", group_concat('p.' || \"to\" || ' = ' || $1 || '.' || \"from\", ' AND '), \
         group_concat($1 || '.' || \"from\" || ' IS NOT NULL', ' AND ') \
         FROM pragma_foreign_key_list($1) WHERE on_delete = 'CASCADE' GROUP BY id, \"table\"";
    let rows = connection.query_all_raw(statement(connection, sql, [table.into()])).await?;
    rows.iter()
        .map(|row| {
            let [parent, same, refers]: [String; 3] =
                [row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?];
            Ok(format!(
                "DELETE FROM {table} WHERE {refers} AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {same})"
            ))
        })
        .collect()
}
