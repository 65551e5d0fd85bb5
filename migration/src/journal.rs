//! What has been applied: SeaORM's journal table `seaql_migrations`, and which tables exist.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use sea_orm_migration::{DbErr, MigratorTrait, seaql_migrations};

use crate::Migrator;

const TABLE: &str = "seaql_migrations";

/// One applied migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Seconds since the Unix epoch.
    pub(crate) applied_at: i64,
}

/// Creates the journal, exactly as SeaORM would.
pub(crate) async fn install(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    Migrator::install(connection).await
}

/// The entries in the order of their names; none when there is no journal.
pub(crate) async fn entries(connection: &impl ConnectionTrait) -> Result<Vec<Entry>, DbErr> {
    use sea_orm_migration::sea_orm::{EntityTrait as _, QueryOrder as _};

    if !table_exists(connection, TABLE).await? {
        return Ok(Vec::new());
    }
    let rows = seaql_migrations::Entity::find()
        .order_by_asc(seaql_migrations::Column::Version)
        .all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|seaql_migrations::Model { version, applied_at }| Entry { name: version, applied_at })
        .collect())
}

/// The database's clock dates the entry: the time of the migrator's machine does not matter.
pub(crate) async fn record(connection: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "INSERT INTO seaql_migrations (version, applied_at) VALUES ($1, extract(epoch FROM now())::bigint)"
        }
        _ => "INSERT INTO seaql_migrations (version, applied_at) VALUES ($1, unixepoch())",
    };
    connection.execute_raw(statement(connection, sql, name)).await.map(|_| ())
}

pub(crate) async fn strike(connection: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    let sql = "DELETE FROM seaql_migrations WHERE version = $1";
    connection.execute_raw(statement(connection, sql, name)).await.map(|_| ())
}

/// Whether anything that would collide with a table of this name exists where new tables are created.
pub(crate) async fn table_exists(connection: &impl ConnectionTrait, name: &str) -> Result<bool, DbErr> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relname = $1"
        }
        _ => "SELECT 1 FROM sqlite_schema WHERE lower(name) = $1",
    };
    Ok(connection.query_one_raw(statement(connection, sql, name)).await?.is_some())
}

/// Whether a row of this table refers to one that does not exist. SQLite only: PostgreSQL never lets that happen.
pub(crate) async fn has_dangling_rows(connection: &impl ConnectionTrait, table: &str) -> Result<bool, DbErr> {
    let sql = "SELECT 1 FROM pragma_foreign_key_check($1) LIMIT 1";
    Ok(connection.query_one_raw(statement(connection, sql, table)).await?.is_some())
}

fn statement(connection: &impl ConnectionTrait, sql: &str, name: &str) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, [Value::from(name)])
}
