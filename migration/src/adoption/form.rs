//! Which form of the FastAPI backend a database holds, told by its tables' columns. Values are the survey's.

use std::fmt;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::query::statement;

/// A published form of the FastAPI backend's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Form A with `"user"` and `task`.
    A,
    /// The oldest form of A: `task` alone, its accounts lived elsewhere.
    ATasksOnly,
    /// Form B with `"user"`, `account` and `task`.
    B,
}

impl Form {
    /// As it is recorded.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::ATasksOnly => "a_tasks_only",
            Self::B => "b",
        }
    }

    /// The form that was recorded under this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::A, Self::ATasksOnly, Self::B].into_iter().find(|form| form.name() == name)
    }

    pub(super) const fn has_users(self) -> bool {
        matches!(self, Self::A | Self::B)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "form A (\"user\" and task)",
            Self::ATasksOnly => "the oldest form of A (task alone)",
            Self::B => "form B (\"user\", account and task)",
        })
    }
}

/// What is there.
pub(super) enum Found {
    /// No table `"user"` and none named `task`.
    Nothing,
    Form(Form),
    /// Tables of these names in another shape.
    Other(Vec<String>),
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text,
    Flag,
    Time,
    Priority,
}

pub(super) type Columns = &'static [(&'static str, Kind)];

const A_USER: Columns = &[
    ("id", Kind::Id),
    ("email", Kind::Text),
    ("name", Kind::Text),
    ("is_active", Kind::Flag),
    ("hashed_password", Kind::Text),
    ("created_at", Kind::Time),
    ("updated_at", Kind::Time),
];
const B_USER: Columns = &[
    ("id", Kind::Id),
    ("email", Kind::Text),
    ("email_verified", Kind::Flag),
    ("name", Kind::Text),
    ("image", Kind::Text),
    ("role", Kind::Text),
    ("banned", Kind::Flag),
    ("ban_reason", Kind::Text),
    ("ban_expires", Kind::Time),
    ("created_at", Kind::Time),
    ("updated_at", Kind::Time),
];
const TASK: Columns = &[
    ("id", Kind::Id),
    ("user_id", Kind::Id),
    ("title", Kind::Text),
    ("description", Kind::Text),
    ("due_datetime", Kind::Time),
    ("priority", Kind::Priority),
    ("is_completed", Kind::Flag),
    ("created_at", Kind::Time),
    ("updated_at", Kind::Time),
];
/// Of the links' and passwords' table; it has more columns, which are not read.
const B_ACCOUNT: Columns = &[
    ("id", Kind::Text),
    ("user_id", Kind::Id),
    ("provider_id", Kind::Text),
    ("account_id", Kind::Text),
    ("password", Kind::Text),
    ("created_at", Kind::Time),
    ("updated_at", Kind::Time),
];

/// The tables of a form with the columns that are read, and whether there may be others.
pub(super) fn tables(form: Form) -> &'static [(&'static str, Columns, bool)] {
    match form {
        Form::A => &[("user", A_USER, false), ("task", TASK, false)],
        Form::ATasksOnly => &[("task", TASK, false)],
        Form::B => &[("user", B_USER, false), ("task", TASK, false), ("account", B_ACCOUNT, true)],
    }
}

/// Looks at the tables' columns. Changes nothing.
pub(super) async fn recognise(connection: &impl ConnectionTrait) -> Result<Found, DbErr> {
    let dialect = Dialect::of(connection)?;
    let user = columns(connection, dialect, "user").await?;
    let task = columns(connection, dialect, "task").await?;
    let form = if user.iter().any(|(name, _)| name == "hashed_password") {
        Form::A
    } else if !user.is_empty() {
        Form::B
    } else if !task.is_empty() {
        Form::ATasksOnly
    } else {
        return Ok(Found::Nothing);
    };
    let mut faults = Vec::new();
    for (table, expected, more) in tables(form) {
        let found = columns(connection, dialect, table).await?;
        if found.is_empty() {
            faults.push(format!("there is no table {table}"));
            continue;
        }
        faults.extend(differences(form, dialect, table, (expected, *more), &found));
    }
    Ok(if faults.is_empty() { Found::Form(form) } else { Found::Other(faults) })
}

fn differences(
    form: Form,
    dialect: Dialect,
    table: &str,
    (expected, more): (Columns, bool),
    found: &[(String, String)],
) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, kind) in expected {
        match found.iter().find(|(found, _)| found == name) {
            None => faults.push(format!("{table} has no column {name}")),
            Some((_, type_name)) if dialect.is_postgres() && !suits(form, *kind, type_name) => {
                faults.push(format!("{table}.{name} is {type_name}"));
            }
            Some(_) => {}
        }
    }
    for (name, _) in found {
        if !more && !expected.iter().any(|(expected, _)| expected == name) {
            faults.push(format!("{table} has a column {name}, which the FastAPI backend does not have"));
        }
    }
    faults
}

/// PostgreSQL's name of a type, as `format_type` gives it. SQLite's columns have no types to speak of.
fn suits(form: Form, kind: Kind, type_name: &str) -> bool {
    let text = type_name == "text"
        || type_name.starts_with("character varying")
        || type_name.starts_with("character(");
    match kind {
        Kind::Id if form == Form::B => text,
        Kind::Id => type_name == "uuid",
        Kind::Text => text,
        Kind::Flag => type_name == "boolean",
        Kind::Time => type_name.starts_with("timestamp"),
        // An enumeration has the name that its database gave it; the values are looked at.
        Kind::Priority => {
            text || !matches!(type_name, "integer" | "bigint" | "smallint" | "boolean" | "uuid" | "jsonb")
        }
    }
}

/// Name and type of each column; none where there is no such table.
pub(super) async fn columns(
    connection: &impl ConnectionTrait,
    dialect: Dialect,
    table: &str,
) -> Result<Vec<(String, String)>, DbErr> {
    let sql = if dialect.is_postgres() {
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() AND c.relname = $1 AND c.relkind IN ('r', 'p') AND a.attnum > 0 \
         AND NOT a.attisdropped ORDER BY a.attnum"
    } else {
        "SELECT name, type FROM pragma_table_info($1) ORDER BY cid"
    };
    let rows = connection.query_all_raw(statement(connection, sql, [table.into()])).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}
