//! Copies the staged rows into our tables: all of them the first time, and what changed since after that.
//!
//! Where a row changed on both sides, ours stays: people who already work here must not see their work undone. Such rows
//! are counted as conflicts.

use std::fmt;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::form::Form;
use super::progress::Progress;
use super::query::{count, execute, statement};
use super::staging::{Page, Purpose, analyse, index_pages, stage, tasks_after, unstage, users_after};

/// What one run has taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Accounts that are new here, placeholders among them.
    pub new_users: u64,
    /// Accounts that changed.
    pub changed_users: u64,
    /// Accounts that the old backend has no longer.
    pub gone_users: u64,
    /// Tasks that are new here.
    pub new_tasks: u64,
    /// Tasks that changed.
    pub changed_tasks: u64,
    /// Tasks that the old backend has no longer.
    pub gone_tasks: u64,
    /// Rows that changed on both sides: ours stayed.
    pub conflicts: u64,
}

impl fmt::Display for TakenOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { new_users, changed_users, gone_users, new_tasks, changed_tasks, gone_tasks, conflicts } =
            self;
        writeln!(f, "accounts: {new_users} new, {changed_users} changed, {gone_users} gone")?;
        writeln!(f, "tasks: {new_tasks} new, {changed_tasks} changed, {gone_tasks} gone")?;
        if *conflicts > 0 {
            writeln!(f, "{conflicts} rows changed on both sides; those of this side were kept")?;
        }
        Ok(())
    }
}

const USER_COLUMNS: [&str; 11] = [
    "email",
    "name",
    "role",
    "is_active",
    "email_verified",
    "image",
    "banned_at",
    "ban_reason",
    "ban_expires_at",
    "created_at",
    "updated_at",
];
const TASK_COLUMNS: [&str; 7] =
    ["title", "description", "due_at", "priority", "is_completed", "created_at", "updated_at"];

/// Takes over everything; our tables are empty.
pub(super) async fn everything(connection: &impl ConnectionTrait, form: Form) -> Result<TakenOver, DbErr> {
    stage(connection, form, Purpose::Everything).await?;
    let (_, new_users) = take_users(connection, Purpose::Everything).await?;
    // Or each task's foreign key might be looked up by a scan of all accounts.
    analyse(connection, &["users"]).await?;
    let (_, new_tasks) = take_tasks(connection, Purpose::Everything).await?;
    let taken = TakenOver { new_users, new_tasks, ..TakenOver::default() };
    claim_addresses(connection).await?;
    replace_links(connection).await?;
    for mark in [
        "INSERT INTO adopted_users (id, placeholder, updated_at) SELECT id, placeholder, updated_at FROM staged_users",
        "INSERT INTO adopted_tasks (owner_id, id, revision, updated_at) \
         SELECT owner_id, id, 1, updated_at FROM staged_tasks",
    ] {
        execute(connection, mark).await?;
    }
    unstage(connection).await?;
    analyse(connection, &["users", "tasks", "adopted_users", "adopted_tasks", "linked_accounts"]).await?;
    Ok(taken)
}

/// Takes over what the old backend wrote since.
pub(super) async fn changes(connection: &impl ConnectionTrait, form: Form) -> Result<TakenOver, DbErr> {
    stage(connection, form, Purpose::Comparison).await?;
    let conflicts = count_conflicts(connection).await?;
    let gone_tasks = execute(connection, GONE_TASKS).await?;
    let gone_users = execute(connection, GONE_USERS).await?;
    forget_gone(connection).await?;
    for sql in settled_users() {
        execute(connection, &sql).await?;
    }
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
    Ok(TakenOver { new_users, changed_users, gone_users, new_tasks, changed_tasks, gone_tasks, conflicts })
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
    ] {
        conflicts += count(connection, sql).await?;
    }
    Ok(conflicts)
}

const GONE_TASKS: &str = "DELETE FROM tasks WHERE EXISTS (SELECT 1 FROM adopted_tasks j \
     WHERE j.owner_id = tasks.owner_id AND j.id = tasks.id AND j.revision = tasks.revision) \
     AND NOT EXISTS (SELECT 1 FROM staged_tasks s WHERE s.owner_id = tasks.owner_id AND s.id = tasks.id)";

/// An account that has been used here since stays, and so does one with tasks that stayed.
const GONE_USERS: &str = "DELETE FROM users WHERE last_sign_in_at IS NULL AND EXISTS (SELECT 1 FROM adopted_users j \
     WHERE j.id = users.id AND j.updated_at = users.updated_at) \
     AND NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = users.id) \
     AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.owner_id = users.id)";

async fn forget_gone(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    for sql in [
        // SQLite's migrations run without foreign keys, so nothing goes along by itself.
        "DELETE FROM linked_accounts WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = linked_accounts.user_id)",
        "DELETE FROM adopted_tasks \
         WHERE NOT EXISTS (SELECT 1 FROM tasks o WHERE o.owner_id = adopted_tasks.owner_id AND o.id = adopted_tasks.id) \
         AND NOT EXISTS (SELECT 1 FROM staged_tasks s \
         WHERE s.owner_id = adopted_tasks.owner_id AND s.id = adopted_tasks.id)",
        "DELETE FROM adopted_users WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = adopted_users.id) \
         AND NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = adopted_users.id)",
    ] {
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

/// Copies the staged accounts, page by page, and says how many rows changed and how many are new.
async fn take_users(connection: &impl ConnectionTrait, purpose: Purpose) -> Result<(u64, u64), DbErr> {
    let set = assignments(&USER_COLUMNS);
    let update = format!(
        "UPDATE users SET {set}, email_folded = f.column2, \
         email_claim = CASE WHEN users.email_folded = f.column2 THEN users.email_claim END, \
         password_hash = CASE WHEN users.password_hash LIKE '$argon2%' AND s.password_hash IS NOT NULL \
         THEN users.password_hash ELSE s.password_hash END \
         FROM {{computed}} CROSS JOIN staged_users s WHERE s.n = f.column1 AND s.id = users.id"
    );
    let columns = USER_COLUMNS.join(", ");
    let insert = format!(
        "INSERT INTO users (id, {columns}, email_folded, password_hash) \
         SELECT s.id, {}, f.column2, s.password_hash FROM {{computed}} CROSS JOIN staged_users s WHERE s.n = f.column1",
        staged(&USER_COLUMNS)
    );
    let known = "SELECT 1 FROM users o WHERE o.id = s.id";
    let copy = Copy::new(purpose, update, insert, known);
    index_pages(connection, "staged_users").await?;
    let total = count(connection, "SELECT count(*) FROM staged_users").await?;
    let mut progress = Progress::begin("accounts", total);
    let (mut after, mut changed, mut new) = (0, 0, 0);
    while let Some(page) = users_after(connection, after).await? {
        (after, changed, new) = copy.page(connection, page, &mut progress, (changed, new)).await?;
    }
    progress.finish();
    Ok((changed, new))
}

/// The same for tasks.
async fn take_tasks(connection: &impl ConnectionTrait, purpose: Purpose) -> Result<(u64, u64), DbErr> {
    let set = assignments(&TASK_COLUMNS);
    let update = format!(
        "UPDATE tasks SET {set}, search_text = f.column2, title_sort = f.column3, revision = tasks.revision + 1 \
         FROM {{computed}} CROSS JOIN staged_tasks s \
         WHERE s.n = f.column1 AND s.owner_id = tasks.owner_id AND s.id = tasks.id"
    );
    let columns = TASK_COLUMNS.join(", ");
    let insert = format!(
        "INSERT INTO tasks (owner_id, id, {columns}, search_text, title_sort, revision) \
         SELECT s.owner_id, s.id, {}, f.column2, f.column3, 1 FROM {{computed}} CROSS JOIN staged_tasks s \
         WHERE s.n = f.column1",
        staged(&TASK_COLUMNS)
    );
    let known = "SELECT 1 FROM tasks o WHERE o.owner_id = s.owner_id AND o.id = s.id";
    let copy = Copy::new(purpose, update, insert, known);
    index_pages(connection, "staged_tasks").await?;
    let total = count(connection, "SELECT count(*) FROM staged_tasks").await?;
    let mut progress = Progress::begin("tasks", total);
    let (mut after, mut changed, mut new) = (0, 0, 0);
    while let Some(page) = tasks_after(connection, after).await? {
        (after, changed, new) = copy.page(connection, page, &mut progress, (changed, new)).await?;
    }
    progress.finish();
    Ok((changed, new))
}

fn assignments(columns: &[&str]) -> String {
    columns.iter().map(|column| format!("{column} = s.{column}")).collect::<Vec<_>>().join(", ")
}

fn staged(columns: &[&str]) -> String {
    columns.iter().map(|column| format!("s.{column}")).collect::<Vec<_>>().join(", ")
}

/// How a page of staged rows, joined with its computed values, goes into a table.
struct Copy {
    /// Not needed for an empty table. Asking there for each row whether it is known would also cost quadratic time,
    /// because PostgreSQL's planner takes a table that grows within its transaction for empty.
    update: Option<String>,
    insert: String,
}

impl Copy {
    fn new(purpose: Purpose, update: String, insert: String, known: &str) -> Self {
        match purpose {
            Purpose::Everything => Self { update: None, insert },
            Purpose::Comparison => {
                Self { update: Some(update), insert: format!("{insert} AND NOT EXISTS ({known})") }
            }
        }
    }

    /// The page's last number, and the counts of changed and new rows with the page's added.
    async fn page(
        &self,
        connection: &impl ConnectionTrait,
        page: Page,
        progress: &mut Progress,
        (mut changed, mut new): (u64, u64),
    ) -> Result<(i64, u64, u64), DbErr> {
        let Page { last, rows, computed, parameters } = page;
        if let Some(update) = &self.update {
            let sql = update.replace("{computed}", &computed);
            let done = connection.execute_raw(statement(connection, &sql, parameters.clone())).await?;
            changed += done.rows_affected();
        }
        let sql = self.insert.replace("{computed}", &computed);
        new += connection.execute_raw(statement(connection, &sql, parameters)).await?.rows_affected();
        progress.advance(rows);
        Ok((last, changed, new))
    }
}

/// Among accounts that differ in case alone, the oldest owns the address.
async fn claim_addresses(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    let sql = "UPDATE users SET email_claim = email_folded WHERE id IN (SELECT c.id FROM (SELECT id, email_folded, \
         row_number() OVER (PARTITION BY email_folded ORDER BY created_at, id) AS nth FROM users \
         WHERE email_claim IS NULL) c WHERE c.nth = 1 \
         AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email_claim = c.email_folded))";
    execute(connection, sql).await
}

/// Nobody changes links here, so they are taken over as they are.
async fn replace_links(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    execute(connection, "DELETE FROM linked_accounts").await?;
    let sql = "INSERT INTO linked_accounts (user_id, id, provider_id, account_id, created_at, updated_at) \
         SELECT user_id, id, provider_id, account_id, created_at, updated_at FROM staged_links s \
         WHERE EXISTS (SELECT 1 FROM users o WHERE o.id = s.user_id)";
    execute(connection, sql).await
}

const MARK_CHANGES: [&str; 4] = [
    "DELETE FROM adopted_users WHERE EXISTS (SELECT 1 FROM staged_users s WHERE s.id = adopted_users.id)",
    "INSERT INTO adopted_users (id, placeholder, updated_at) SELECT id, placeholder, updated_at FROM staged_users",
    "DELETE FROM adopted_tasks WHERE EXISTS (SELECT 1 FROM staged_tasks s \
     WHERE s.owner_id = adopted_tasks.owner_id AND s.id = adopted_tasks.id)",
    "INSERT INTO adopted_tasks (owner_id, id, revision, updated_at) SELECT t.owner_id, t.id, t.revision, t.updated_at \
     FROM tasks t JOIN staged_tasks s ON s.owner_id = t.owner_id AND s.id = t.id",
];
