//! What the old backend wrote since its tables were read last.
//!
//! Where a row changed on both sides, ours stays: people who already work here must not see their work undone. Such rows
//! are counted as conflicts.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::form::Form;
use super::query::{count, execute};
use super::staging::{Purpose, forget, stage, unstage};
use super::take_over::{
    TASK_COLUMNS, TakenOver, USER_COLUMNS, claim_addresses, replace_links, take_tasks, take_users,
    unreachable_among_staged,
};
use super::{addresses, ended_sessions, gone, passwords};

/// Takes over what the old backend wrote since.
pub(super) async fn take_changes(connection: &impl ConnectionTrait, form: Form) -> Result<TakenOver, DbErr> {
    stage(connection, form, Purpose::Comparison).await?;
    let mut conflicts = count_conflicts(connection).await?;
    let gone = gone::delete(connection).await?;
    let addresses::Pairs { new: same_address, standing: standing_addresses } =
        addresses::keep_apart(connection).await?;
    let profile = USER_COLUMNS.into_iter().filter(|column| *column != "updated_at");
    let passwords = passwords::take_changed(connection, &differ(profile)).await?;
    conflicts += same_address.len() as u64 + passwords.new_conflicts;
    settle(connection, HELD_USERS, &settled_users()).await?;
    let unreachable = unreachable_among_staged(connection).await?;
    ended_sessions::note(connection).await?;
    let (changed_users, new_users) = take_users(connection, Purpose::Comparison).await?;
    let other_passwords = count(connection, ONLY_PASSWORDS).await?;
    settle(connection, HELD_TASKS, &settled_tasks()).await?;
    let (changed_tasks, new_tasks) = take_tasks(connection, Purpose::Comparison).await?;
    claim_addresses(connection).await?;
    replace_links(connection).await?;
    for mark in MARK_CHANGES {
        execute(connection, mark).await?;
    }
    addresses::record(connection).await?;
    unstage(connection).await?;
    forget(connection, &["changed_passwords"]).await?;
    ended_sessions::end(connection).await?;
    gone::tell(connection).await?;
    Ok(TakenOver {
        new_users,
        changed_users: changed_users + other_passwords,
        gone_users: gone.users,
        new_tasks,
        changed_tasks,
        gone_tasks: gone.tasks,
        conflicts,
        same_address,
        standing_addresses,
        kept_passwords: passwords.kept,
        unreachable,
    })
}

/// Accounts of which the password alone was taken over.
const ONLY_PASSWORDS: &str = "SELECT count(*) FROM changed_passwords c WHERE NOT c.set_here \
     AND NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = c.id)";

/// Drops the staged rows with which nothing is to be done. Whoever works here at this moment may change a row after that
/// was decided: the rows that are left are held, and looked at once more.
async fn settle(connection: &impl ConnectionTrait, held: &str, settled: &[String]) -> Result<(), DbErr> {
    for sql in settled {
        execute(connection, sql).await?;
    }
    if let Some(hold) = Dialect::of(connection)?.hold(held) {
        execute(connection, &hold).await?;
        for sql in settled {
            execute(connection, sql).await?;
        }
    }
    Ok(())
}

const HELD_USERS: &str = "SELECT o.id FROM users o JOIN staged_users s ON s.id = o.id";
const HELD_TASKS: &str =
    "SELECT o.id FROM tasks o JOIN staged_tasks s ON s.owner_id = o.owner_id AND s.id = o.id";

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

fn differ(columns: impl IntoIterator<Item = &'static str>) -> String {
    let each: Vec<String> = columns.into_iter().map(|c| format!("o.{c} IS DISTINCT FROM s.{c}")).collect();
    each.join(" OR ")
}

/// Drops staged accounts with which nothing is to be done: the same on both sides, changed here, or deleted here.
fn settled_users() -> [String; 3] {
    // A hash that was upgraded here belongs to the same password.
    let hash = "(o.password_hash IS DISTINCT FROM s.password_hash \
         AND coalesce(o.password_hash, '') NOT LIKE '$argon2%')";
    let differ = differ(USER_COLUMNS);
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
    let differ = differ(TASK_COLUMNS);
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

const MARK_CHANGES: [&str; 3] = [
    "INSERT INTO adopted_users (id, placeholder, updated_at, password_digest) \
     SELECT s.id, s.placeholder, s.updated_at, s.password_digest FROM staged_users s WHERE TRUE \
     ON CONFLICT (id) DO UPDATE SET placeholder = excluded.placeholder, updated_at = excluded.updated_at, \
     password_digest = excluded.password_digest",
    "DELETE FROM adopted_tasks WHERE EXISTS (SELECT 1 FROM staged_tasks s \
     WHERE s.owner_id = adopted_tasks.owner_id AND s.id = adopted_tasks.id)",
    "INSERT INTO adopted_tasks (owner_id, id, revision, updated_at) SELECT t.owner_id, t.id, t.revision, t.updated_at \
     FROM tasks t JOIN staged_tasks s ON s.owner_id = t.owner_id AND s.id = t.id",
];
