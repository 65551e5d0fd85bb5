//! Copies what is newer here into the old tables, so that going back loses nothing.
//!
//! Newer is what was created, changed or deleted here since it was taken over. Afterwards the old tables hold it as well,
//! and the marks say so. Where the old backend changed the same row, ours replaces it: it is the one that people saw last.

use std::fmt;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::{Dialect, PRIORITIES};
use super::form::{Form, columns};
use super::query::{execute, texts};
use super::record::NEWER;

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

/// Runs while the old backend is stopped.
pub(super) async fn write_back(connection: &impl ConnectionTrait, form: Form) -> Result<WrittenBack, DbErr> {
    let dialect = Dialect::of(connection)?;
    for sql in NEWER {
        execute(connection, &dialect.types(sql)).await?;
    }
    let mut written = WrittenBack {
        deleted_tasks: execute(connection, &delete_tasks(dialect)).await?,
        ..Default::default()
    };
    if form.has_users() {
        for sql in delete_owned(form, dialect) {
            execute(connection, &sql).await?;
        }
        written.deleted_users = execute(connection, &delete_users(dialect)).await?;
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
        written.left_users = super::query::count(connection, "SELECT count(*) FROM newer_users").await?;
    }
    let priority = priority_type(connection, dialect).await?;
    for sql in write_tasks(form, dialect, &priority) {
        written.tasks += execute(connection, &sql).await?;
    }
    for sql in marks(form) {
        execute(connection, sql).await?;
    }
    if !dialect.is_postgres() {
        for table in ["newer_users", "newer_tasks"] {
            execute(connection, &format!("DROP TABLE temp.{table}")).await?;
        }
    }
    Ok(written)
}

/// The accounts to be written whose address another account has there, one line each. The old tables hold an address
/// once. An account that goes there, or that makes room for a new one, is not in the way.
pub(super) async fn taken_addresses(
    connection: &impl ConnectionTrait,
    form: Form,
) -> Result<Vec<String>, DbErr> {
    if !form.has_users() {
        return Ok(Vec::new());
    }
    let dialect = Dialect::of(connection)?;
    let (there, other) = (dialect.id("u.id"), dialect.id("v.id"));
    let (here_shown, there_shown) = (dialect.id_text("o.id"), dialect.id_text("t.id"));
    let sql = format!(
        "SELECT o.email || ': ' || {here_shown} || ' here, ' || {there_shown} || ' there' FROM users o \
         LEFT JOIN adopted_users j ON j.id = o.id \
         JOIN (SELECT {there} AS id, u.email FROM \"user\" u) t ON t.email = o.email AND t.id <> o.id \
         WHERE (j.id IS NULL OR j.updated_at <> o.updated_at) AND t.id NOT IN {DELETED_USERS} \
         AND NOT (o.id NOT IN (SELECT {other} FROM \"user\" v) AND EXISTS (SELECT 1 FROM users p \
         LEFT JOIN adopted_users k ON k.id = p.id WHERE p.id = t.id AND p.email <> t.email \
         AND (k.id IS NULL OR k.updated_at <> p.updated_at))) ORDER BY 1"
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

/// The old column and what it gets from `users o`.
fn user_values(form: Form, dialect: Dialect) -> Vec<(&'static str, String)> {
    let mut values = vec![("email", "o.email".to_owned()), ("name", "o.name".to_owned())];
    if form == Form::A {
        // It knows no ban, and must not let in whom we keep out.
        values.push(("is_active", "(o.is_active AND o.banned_at IS NULL)".to_owned()));
        // Never the former hash: the password may have been changed because somebody else knew it.
        values.push(("hashed_password", "coalesce(o.password_hash, '!')".to_owned()));
    } else {
        values.extend([
            ("email_verified", "o.email_verified".to_owned()),
            ("image", "o.image".to_owned()),
            ("role", "o.role".to_owned()),
            ("banned", "(o.banned_at IS NOT NULL OR NOT o.is_active)".to_owned()),
            ("ban_reason", "o.ban_reason".to_owned()),
            ("ban_expires", dialect.old_time("o.ban_expires_at")),
        ]);
    }
    values.push(("created_at", dialect.old_time("o.created_at")));
    values.push(("updated_at", dialect.old_time("o.updated_at")));
    values
}

fn write_users(form: Form, dialect: Dialect) -> [String; 2] {
    let id = dialect.id("\"user\".id");
    let new_id = old_id(form, dialect, "o.id");
    upsert(&Upsert {
        table: "\"user\"",
        values: &user_values(form, dialect),
        keys: &[("id", new_id)],
        source: "users o JOIN newer_users w ON w.id = o.id",
        same: &format!("{id} = o.id"),
    })
}

fn write_tasks(form: Form, dialect: Dialect, priority: &str) -> [String; 2] {
    let [id, owner] = [dialect.id("task.id"), dialect.id("task.user_id")];
    let names: Vec<String> = PRIORITIES
        .iter()
        .enumerate()
        .map(|(rank, name)| {
            let name = if form == Form::B { (*name).to_owned() } else { name.to_uppercase() };
            format!(" WHEN {rank} THEN '{name}'")
        })
        .collect();
    let values = [
        ("title", "o.title".to_owned()),
        ("description", "o.description".to_owned()),
        ("due_datetime", dialect.old_time("o.due_at")),
        ("priority", format!("CAST(CASE o.priority{} END AS {priority})", names.concat())),
        ("is_completed", "o.is_completed".to_owned()),
        ("created_at", dialect.old_time("o.created_at")),
        ("updated_at", dialect.old_time("o.updated_at")),
    ];
    // A foreign key of B compares the spelling of the owner's id.
    let owner_id = if form == Form::B {
        format!("(SELECT u.id FROM \"user\" u WHERE {} = o.owner_id)", dialect.id("u.id"))
    } else {
        old_id(form, dialect, "o.owner_id")
    };
    upsert(&Upsert {
        table: "task",
        values: &values,
        keys: &[("id", old_id(form, dialect, "o.id")), ("user_id", owner_id)],
        source: "tasks o JOIN newer_tasks w ON w.owner_id = o.owner_id AND w.id = o.id",
        same: &format!("{id} = o.id AND {owner} = o.owner_id"),
    })
}

/// B keeps passwords in `account`.
fn write_passwords(dialect: Dialect) -> [String; 2] {
    let values = [
        ("password", "o.password_hash".to_owned()),
        ("created_at", dialect.old_time("o.created_at")),
        ("updated_at", dialect.old_time("o.updated_at")),
    ];
    let user = format!("(SELECT u.id FROM \"user\" u WHERE {} = o.id)", dialect.id("u.id"));
    let owner = dialect.id("account.user_id");
    upsert(&Upsert {
        table: "account",
        values: &values,
        keys: &[
            // One row of this kind for each account: the account's own id is free, and unmistakable.
            ("id", dialect.id_hex("o.id")),
            ("user_id", user.clone()),
            ("account_id", user),
            ("provider_id", "'credential'".to_owned()),
        ],
        source: "users o JOIN newer_users w ON w.id = o.id AND o.password_hash IS NOT NULL",
        same: &format!("{owner} = o.id AND account.provider_id = 'credential'"),
    })
}

struct Upsert<'a> {
    table: &'a str,
    /// Set in rows that exist, and in new ones.
    values: &'a [(&'static str, String)],
    /// Set in new ones only.
    keys: &'a [(&'static str, String)],
    source: &'a str,
    /// Whether a row of the table is the one of `o`.
    same: &'a str,
}

/// First those that exist, then the others.
fn upsert(Upsert { table, values, keys, source, same }: &Upsert<'_>) -> [String; 2] {
    let set: Vec<String> = values.iter().map(|(column, value)| format!("{column} = {value}")).collect();
    let all = || keys.iter().chain(values.iter());
    let columns: Vec<&str> = all().map(|(column, _)| *column).collect();
    let selected: Vec<&str> = all().map(|(_, value)| value.as_str()).collect();
    [
        format!("UPDATE {table} SET {} FROM {source} WHERE {same}", set.join(", ")),
        format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {source} WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {same})",
            columns.join(", "),
            selected.join(", ")
        ),
    ]
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

const UNREADABLE: &str = "SELECT o.email FROM users o JOIN newer_users w ON w.id = o.id \
     WHERE o.password_hash LIKE '$argon2%' ORDER BY o.email";

/// The old tables now hold what ours hold.
fn marks(form: Form) -> Vec<&'static str> {
    let mut marks = vec![
        "DELETE FROM adopted_tasks WHERE NOT EXISTS (SELECT 1 FROM tasks o \
         WHERE o.owner_id = adopted_tasks.owner_id AND o.id = adopted_tasks.id)",
        "DELETE FROM adopted_tasks WHERE EXISTS (SELECT 1 FROM newer_tasks w \
         WHERE w.owner_id = adopted_tasks.owner_id AND w.id = adopted_tasks.id)",
        "INSERT INTO adopted_tasks (owner_id, id, revision, updated_at) SELECT o.owner_id, o.id, o.revision, o.updated_at \
         FROM tasks o JOIN newer_tasks w ON w.owner_id = o.owner_id AND w.id = o.id",
    ];
    if form.has_users() {
        marks.extend([
            "DELETE FROM adopted_users WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = adopted_users.id)",
            "DELETE FROM adopted_users WHERE EXISTS (SELECT 1 FROM newer_users w WHERE w.id = adopted_users.id)",
            "INSERT INTO adopted_users (id, placeholder, updated_at) SELECT o.id, FALSE, o.updated_at \
             FROM users o JOIN newer_users w ON w.id = o.id",
        ]);
    }
    marks
}
