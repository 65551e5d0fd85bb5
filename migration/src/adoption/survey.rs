//! Looks through the old tables before anything is written: what cannot be taken over, and what is odd about the rest.

use std::collections::HashSet;
use std::fmt;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::form::{Form, Kind, tables};
use super::query::{count, texts};
use super::source;
use super::take_over::unreachable_account;
use super::text::fold;

/// How many rows of each fault are named.
const NAMED: usize = 5;

/// What an adoption would take over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survey {
    /// Which tables were found.
    pub form: Form,
    /// Accounts, without those that would be made up.
    pub users: u64,
    /// Tasks.
    pub tasks: u64,
    /// Links to other providers' accounts.
    pub links: u64,
    /// Why nothing can be taken over, one line for each kind of fault; empty when everything can.
    pub faults: Vec<String>,
    /// What is unusual and will arrive all the same, with the number of rows.
    pub oddities: Vec<(&'static str, u64)>,
    /// Ids of accounts that nobody will be able to sign in to, because their address contains U+0000.
    pub unreachable: Vec<String>,
    /// Whether an adoption is recorded already.
    pub adopted: bool,
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, users, tasks, links, faults, oddities, unreachable, adopted } = self;
        writeln!(f, "found: {form}")?;
        writeln!(f, "accounts: {users}\ntasks: {tasks}\nlinks to other providers: {links}")?;
        for (what, rows) in oddities {
            writeln!(f, "  {rows} {what}")?;
        }
        for id in unreachable {
            writeln!(f, "  {}", unreachable_account(id))?;
        }
        for fault in faults {
            writeln!(f, "cannot be taken over: {fault}")?;
        }
        match (adopted, faults.is_empty()) {
            (true, _) => writeln!(f, "already adopted; `adopt --delta` takes over what was written since"),
            (false, true) => writeln!(f, "everything can be taken over: run `up` or `adopt`"),
            (false, false) => writeln!(f, "nothing can be taken over until that is repaired"),
        }
    }
}

/// Counts everything. Reads each table a few times and changes nothing.
pub(super) async fn survey(
    connection: &impl ConnectionTrait,
    form: Form,
    adopted: bool,
) -> Result<Survey, DbErr> {
    let dialect = Dialect::of(connection)?;
    let faults = faults(connection, form).await?;
    let users = if form.has_users() { count(connection, "SELECT count(*) FROM \"user\"").await? } else { 0 };
    let links = match form {
        Form::B => {
            count(connection, "SELECT count(*) FROM account WHERE provider_id <> 'credential'").await?
        }
        Form::A | Form::ATasksOnly => 0,
    };
    let tasks = count(connection, "SELECT count(*) FROM task").await?;
    let mut oddities = Vec::new();
    for (what, sql) in odd_rows(form, dialect) {
        // A row that cannot be read cannot be asked about either.
        let rows = if faults.is_empty() { count(connection, &sql).await? } else { 0 };
        if rows > 0 {
            oddities.push((what, rows));
        }
    }
    if form.has_users() && faults.is_empty() {
        let rows = twins(connection).await?;
        if rows > 0 {
            oddities.push((TWINS, rows));
        }
    }
    let unreachable = if form.has_users() && faults.is_empty() {
        unreachable(connection, dialect).await?
    } else {
        Vec::new()
    };
    Ok(Survey { form, users, tasks, links, faults, oddities, unreachable, adopted })
}

const TWINS: &str = "accounts have the e-mail address of another one but for case: the oldest owns it, the others sign in \
     by their exact spelling";

/// How many accounts have an address that another one has as well, when case does not count. SQLite's own lower case
/// knows ASCII alone.
async fn twins(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    let addresses = texts(connection, "SELECT email FROM \"user\"").await?;
    let total = addresses.len();
    let different: HashSet<String> = addresses.iter().map(|address| fold(address)).collect();
    Ok((total - different.len()) as u64)
}

async fn unreachable(connection: &impl ConnectionTrait, dialect: Dialect) -> Result<Vec<String>, DbErr> {
    let (id, nul) = (dialect.id("u.id"), dialect.has_nul("u.email"));
    let shown = dialect.id_text("d.id");
    let sql = format!("SELECT {shown} FROM (SELECT {id} AS id FROM \"user\" u WHERE {nul}) d ORDER BY 1");
    texts(connection, &sql).await
}

/// One line for each kind of value that we cannot hold.
pub(super) async fn faults(connection: &impl ConnectionTrait, form: Form) -> Result<Vec<String>, DbErr> {
    let dialect = Dialect::of(connection)?;
    let mut faults = Vec::new();
    for (table, columns, _) in tables(form) {
        for (column, kind) in *columns {
            let (bad, what) = match kind {
                Kind::Id => (dialect.is_no_id(column), "is no UUID"),
                Kind::Text => (dialect.is_no_text(column), "is no text"),
                Kind::Flag => (dialect.is_no_flag(column), "is neither true nor false"),
                Kind::Time => (dialect.is_no_time(column), "is no time in the years 1 to 9999"),
                Kind::Priority => (format!("{} IS NULL", dialect.rank(column)), "is no known priority"),
            };
            let condition = if *kind == Kind::Id && dialect.is_postgres() && form != Form::B {
                continue;
            } else {
                format!("{bad} OR ({column} IS NULL AND {})", is_needed(column))
            };
            let sql = format!(
                "SELECT coalesce({}, 'NULL') FROM \"{table}\" WHERE {condition} LIMIT {}",
                dialect.as_text("id"),
                NAMED + 1
            );
            faults.extend(name_rows(&format!("{table}.{column} {what}"), texts(connection, &sql).await?));
        }
    }
    if faults.is_empty() {
        for (table, _, _) in tables(form).iter().filter(|(table, _, _)| *table != "account") {
            let id = dialect.id("id");
            let shown = dialect.id_text("d.id");
            let sql = format!(
                "SELECT {shown} FROM (SELECT {id} AS id FROM \"{table}\") d GROUP BY d.id HAVING count(*) > 1 LIMIT {}",
                NAMED + 1
            );
            faults.extend(name_rows(&format!("{table}.id is there twice"), texts(connection, &sql).await?));
        }
    }
    Ok(faults)
}

/// What both backends always write; NULL there is a fault of its own.
fn is_needed(column: &str) -> &'static str {
    match column {
        "id" | "user_id" | "email" | "title" | "priority" | "created_at" | "updated_at" | "provider_id"
        | "account_id" => "TRUE",
        _ => "FALSE",
    }
}

fn name_rows(fault: &str, ids: Vec<String>) -> Option<String> {
    let more = ids.len() > NAMED;
    let named: Vec<String> = ids.into_iter().take(NAMED).collect();
    (!named.is_empty())
        .then(|| format!("{fault} in row {}{}", named.join(", "), if more { " and more" } else { "" }))
}

fn odd_rows(form: Form, dialect: Dialect) -> Vec<(&'static str, String)> {
    let of = |table: &str, condition: &str| format!("SELECT count(*) FROM \"{table}\" WHERE {condition}");
    let nul = ["title", "description"].map(|column| dialect.has_nul(column)).join(" OR ");
    let mut odd = vec![
        (
            "owners of rows do not exist: each gets a placeholder account that cannot sign in (`holdfast user claim`)",
            source::count_placeholders(form, dialect),
        ),
        ("tasks have a title of more than 255 characters", of("task", "length(title) > 255")),
        ("tasks have a blank title", of("task", "trim(title) = ''")),
        ("tasks contain the character U+0000", of("task", &nul)),
    ];
    if form.has_users() {
        odd.push(("accounts have an empty e-mail address", of("user", "trim(email) = ''")));
        odd.push(("accounts have a name of more than 100 characters", of("user", "length(name) > 100")));
    }
    if form == Form::A {
        odd.push(("accounts are inactive", of("user", "NOT is_active")));
    }
    if form == Form::B {
        odd.push(("accounts are banned", of("user", "banned")));
        odd.push((
            "accounts have an unknown role: they become plain users",
            of("user", "role NOT IN ('user', 'admin')"),
        ));
        odd.push((
            "accounts have no password: they sign in once it has been reset",
            of(
                "user",
                "id IN (SELECT id FROM \"user\" EXCEPT SELECT user_id FROM account \
                 WHERE provider_id = 'credential' AND password IS NOT NULL)",
            ),
        ));
    }
    odd
}
