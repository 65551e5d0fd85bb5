//! Which rows of ours are newer than the old tables, as temporary tables, and the marks that say that they are no longer.
//!
//! What they are at the beginning is what is marked at the end: a row that somebody changes meanwhile stays newer.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::form::Form;
use super::old_columns::profile_differs;
use super::passwords;
use super::query::execute;
use super::staging::{analyse, forget, index};

const NEWER_TASKS: &str = "CREATE TEMPORARY TABLE newer_tasks {on_commit} AS \
     SELECT o.owner_id, o.id, o.revision, o.updated_at FROM tasks o \
     LEFT JOIN adopted_tasks j ON j.owner_id = o.owner_id AND j.id = o.id \
     WHERE j.id IS NULL OR j.revision <> o.revision";

/// Fills `newer_tasks`, `newer_users` and `newer_passwords` with what is to be written, `known_users` with all accounts of
/// the old table, `known_tasks` and `known_passwords` with those of the newer ones that it has. Each row is found there by
/// its own spelling of the id, not by reading the table again for each of ours.
pub(super) async fn note(connection: &impl ConnectionTrait, form: Form) -> Result<(), DbErr> {
    let dialect = Dialect::of(connection)?;
    if dialect.is_postgres() {
        execute(connection, "LOCK TABLE users, tasks IN SHARE ROW EXCLUSIVE MODE").await?;
    }
    execute(connection, &dialect.types(NEWER_TASKS)).await?;
    index(connection, "newer_tasks", "owner_id, id").await?;
    let [id, owner] = [dialect.id("t.id"), dialect.id("t.user_id")];
    // The order of the two is for SQLite, which would else read all tasks once for each that is newer.
    let known = format!(
        "CREATE TEMPORARY TABLE known_tasks {{on_commit}} AS SELECT w.owner_id, w.id, t.id AS there \
         FROM task t CROSS JOIN newer_tasks w WHERE w.owner_id = {owner} AND w.id = {id}"
    );
    execute(connection, &dialect.types(&known)).await?;
    index(connection, "known_tasks", "owner_id, id").await?;
    if form.has_users() {
        let known = format!(
            "CREATE TEMPORARY TABLE known_users {{on_commit}} AS SELECT {} AS id, u.id AS there FROM \"user\" u",
            dialect.id("u.id")
        );
        execute(connection, &dialect.types(&known)).await?;
        index(connection, "known_users", "id").await?;
        index(connection, "known_users", "there").await?;
    }
    note_users(connection, form, dialect).await?;
    if form.has_users() {
        note_passwords(connection, form, dialect).await?;
        analyse(connection, &["known_users"]).await?;
    }
    analyse(connection, &["newer_tasks", "newer_users", "known_tasks"]).await
}

async fn note_users(connection: &impl ConnectionTrait, form: Form, dialect: Dialect) -> Result<(), DbErr> {
    // What adoption made up for rows without an account, and for accounts whose address somebody has here, is nothing
    // to write, until somebody has claimed it.
    let waiting = format!(
        "(o.email = {} AND NOT o.is_active AND o.password_hash IS NULL)",
        dialect.made_up_address("o.id")
    );
    // An account that the old backend deleted comes back there for the tasks that it got here.
    let needed = if form.has_users() {
        "OR (o.id IN (SELECT t.owner_id FROM newer_tasks t) \
         AND NOT EXISTS (SELECT 1 FROM known_users k WHERE k.id = o.id))"
    } else {
        ""
    };
    let sql = format!(
        "CREATE TEMPORARY TABLE newer_users {{on_commit}} AS SELECT row_number() OVER (ORDER BY o.id) AS n, o.id, \
         o.updated_at, o.password_hash, CAST(NULL AS text) AS password_digest, {waiting} AS waiting \
         FROM users o LEFT JOIN adopted_users j ON j.id = o.id WHERE j.id IS NULL OR j.updated_at <> o.updated_at {needed}"
    );
    execute(connection, &dialect.types(&sql)).await?;
    passwords::digest(connection, "newer_users").await?;
    index(connection, "newer_users", "id").await
}

/// Of the newer accounts those whose password was set here.
async fn note_passwords(
    connection: &impl ConnectionTrait,
    form: Form,
    dialect: Dialect,
) -> Result<(), DbErr> {
    let set_here =
        passwords::set_here("w.password_digest", "j.password_digest", &profile_differs(form, dialect));
    // The server makes no other kind than Argon2id: any other came from there.
    let sql = format!(
        "CREATE TEMPORARY TABLE newer_passwords {{on_commit}} AS SELECT o.id FROM newer_users w \
         JOIN users o ON o.id = w.id LEFT JOIN adopted_users j ON j.id = w.id LEFT JOIN known_users k ON k.id = w.id \
         LEFT JOIN \"user\" ON \"user\".id = k.there WHERE NOT w.waiting AND (k.id IS NULL OR j.id IS NULL \
         OR ((o.password_hash IS NULL OR o.password_hash LIKE '$argon2%') AND {set_here}))"
    );
    execute(connection, &dialect.types(&sql)).await?;
    index(connection, "newer_passwords", "id").await?;
    if form == Form::B {
        // As with the tasks.
        let known = format!(
            "CREATE TEMPORARY TABLE known_passwords {{on_commit}} AS SELECT w.id, a.id AS there FROM account a \
             CROSS JOIN newer_passwords w WHERE a.provider_id = 'credential' AND w.id = {}",
            dialect.id("a.user_id")
        );
        execute(connection, &dialect.types(&known)).await?;
        index(connection, "known_passwords", "id").await?;
    }
    Ok(())
}

/// The old tables now hold what ours held at the beginning.
pub(super) async fn mark_as_written(connection: &impl ConnectionTrait, form: Form) -> Result<(), DbErr> {
    for sql in MARKS {
        execute(connection, sql).await?;
    }
    let mut tables = vec!["newer_users", "newer_tasks", "known_tasks"];
    if form.has_users() {
        execute(connection, USER_MARKS).await?;
        tables.extend(["known_users", "newer_passwords"]);
    }
    if form == Form::B {
        tables.push("known_passwords");
    }
    forget(connection, &tables).await
}

const MARKS: [&str; 3] = [
    "DELETE FROM adopted_tasks WHERE NOT EXISTS (SELECT 1 FROM tasks o \
     WHERE o.owner_id = adopted_tasks.owner_id AND o.id = adopted_tasks.id)",
    "INSERT INTO adopted_tasks (owner_id, id, revision, updated_at) \
     SELECT w.owner_id, w.id, w.revision, w.updated_at FROM newer_tasks w WHERE TRUE \
     ON CONFLICT (owner_id, id) DO UPDATE SET revision = excluded.revision, updated_at = excluded.updated_at",
    "DELETE FROM adopted_users WHERE NOT EXISTS (SELECT 1 FROM users o WHERE o.id = adopted_users.id)",
];

/// Where the password was not written, the one there is still the one that was read last.
const USER_MARKS: &str = "INSERT INTO adopted_users (id, placeholder, updated_at, password_digest) \
     SELECT w.id, w.waiting, w.updated_at, CASE WHEN p.id IS NOT NULL THEN w.password_digest END \
     FROM newer_users w LEFT JOIN newer_passwords p ON p.id = w.id WHERE TRUE \
     ON CONFLICT (id) DO UPDATE SET placeholder = excluded.placeholder, updated_at = excluded.updated_at, \
     password_digest = coalesce(excluded.password_digest, adopted_users.password_digest), \
     clashing_email = CASE WHEN excluded.placeholder THEN adopted_users.clashing_email END";
