//! Copies the staged rows into our tables, page by page. Which rows are worth copying a second time is `changes`'.

use std::fmt;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::form::Form;
use super::progress::Progress;
use super::query::{count, execute, statement, texts};
use super::staging::{Page, Purpose, analyse, index_pages, stage, tasks_after, unstage, users_after};

/// What one run has taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// The accounts among them that have the same address on both sides, one line for each pair: the address, the id
    /// here, the id there.
    pub same_address: Vec<String>,
    /// Such pairs that an earlier run has told of already, and that are no conflicts of this one.
    pub standing_addresses: Vec<String>,
    /// Ids of the accounts whose password was changed on both sides: ours stayed.
    pub kept_passwords: Vec<String>,
    /// Ids of the accounts taken over that nobody can sign in to: their address contains U+0000.
    pub unreachable: Vec<String>,
}

impl fmt::Display for TakenOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            new_users,
            changed_users,
            gone_users,
            new_tasks,
            changed_tasks,
            gone_tasks,
            conflicts,
            same_address,
            standing_addresses,
            kept_passwords,
            unreachable,
        } = self;
        writeln!(f, "accounts: {new_users} new, {changed_users} changed, {gone_users} gone")?;
        writeln!(f, "tasks: {new_tasks} new, {changed_tasks} changed, {gone_tasks} gone")?;
        if *conflicts > 0 {
            writeln!(f, "{conflicts} rows changed on both sides; those of this side were kept")?;
        }
        for pair in same_address {
            writeln!(
                f,
                "the same address on both sides: {pair}; the account here keeps it (one that is new from there is a \
                 placeholder: `holdfast user claim`)"
            )?;
        }
        for pair in standing_addresses {
            writeln!(f, "still the same address on both sides: {pair}")?;
        }
        for id in kept_passwords {
            writeln!(f, "the password of {id} was changed on both sides; the one of this side was kept")?;
        }
        for id in unreachable {
            writeln!(f, "{}", unreachable_account(id))?;
        }
        Ok(())
    }
}

/// What is said about an account whose address contains U+0000, which no text of a request may contain.
pub(crate) fn unreachable_account(id: &str) -> String {
    format!(
        "account {id}: its e-mail address contains the character U+0000, so nobody can sign in to it; \
         `holdfast user claim` gives it another address and a password"
    )
}

pub(super) const USER_COLUMNS: [&str; 11] = [
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
pub(super) const TASK_COLUMNS: [&str; 7] =
    ["title", "description", "due_at", "priority", "is_completed", "created_at", "updated_at"];

/// Takes over everything; our tables are empty.
pub(super) async fn everything(connection: &impl ConnectionTrait, form: Form) -> Result<TakenOver, DbErr> {
    stage(connection, form, Purpose::Everything).await?;
    let (_, new_users) = take_users(connection, Purpose::Everything).await?;
    // Or each task's foreign key might be looked up by a scan of all accounts.
    analyse(connection, &["users"]).await?;
    let (_, new_tasks) = take_tasks(connection, Purpose::Everything).await?;
    claim_addresses(connection).await?;
    replace_links(connection).await?;
    for mark in [
        "INSERT INTO adopted_users (id, placeholder, updated_at) SELECT id, placeholder, updated_at FROM staged_users",
        "INSERT INTO adopted_tasks (owner_id, id, revision, updated_at) \
         SELECT owner_id, id, 1, updated_at FROM staged_tasks",
    ] {
        execute(connection, mark).await?;
    }
    let unreachable = unreachable_among_staged(connection).await?;
    unstage(connection).await?;
    analyse(connection, &["users", "tasks", "adopted_users", "adopted_tasks", "linked_accounts"]).await?;
    Ok(TakenOver { new_users, new_tasks, unreachable, ..TakenOver::default() })
}

/// Ids of staged accounts with an address that nobody can sign in with. PostgreSQL holds none.
pub(super) async fn unreachable_among_staged(
    connection: &impl ConnectionTrait,
) -> Result<Vec<String>, DbErr> {
    let dialect = Dialect::of(connection)?;
    let sql = format!(
        "SELECT {} FROM staged_users s WHERE {} ORDER BY 1",
        dialect.id_text("s.id"),
        dialect.has_nul("s.email")
    );
    texts(connection, &sql).await
}

/// Copies the staged accounts, page by page, and says how many rows changed and how many are new.
pub(super) async fn take_users(
    connection: &impl ConnectionTrait,
    purpose: Purpose,
) -> Result<(u64, u64), DbErr> {
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
pub(super) async fn take_tasks(
    connection: &impl ConnectionTrait,
    purpose: Purpose,
) -> Result<(u64, u64), DbErr> {
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
pub(super) async fn claim_addresses(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    let sql = "UPDATE users SET email_claim = email_folded WHERE id IN (SELECT c.id FROM (SELECT id, email_folded, \
         row_number() OVER (PARTITION BY email_folded ORDER BY created_at, id) AS nth FROM users \
         WHERE email_claim IS NULL) c WHERE c.nth = 1 \
         AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email_claim = c.email_folded))";
    execute(connection, sql).await
}

/// Nobody changes links here, so they are taken over as they are.
pub(super) async fn replace_links(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    execute(connection, "DELETE FROM linked_accounts").await?;
    let sql = "INSERT INTO linked_accounts (user_id, id, provider_id, account_id, created_at, updated_at) \
         SELECT user_id, id, provider_id, account_id, created_at, updated_at FROM staged_links s \
         WHERE EXISTS (SELECT 1 FROM users o WHERE o.id = s.user_id)";
    execute(connection, sql).await
}
