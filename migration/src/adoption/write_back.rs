//! Copies what is newer here into the old tables, so that going back loses nothing.
//!
//! Newer is what was created, changed or deleted here since it was taken over. Afterwards the old tables hold it as well,
//! and the marks say so. Where the old backend changed the same row, ours replaces it, column by column: it is the one
//! that people saw last. Which columns those are is `old_columns`'.

use std::fmt;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::form::{Form, columns};
use super::newer_rows;
use super::old_columns::{Column, assignments, of_tasks, of_users};
use super::query::{count, execute, texts};
use super::source::NO_PASSWORD;

/// What one run has copied into the old tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenBack {
    /// Accounts that are new or changed there.
    pub users: u64,
    /// Accounts that were deleted there.
    pub deleted_users: u64,
    /// Tasks that are new or changed there.
    pub tasks: u64,
    /// Tasks that were deleted there.
    pub deleted_tasks: u64,
    /// E-mail addresses of the accounts written whose password the old backend cannot read: it was set here.
    pub unreadable: Vec<String>,
    /// Accounts that could not be written, because the old tables have no accounts.
    pub left_users: u64,
}

impl fmt::Display for WrittenBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, deleted_users, tasks, deleted_tasks, unreadable, left_users } = self;
        writeln!(f, "accounts: {users} written, {deleted_users} deleted")?;
        writeln!(f, "tasks: {tasks} written, {deleted_tasks} deleted")?;
        if *left_users > 0 {
            writeln!(f, "{left_users} accounts stay newer here: the old tables have none")?;
        }
        for email in unreadable {
            writeln!(f, "the old backend cannot read the password of {email}: it needs a new one there")?;
        }
        Ok(())
    }
}

/// Writes what `newer_rows` has noted. Runs while the old backend is stopped.
pub(super) async fn write_back(connection: &impl ConnectionTrait, form: Form) -> Result<WrittenBack, DbErr> {
    let dialect = Dialect::of(connection)?;
    let mut written = WrittenBack {
        deleted_tasks: execute(connection, &delete_tasks(dialect)).await?,
        ..Default::default()
    };
    if form.has_users() {
        for sql in delete_owned(form, dialect) {
            execute(connection, &sql).await?;
        }
        written.deleted_users = execute(connection, &delete_users(dialect)).await?;
        // Or two accounts could not exchange their addresses.
        execute(connection, &set_addresses_free(dialect)).await?;
        for sql in write_users(form, dialect) {
            written.users += execute(connection, &sql).await?;
        }
        if form == Form::B {
            for sql in write_passwords(dialect) {
                execute(connection, &sql).await?;
            }
        }
        written.unreadable = texts(connection, UNREADABLE).await?;
    } else {
        written.left_users = count(connection, "SELECT count(*) FROM newer_users").await?;
    }
    let priority = priority_type(connection, dialect).await?;
    for sql in write_tasks(form, dialect, &priority) {
        written.tasks += execute(connection, &sql).await?;
    }
    newer_rows::mark_as_written(connection, form).await?;
    Ok(written)
}

/// The accounts to be written whose address another account has there, one line each. The old tables hold an address
/// once. An account that goes there, or that gets another address, is not in the way.
pub(super) async fn taken_addresses(
    connection: &impl ConnectionTrait,
    form: Form,
) -> Result<Vec<String>, DbErr> {
    if !form.has_users() {
        return Ok(Vec::new());
    }
    let dialect = Dialect::of(connection)?;
    let (here_shown, there_shown) = (dialect.id_text("o.id"), dialect.id_text("k.id"));
    let sql = format!(
        "SELECT o.email || ': ' || {here_shown} || ' here, ' || {there_shown} || ' there' FROM newer_users w \
         JOIN users o ON o.id = w.id JOIN \"user\" t ON t.email = o.email JOIN known_users k ON k.there = t.id \
         WHERE NOT w.waiting AND k.id <> o.id AND k.id NOT IN {DELETED_USERS} \
         AND NOT EXISTS (SELECT 1 FROM newer_users x JOIN users p ON p.id = x.id \
         WHERE x.id = k.id AND NOT x.waiting AND p.email <> t.email) ORDER BY 1"
    );
    texts(connection, &sql).await
}

fn delete_tasks(dialect: Dialect) -> String {
    let [id, owner] = [dialect.id("task.id"), dialect.id("task.user_id")];
    format!(
        "DELETE FROM task WHERE EXISTS (SELECT 1 FROM adopted_tasks j WHERE j.owner_id = {owner} AND j.id = {id} \
         AND NOT EXISTS (SELECT 1 FROM tasks o WHERE o.owner_id = j.owner_id AND o.id = j.id))"
    )
}

const DELETED_USERS: &str =
    "(SELECT j.id FROM adopted_users j WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = j.id))";

/// The old SQLite file declares foreign keys without enforcing them.
fn delete_owned(form: Form, dialect: Dialect) -> Vec<String> {
    let tables: &[&str] = match form {
        Form::B => &["account", "session", "task"],
        Form::A | Form::ATasksOnly => &["task"],
    };
    let owner = dialect.id("user_id");
    tables.iter().map(|table| format!("DELETE FROM {table} WHERE {owner} IN {DELETED_USERS}")).collect()
}

fn delete_users(dialect: Dialect) -> String {
    format!("DELETE FROM \"user\" WHERE {} IN {DELETED_USERS}", dialect.id("id"))
}

fn set_addresses_free(dialect: Dialect) -> String {
    format!(
        "UPDATE \"user\" SET email = 'moving-' || {} || '@placeholder.invalid' FROM {KNOWN_USERS} \
         AND \"user\".email <> o.email",
        dialect.id_text("o.id")
    )
}

/// Newer accounts that the old table has.
const KNOWN_USERS: &str = "newer_users w JOIN users o ON o.id = w.id JOIN known_users k ON k.id = w.id \
     WHERE \"user\".id = k.there AND NOT w.waiting";
/// Newer accounts that it does not have.
const UNKNOWN_USERS: &str = "newer_users w JOIN users o ON o.id = w.id \
     WHERE NOT w.waiting AND NOT EXISTS (SELECT 1 FROM known_users k WHERE k.id = w.id)";

fn write_users(form: Form, dialect: Dialect) -> [String; 2] {
    let columns = of_users(form, dialect);
    let (mut set, mut keys) =
        (assignments("\"user\"", &columns), vec![("id", old_id(form, dialect, "o.id"))]);
    if form == Form::A {
        let hash = format!("coalesce(o.password_hash, '{NO_PASSWORD}')");
        set = format!(
            "{set}, hashed_password = CASE WHEN o.id IN (SELECT p.id FROM newer_passwords p) THEN {hash} \
             ELSE \"user\".hashed_password END"
        );
        keys.push(("hashed_password", hash));
    }
    [
        format!("UPDATE \"user\" SET {set} FROM {KNOWN_USERS}"),
        insert("\"user\"", &keys, &columns, UNKNOWN_USERS),
    ]
}

/// B keeps passwords in `account`. All rows of an account are set: none may let a former password in.
fn write_passwords(dialect: Dialect) -> [String; 2] {
    let updated = dialect.old_time("o.updated_at");
    // A foreign key compares the spelling of the owner's id, which may be there since a moment ago.
    let user = format!("coalesce(k.there, {})", dialect.id_hex("o.id"));
    let keys = [
        // One row of this kind for each account: the account's own id is free, and unmistakable.
        ("id", dialect.id_hex("o.id")),
        ("user_id", user.clone()),
        ("account_id", user),
        ("provider_id", "'credential'".to_owned()),
        ("password", "o.password_hash".to_owned()),
        ("created_at", dialect.old_time("o.created_at")),
        ("updated_at", updated.clone()),
    ];
    let newer = "newer_passwords p JOIN users o ON o.id = p.id";
    [
        format!(
            "UPDATE account SET password = o.password_hash, updated_at = {updated} FROM {newer} \
             JOIN known_passwords a ON a.id = p.id \
             WHERE account.id = a.there AND account.password IS DISTINCT FROM o.password_hash"
        ),
        insert(
            "account",
            &keys,
            &[],
            &format!(
                "{newer} LEFT JOIN known_users k ON k.id = o.id WHERE o.password_hash IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM known_passwords a WHERE a.id = o.id)"
            ),
        ),
    ]
}

fn write_tasks(form: Form, dialect: Dialect, priority: &str) -> [String; 2] {
    let columns = of_tasks(form, dialect, priority);
    let known = "newer_tasks w JOIN tasks o ON o.owner_id = w.owner_id AND o.id = w.id";
    let (owner, owners) = if form.has_users() {
        // A foreign key of B compares the spelling of the owner's id.
        let owner = format!("coalesce(u.there, {})", old_id(form, dialect, "o.owner_id"));
        (owner, "LEFT JOIN known_users u ON u.id = w.owner_id")
    } else {
        (old_id(form, dialect, "o.owner_id"), "")
    };
    [
        format!(
            "UPDATE task SET {} FROM {known} JOIN known_tasks k ON k.owner_id = w.owner_id AND k.id = w.id \
             WHERE task.id = k.there",
            assignments("task", &columns)
        ),
        insert(
            "task",
            &[("id", old_id(form, dialect, "o.id")), ("user_id", owner)],
            &columns,
            &format!(
                "{known} {owners} WHERE NOT EXISTS (SELECT 1 FROM known_tasks k WHERE k.owner_id = w.owner_id AND k.id = w.id)"
            ),
        ),
    ]
}

fn insert(table: &str, keys: &[(&str, String)], columns: &[Column], source: &str) -> String {
    let values =
        keys.iter().map(|(name, value)| (*name, value)).chain(columns.iter().map(|c| (c.name, &c.written)));
    let (names, values): (Vec<&str>, Vec<&str>) = values.map(|(name, value)| (name, value.as_str())).unzip();
    format!("INSERT INTO {table} ({}) SELECT {} FROM {source}", names.join(", "), values.join(", "))
}

fn old_id(form: Form, dialect: Dialect, id: &str) -> String {
    if form != Form::B && dialect.is_postgres() { id.to_owned() } else { dialect.id_hex(id) }
}

/// The enumeration of A has whatever name its database gave it.
async fn priority_type(connection: &impl ConnectionTrait, dialect: Dialect) -> Result<String, DbErr> {
    if !dialect.is_postgres() {
        return Ok("TEXT".to_owned());
    }
    let columns = columns(connection, dialect, "task").await?;
    let found = columns.into_iter().find(|(name, _)| name == "priority");
    found.map(|(_, type_name)| type_name).ok_or_else(|| DbErr::Migration("task has no priority".to_owned()))
}

/// Written now, or by an earlier run and the same since.
const UNREADABLE: &str = "SELECT o.email FROM newer_users w JOIN users o ON o.id = w.id \
     LEFT JOIN adopted_users j ON j.id = w.id WHERE o.password_hash LIKE '$argon2%' \
     AND (j.password_digest = w.password_digest OR o.id IN (SELECT p.id FROM newer_passwords p)) ORDER BY o.email";
