//! The columns of the old tables: how adoption reads each, and what it gets from ours when it differs.
//!
//! A column with which ours agrees is left as it is, byte for byte. So nothing is lost that was never taken over, such as
//! a role that we do not know.

use super::dialect::{Dialect, PRIORITIES};
use super::form::Form;

/// A column of an old table. `o` is our row.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// What adoption makes of the old value.
    theirs: String,
    /// Our value, to be compared with that.
    ours: String,
    /// Our value as the old column has it.
    pub(super) written: String,
    /// Another reason to write it.
    also: Option<String>,
}

impl Column {
    fn new(name: &'static str, theirs: String, ours: &str, written: String) -> Self {
        Self { name, theirs, ours: ours.to_owned(), written, also: None }
    }

    /// The same on both sides but for the name of our column.
    fn plain(table: &str, name: &'static str) -> Self {
        let ours = format!("o.{name}");
        Self::new(name, format!("{table}.{name}"), &ours, ours.clone())
    }

    fn time(table: &str, name: &'static str, ours: &str, dialect: Dialect) -> Self {
        Self::new(name, dialect.time(&format!("{table}.{name}")), ours, dialect.old_time(ours))
    }

    fn flag(table: &str, name: &'static str, ours: &str, dialect: Dialect) -> Self {
        Self::new(name, dialect.flag(&format!("{table}.{name}")), ours, ours.to_owned())
    }

    fn or_when(mut self, reason: &str) -> Self {
        self.also = Some(reason.to_owned());
        self
    }

    /// Whether it is to be written.
    fn differs(&self) -> String {
        let differs = format!("{} IS DISTINCT FROM {}", self.theirs, self.ours);
        match &self.also {
            Some(reason) => format!("({differs} OR {reason})"),
            None => differs,
        }
    }
}

/// Of `"user"`, without the passwords.
pub(super) fn of_users(form: Form, dialect: Dialect) -> Vec<Column> {
    const USER: &str = "\"user\"";
    let mut columns = vec![Column::plain(USER, "email"), Column::plain(USER, "name")];
    if form == Form::A {
        // It knows no ban, and must not let in whom we keep out.
        columns.push(Column::flag(USER, "is_active", "(o.is_active AND o.banned_at IS NULL)", dialect));
    } else {
        let banned = Column::flag(USER, "banned", "(o.banned_at IS NOT NULL OR NOT o.is_active)", dialect);
        // What is left of a lifted ban must not become part of a new one.
        let with_the_ban = banned.differs();
        let of_the_ban = |value: &str| format!("CASE WHEN {USER}.banned THEN {value} END");
        let (reason, expires) = ("o.ban_reason", "o.ban_expires_at");
        columns.extend([
            Column::flag(USER, "email_verified", "o.email_verified", dialect),
            Column::plain(USER, "image"),
            Column::new(
                "role",
                format!("CASE WHEN {USER}.role = 'admin' THEN 'admin' ELSE 'user' END"),
                "o.role",
                "o.role".to_owned(),
            ),
            Column::new("ban_reason", of_the_ban(&format!("{USER}.ban_reason")), reason, reason.to_owned())
                .or_when(&with_the_ban),
            Column::new(
                "ban_expires",
                of_the_ban(&dialect.time(&format!("{USER}.ban_expires"))),
                expires,
                dialect.old_time(expires),
            )
            .or_when(&with_the_ban),
            banned,
        ]);
    }
    columns.push(Column::time(USER, "created_at", "o.created_at", dialect));
    columns.push(Column::time(USER, "updated_at", "o.updated_at", dialect));
    columns
}

/// Of `task`, whose priorities are of this type.
pub(super) fn of_tasks(form: Form, dialect: Dialect, priority: &str) -> Vec<Column> {
    const TASK: &str = "task";
    let names: Vec<String> = PRIORITIES
        .iter()
        .enumerate()
        .map(|(rank, name)| {
            let name = if form == Form::B { (*name).to_owned() } else { name.to_uppercase() };
            format!(" WHEN {rank} THEN '{name}'")
        })
        .collect();
    vec![
        Column::plain(TASK, "title"),
        Column::plain(TASK, "description"),
        Column::time(TASK, "due_datetime", "o.due_at", dialect),
        Column::new(
            "priority",
            dialect.rank("task.priority"),
            "o.priority",
            format!("CAST(CASE o.priority{} END AS {priority})", names.concat()),
        ),
        Column::flag(TASK, "is_completed", "o.is_completed", dialect),
        Column::time(TASK, "created_at", "o.created_at", dialect),
        Column::time(TASK, "updated_at", "o.updated_at", dialect),
    ]
}

/// Whether anything about an account but its time of change differs, also what the old table cannot hold.
pub(super) fn profile_differs(form: Form, dialect: Dialect) -> String {
    let columns = of_users(form, dialect);
    let mut each: Vec<String> =
        columns.iter().filter(|column| column.name != "updated_at").map(Column::differs).collect();
    if form == Form::A {
        each.push("o.role <> 'user' OR o.email_verified OR o.image IS NOT NULL".to_owned());
    }
    each.join(" OR ")
}

/// What an UPDATE sets.
pub(super) fn assignments(table: &str, columns: &[Column]) -> String {
    let each: Vec<String> = columns
        .iter()
        .map(|column| {
            let Column { name, written, .. } = column;
            format!("{name} = CASE WHEN {} THEN {written} ELSE {table}.{name} END", column.differs())
        })
        .collect();
    each.join(", ")
}
