//! The old tables as selections in our shape. Reading them is all that is done to them here.

use super::dialect::Dialect;
use super::form::Form;

/// Columns that `staged_users` takes from [`users`] and [`placeholders`], in order.
pub(super) const USER_COLUMNS: &str = "n, id, placeholder, email, name, password_hash, role, is_active, \
     email_verified, image, banned_at, ban_reason, ban_expires_at, created_at, updated_at";
/// Columns that `staged_tasks` takes from [`tasks`], in order.
pub(super) const TASK_COLUMNS: &str =
    "n, owner_id, id, title, description, due_at, priority, is_completed, created_at, updated_at";
/// Columns that `staged_links` takes from [`links`], in order.
pub(super) const LINK_COLUMNS: &str = "user_id, id, provider_id, account_id, created_at, updated_at";

/// What stands in A for no password, where we had to write something: its column takes no NULL.
pub(super) const NO_PASSWORD: &str = "!";

/// The rows of `account` that link to somebody else's account.
const IS_LINK: &str = "provider_id <> 'credential'";

/// Every account, real or made up for rows without one, numbered from 1 without gaps.
pub(super) fn users(form: Form, dialect: Dialect) -> String {
    let placeholders = placeholders(form, dialect);
    let people = match form {
        Form::A => format!("{} UNION ALL {placeholders}", people_of_a(dialect)),
        Form::ATasksOnly => placeholders,
        Form::B => format!("{} UNION ALL {placeholders}", people_of_b(dialect)),
    };
    format!("SELECT row_number() OVER (ORDER BY p.id) AS n, p.* FROM ({people}) p")
}

fn people_of_a(dialect: Dialect) -> String {
    let id = dialect.id("u.id");
    let active = dialect.flag("u.is_active");
    let [created, updated] = [dialect.time("u.created_at"), dialect.time("u.updated_at")];
    let no_time = dialect.types("CAST(NULL AS {time})");
    format!(
        "SELECT {id} AS id, FALSE AS placeholder, u.email, u.name, nullif(u.hashed_password, '{NO_PASSWORD}') AS password_hash, \
         'user' AS role, {active} AS is_active, FALSE AS email_verified, CAST(NULL AS text) AS image, \
         {no_time} AS banned_at, CAST(NULL AS text) AS ban_reason, {no_time} AS ban_expires_at, \
         {created} AS created_at, {updated} AS updated_at FROM \"user\" u"
    )
}

fn people_of_b(dialect: Dialect) -> String {
    let id = dialect.id("u.id");
    let verified = dialect.flag("u.email_verified");
    let [created, updated] = [dialect.time("u.created_at"), dialect.time("u.updated_at")];
    let expires = dialect.time("u.ban_expires");
    let owner = dialect.id("user_id");
    // A ban has no date of its own there. What is left of a lifted one stays in the old table.
    format!(
        "SELECT {id} AS id, FALSE AS placeholder, u.email, u.name, c.password AS password_hash, \
         CASE WHEN u.role = 'admin' THEN 'admin' ELSE 'user' END AS role, TRUE AS is_active, \
         {verified} AS email_verified, u.image, CASE WHEN u.banned THEN {updated} END AS banned_at, \
         CASE WHEN u.banned THEN u.ban_reason END AS ban_reason, \
         CASE WHEN u.banned THEN {expires} END AS ban_expires_at, {created} AS created_at, {updated} AS updated_at \
         FROM \"user\" u LEFT JOIN (SELECT {owner} AS owner_id, password, \
         row_number() OVER (PARTITION BY {owner} ORDER BY updated_at DESC, id) AS nth FROM account \
         WHERE provider_id = 'credential' AND password IS NOT NULL) c ON c.owner_id = {id} AND c.nth = 1"
    )
}

/// An account for every id that rows belong to and that no account has. It cannot sign in.
fn placeholders(form: Form, dialect: Dialect) -> String {
    let owned = owned_rows(form, dialect);
    let email = dialect.made_up_address("o.owner_id");
    let no_time = dialect.types("CAST(NULL AS {time})");
    let nobody = if form.has_users() {
        // Not NOT IN, which PostgreSQL runs in quadratic time, nor NOT EXISTS, which SQLite does.
        let ids = dialect.id("id");
        format!("WHERE o.owner_id IN (SELECT owner_id FROM ({owned}) w EXCEPT SELECT {ids} FROM \"user\")")
    } else {
        String::new()
    };
    format!(
        "SELECT o.owner_id AS id, TRUE AS placeholder, {email} AS email, \
         CAST(NULL AS text) AS name, CAST(NULL AS text) AS password_hash, 'user' AS role, FALSE AS is_active, \
         FALSE AS email_verified, CAST(NULL AS text) AS image, {no_time} AS banned_at, \
         CAST(NULL AS text) AS ban_reason, {no_time} AS ban_expires_at, min(o.created_at) AS created_at, \
         min(o.created_at) AS updated_at FROM ({owned}) o {nobody} GROUP BY o.owner_id"
    )
}

fn owned_rows(form: Form, dialect: Dialect) -> String {
    let owner = dialect.id("user_id");
    let created = dialect.time("created_at");
    let tasks = format!("SELECT {owner} AS owner_id, {created} AS created_at FROM task");
    match form {
        Form::A | Form::ATasksOnly => tasks,
        Form::B => format!("{tasks} UNION ALL SELECT {owner}, {created} FROM account WHERE {IS_LINK}"),
    }
}

/// How many accounts will have to be made up.
pub(super) fn count_placeholders(form: Form, dialect: Dialect) -> String {
    format!("SELECT count(*) FROM ({}) p", placeholders(form, dialect))
}

/// Every task, numbered from 1 without gaps; `ordered` by our primary key, so that each page goes to few index pages.
pub(super) fn tasks(dialect: Dialect, ordered: bool) -> String {
    let [id, owner] = [dialect.id("id"), dialect.id("user_id")];
    let [due, created, updated] =
        ["due_datetime", "created_at", "updated_at"].map(|column| dialect.time(column));
    let completed = dialect.flag("is_completed");
    let rank = dialect.rank("priority");
    let order = if ordered { format!("ORDER BY {owner}, {id}") } else { String::new() };
    format!(
        "SELECT row_number() OVER ({order}) AS n, {owner}, {id}, title, description, {due}, {rank}, \
         {completed}, {created}, {updated} FROM task"
    )
}

/// Every link to another provider's account; none where the form knows of none.
pub(super) fn links(form: Form, dialect: Dialect) -> Option<String> {
    let owner = dialect.id("user_id");
    let [created, updated] = [dialect.time("created_at"), dialect.time("updated_at")];
    (form == Form::B).then(|| {
        format!(
            "SELECT {owner}, id, provider_id, account_id, {created}, {updated} FROM account WHERE {IS_LINK}"
        )
    })
}
