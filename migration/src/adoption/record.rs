//! The record of an adoption, and which rows of ours are newer than it.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::form::Form;
use super::query::{count, execute, statement, texts};
use crate::journal;

/// An adoption that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adoption {
    /// Which tables were taken over.
    pub form: Form,
    /// When the old tables were read last, by the first run or a `--delta`: seconds since the Unix epoch by the
    /// database's clock. The old backend may have issued tokens until then.
    pub read_at: i64,
    /// Accounts taken over by the first run, placeholders among them.
    pub users: u64,
    /// Tasks taken over by the first run.
    pub tasks: u64,
    /// Links to other providers' accounts taken over by the first run.
    pub links: u64,
    /// Ids of accounts that were made up for rows without an owner, and that nobody has claimed.
    pub placeholders: Vec<String>,
    /// Ids of accounts that nobody can sign in to, because their address contains U+0000.
    pub unreachable: Vec<String>,
}

/// Rows of ours that the old tables do not have as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Newer {
    pub(crate) users: u64,
    pub(crate) tasks: u64,
}

/// `None` before an adoption, also where there is no table to record it.
pub(super) async fn find(connection: &impl ConnectionTrait) -> Result<Option<Adoption>, DbErr> {
    if !journal::table_exists(connection, "adoptions").await? {
        return Ok(None);
    }
    let dialect = Dialect::of(connection)?;
    let read_at = dialect.seconds("coalesce(delta_at, adopted_at)");
    let sql = format!("SELECT form, {read_at}, users, tasks, links FROM adoptions");
    let Some(row) = connection.query_one_raw(statement(connection, &sql, [])).await? else {
        return Ok(None);
    };
    let form: String = row.try_get_by_index(0)?;
    let form = Form::from_name(&form).ok_or_else(|| {
        DbErr::Migration(format!("adoptions.form is {form}, which this version does not know"))
    })?;
    let number = |index| row.try_get_by_index::<i64>(index).map(|n| u64::try_from(n).unwrap_or_default());
    let shown = dialect.id_text("j.id");
    let unclaimed = format!(
        "SELECT {shown} FROM adopted_users j JOIN users o ON o.id = j.id WHERE j.placeholder AND NOT o.is_active ORDER BY 1"
    );
    Ok(Some(Adoption {
        form,
        read_at: row.try_get_by_index(1)?,
        users: number(2)?,
        tasks: number(3)?,
        links: number(4)?,
        placeholders: texts(connection, &unclaimed).await?,
        unreachable: unreachable(connection, dialect).await?,
    }))
}

/// PostgreSQL holds no such address.
async fn unreachable(connection: &impl ConnectionTrait, dialect: Dialect) -> Result<Vec<String>, DbErr> {
    let (shown, nul) = (dialect.id_text("o.id"), dialect.has_nul("o.email"));
    texts(connection, &format!("SELECT {shown} FROM users o WHERE {nul} ORDER BY 1")).await
}

/// Whether rows were taken over of which the old tables have none any more, not even another: somebody emptied them.
pub(super) async fn is_emptied(connection: &impl ConnectionTrait, form: Form) -> Result<bool, DbErr> {
    let old: &[&str] = if form.has_users() { &["\"user\"", "task"] } else { &["task"] };
    let ours = ["adopted_users", "adopted_tasks"];
    Ok(is_empty(connection, old).await? && !is_empty(connection, &ours).await?)
}

async fn is_empty(connection: &impl ConnectionTrait, tables: &[&str]) -> Result<bool, DbErr> {
    for table in tables {
        if count(connection, &format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1) t")).await? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) async fn insert(connection: &impl ConnectionTrait, form: Form) -> Result<(), DbErr> {
    let (name, now) = (form.name(), Dialect::of(connection)?.now());
    let sql = format!(
        "INSERT INTO adoptions (id, form, adopted_at, delta_at, users, tasks, links, placeholders) \
         SELECT 1, '{name}', {now}, NULL, (SELECT count(*) FROM adopted_users), (SELECT count(*) FROM adopted_tasks), \
         (SELECT count(*) FROM linked_accounts), (SELECT count(*) FROM adopted_users WHERE placeholder)"
    );
    execute(connection, &sql).await.map(|_| ())
}

pub(super) async fn update(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let now = Dialect::of(connection)?.now();
    execute(connection, &format!("UPDATE adoptions SET delta_at = {now}")).await.map(|_| ())
}

/// How many rows going back would lose. With the old tables gone, that is everything.
pub(super) async fn newer(connection: &impl ConnectionTrait, old_tables: bool) -> Result<Newer, DbErr> {
    if !old_tables {
        return Ok(Newer {
            users: count(connection, "SELECT count(*) FROM users").await?,
            tasks: count(connection, "SELECT count(*) FROM tasks").await?,
        });
    }
    let users = "SELECT count(*) FROM users o FULL JOIN adopted_users j ON j.id = o.id \
         WHERE o.id IS NULL OR j.id IS NULL OR j.updated_at <> o.updated_at";
    let tasks = "SELECT count(*) FROM tasks o FULL JOIN adopted_tasks j ON j.owner_id = o.owner_id AND j.id = o.id \
         WHERE o.id IS NULL OR j.id IS NULL OR j.revision <> o.revision";
    Ok(Newer { users: count(connection, users).await?, tasks: count(connection, tasks).await? })
}
