//! What the old backend wrote since its tables were read last.
//!
//! Where a row changed on both sides, ours stays: people who already work here must not see their work undone. Such rows
//! are counted as conflicts.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::form::Form;
use super::query::{count, execute};
use super::staging::{Purpose, stage, unstage};
use super::take_over::{
    TASK_COLUMNS, TakenOver, USER_COLUMNS, claim_addresses, replace_links, take_tasks, take_users,
};
use super::{addresses, ended_sessions};
use crate::journal;

/// Takes over what the old backend wrote since.
pub(super) async fn take_changes(connection: &impl ConnectionTrait, form: Form) -> Result<TakenOver, DbErr> {
    stage(connection, form, Purpose::Comparison).await?;
    let mut conflicts = count_conflicts(connection).await?;
    let gone_tasks = execute(connection, GONE_TASKS).await?;
    let gone_users = execute(connection, GONE_USERS).await?;
    forget_gone(connection).await?;
    let same_address = addresses::keep_apart(connection).await?;
    conflicts += same_address.len() as u64;
    for sql in settled_users() {
        execute(connection, &sql).await?;
    }
    ended_sessions::note(connection).await?;
    let (changed_users, new_users) = take_users(connection, Purpose::Comparison).await?;
    for sql in settled_tasks() {
        execute(connection, &sql).await?;
    }
    let (changed_tasks, new_tasks) = take_tasks(connection, Purpose::Comparison).await?;
    claim_addresses(connection).await?;
    replace_links(connection).await?;
    for mark in MARK_CHANGES {
        execute(connection, mark).await?;
    }
    unstage(connection).await?;
    ended_sessions::end(connection).await?;
    Ok(TakenOver {
        new_users,
        changed_users,
        gone_users,
        new_tasks,
        changed_tasks,
        gone_tasks,
        conflicts,
        same_address,
    })
}

/// Rows that somebody changed or deleted here, and that the old backend changed or deleted as well.
async fn count_conflicts(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    let mut conflicts = 0;
    for sql in [
        "SELECT count(*) FROM adopted_tasks j LEFT JOIN tasks o ON o.owner_id = j.owner_id AND o.id = j.id \
         LEFT JOIN staged_tasks s ON s.owner_id = j.owner_id AND s.id = j.id \
         WHERE (o.id IS NULL OR o.revision <> j.revision) AND (s.id IS NOT NULL OR o.id IS NOT NULL) \
         AND (s.id IS NULL OR s.updated_at <> j.updated_at)",
        "SELECT count(*) FROM adopted_users j LEFT JOIN users o ON o.id = j.id LEFT JOIN staged_users s ON s.id = j.id \
         WHERE (o.id IS NULL OR o.updated_at <> j.updated_at) AND (s.id IS NOT NULL OR o.id IS NOT NULL) \
         AND (s.id IS NULL OR s.updated_at <> j.updated_at OR s.placeholder <> j.placeholder)",
        // Gone there, but used for new tasks here.
        "SELECT count(*) FROM adopted_users j JOIN users o ON o.id = j.id AND o.updated_at = j.updated_at \
         LEFT JOIN staged_users s ON s.id = j.id WHERE s.id IS NULL AND EXISTS (SELECT 1 FROM tasks t \
         WHERE t.owner_id = o.id AND NOT EXISTS (SELECT 1 FROM adopted_tasks k \
         WHERE k.owner_id = t.owner_id AND k.id = t.id))",
    ] {
        conflicts += count(connection, sql).await?;
    }
    Ok(conflicts)
}

const GONE_TASKS: &str = "DELETE FROM tasks WHERE EXISTS (SELECT 1 FROM adopted_tasks j \
     WHERE j.owner_id = tasks.owner_id AND j.id = tasks.id AND j.revision = tasks.revision) \
     AND NOT EXISTS (SELECT 1 FROM staged_tasks s WHERE s.owner_id = tasks.owner_id AND s.id = tasks.id)";

/// An account that was changed here since stays, and so does one with tasks that stayed. A sign-in is no change.
const GONE_USERS: &str = "DELETE FROM users WHERE EXISTS (SELECT 1 FROM adopted_users j \
     WHERE j.id = users.id AND j.updated_at = users.updated_at) \
     AND NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = users.id) \
     AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.owner_id = users.id)";

async fn forget_gone(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    for sql in [
        // SQLite's migrations run without foreign keys, so nothing goes along by itself.
        "DELETE FROM linked_accounts WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = linked_accounts.user_id)",
        "DELETE FROM sessions WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = sessions.user_id)",
        "DELETE FROM adopted_tasks \
         WHERE NOT EXISTS (SELECT 1 FROM tasks o WHERE o.owner_id = adopted_tasks.owner_id AND o.id = adopted_tasks.id) \
         AND NOT EXISTS (SELECT 1 FROM staged_tasks s \
         WHERE s.owner_id = adopted_tasks.owner_id AND s.id = adopted_tasks.id)",
        "DELETE FROM adopted_users WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = adopted_users.id) \
         AND NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = adopted_users.id)",
    ] {
        execute(connection, sql).await?;
    }
    if journal::table_exists(connection, "denied_tokens").await? {
        let sql = "DELETE FROM denied_tokens WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = denied_tokens.user_id)";
        execute(connection, sql).await?;
    }
    Ok(())
}

fn differ(columns: &[&str]) -> String {
    let each: Vec<String> = columns.iter().map(|c| format!("o.{c} IS DISTINCT FROM s.{c}")).collect();
    each.join(" OR ")
}

/// Drops staged accounts with which nothing is to be done: the same on both sides, changed here, or deleted here.
fn settled_users() -> [String; 3] {
    // A hash that was upgraded here belongs to the same password.
    let hash = "(o.password_hash IS DISTINCT FROM s.password_hash \
         AND coalesce(o.password_hash, '') NOT LIKE '$argon2%')";
    let differ = differ(&USER_COLUMNS);
    [
        format!(
            "DELETE FROM staged_users AS s WHERE EXISTS (SELECT 1 FROM users o JOIN adopted_users j ON j.id = o.id \
             WHERE o.id = s.id AND NOT (o.updated_at = j.updated_at AND ({differ} OR {hash})))"
        ),
        "DELETE FROM staged_users AS s WHERE EXISTS (SELECT 1 FROM adopted_users j WHERE j.id = s.id) \
         AND NOT EXISTS (SELECT 1 FROM users o WHERE o.id = s.id)"
            .to_owned(),
        "DELETE FROM staged_users AS s WHERE NOT EXISTS (SELECT 1 FROM adopted_users j WHERE j.id = s.id) \
         AND EXISTS (SELECT 1 FROM users o WHERE o.id = s.id)"
            .to_owned(),
    ]
}

/// The same for tasks; those of an account that was deleted here stay deleted.
fn settled_tasks() -> [String; 4] {
    let differ = differ(&TASK_COLUMNS);
    let mark = "SELECT 1 FROM adopted_tasks j WHERE j.owner_id = s.owner_id AND j.id = s.id";
    let ours = "SELECT 1 FROM tasks o WHERE o.owner_id = s.owner_id AND o.id = s.id";
    [
        format!(
            "DELETE FROM staged_tasks AS s WHERE EXISTS (SELECT 1 FROM tasks o \
             JOIN adopted_tasks j ON j.owner_id = o.owner_id AND j.id = o.id \
             WHERE o.owner_id = s.owner_id AND o.id = s.id AND NOT (o.revision = j.revision AND ({differ})))"
        ),
        format!("DELETE FROM staged_tasks AS s WHERE EXISTS ({mark}) AND NOT EXISTS ({ours})"),
        format!("DELETE FROM staged_tasks AS s WHERE NOT EXISTS ({mark}) AND EXISTS ({ours})"),
        "DELETE FROM staged_tasks AS s WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = s.owner_id)"
            .to_owned(),
    ]
}

const MARK_CHANGES: [&str; 4] = [
    "DELETE FROM adopted_users WHERE EXISTS (SELECT 1 FROM staged_users s WHERE s.id = adopted_users.id)",
    "INSERT INTO adopted_users (id, placeholder, updated_at) SELECT id, placeholder, updated_at FROM staged_users",
    "DELETE FROM adopted_tasks WHERE EXISTS (SELECT 1 FROM staged_tasks s \
     WHERE s.owner_id = adopted_tasks.owner_id AND s.id = adopted_tasks.id)",
    "INSERT INTO adopted_tasks (owner_id, id, revision, updated_at) SELECT t.owner_id, t.id, t.revision, t.updated_at \
     FROM tasks t JOIN staged_tasks s ON s.owner_id = t.owner_id AND s.id = t.id",
];
