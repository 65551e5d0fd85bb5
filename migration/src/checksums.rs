//! The text of each applied migration: recorded beside the journal, and compared with this binary's.
//!
//! Only SQL is compared, without comments and spacing ([`crate::sql_text`]). What a migration does in Rust is not seen.

use std::fmt::Write as _;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement, Value};
use sha2::{Digest as _, Sha256};

use crate::Engine;
use crate::journal::{self, Entry};
use crate::sql_migration::{Direction, PlannedMigration};
use crate::sql_text::normalised;

/// Named for the product: SeaORM's journal may belong to several.
pub(crate) const TABLE: &str = "holdfast_migration_checksums";
const CREATE_ON_POSTGRES: &str = "CREATE TABLE holdfast_migration_checksums (
    version text NOT NULL,
    checksum text NOT NULL,
    statements text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT holdfast_migration_checksums_pkey PRIMARY KEY (version)
)";
const CREATE_ON_SQLITE: &str = "CREATE TABLE holdfast_migration_checksums (
    version TEXT NOT NULL,
    checksum TEXT NOT NULL,
    statements TEXT NOT NULL,
    recorded_at INTEGER NOT NULL DEFAULT (unixepoch()),
    CONSTRAINT holdfast_migration_checksums_pkey PRIMARY KEY (version)
) STRICT";

/// The applied migrations whose text is not the recorded one. Nothing is known of those that were applied before
/// there were records.
pub(crate) async fn changed(
    connection: &impl ConnectionTrait,
    migrations: &[Box<dyn PlannedMigration>],
    engine: Engine,
    entries: &[Entry],
) -> Result<Vec<String>, DbErr> {
    let recorded = recorded(connection).await?;
    Ok(applied(migrations, entries)
        .filter(|migration| {
            recorded.iter().any(|(version, known)| {
                version == migration.name() && *known != checksum(&text(*migration, engine))
            })
        })
        .map(|migration| migration.name().to_owned())
        .collect())
}

/// Records this binary's text of every applied migration that has no record; with `anew`, also where it has another.
pub(crate) async fn complete(
    connection: &impl ConnectionTrait,
    migrations: &[Box<dyn PlannedMigration>],
    engine: Engine,
    entries: &[Entry],
    anew: bool,
) -> Result<(), DbErr> {
    let known = recorded(connection).await?;
    let is_known = |migration: &dyn PlannedMigration| {
        known.iter().any(|(version, checksum_then)| {
            version == migration.name() && (!anew || *checksum_then == checksum(&text(migration, engine)))
        })
    };
    for migration in applied(migrations, entries) {
        if !is_known(migration) {
            record(connection, migration, engine).await?;
        }
    }
    Ok(())
}

/// Records this binary's text of one migration.
pub(crate) async fn record(
    connection: &impl ConnectionTrait,
    migration: &dyn PlannedMigration,
    engine: Engine,
) -> Result<(), DbErr> {
    if !journal::table_exists(connection, TABLE).await? {
        let create = match engine {
            Engine::Postgres => CREATE_ON_POSTGRES,
            Engine::Sqlite => CREATE_ON_SQLITE,
        };
        connection.execute_unprepared(create).await?;
    }
    let text = text(migration, engine);
    let values = [Value::from(migration.name()), Value::from(checksum(&text)), Value::from(text)];
    let sql = format!(
        "INSERT INTO {TABLE} (version, checksum, statements) VALUES ($1, $2, $3) ON CONFLICT (version) DO UPDATE \
         SET checksum = excluded.checksum, statements = excluded.statements, recorded_at = excluded.recorded_at"
    );
    let backend = connection.get_database_backend();
    connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.map(|_| ())
}

/// Forgets one migration.
pub(crate) async fn strike(connection: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    if !journal::table_exists(connection, TABLE).await? {
        return Ok(());
    }
    let sql = format!("DELETE FROM {TABLE} WHERE version = $1");
    let backend = connection.get_database_backend();
    connection
        .execute_raw(Statement::from_sql_and_values(backend, sql, [Value::from(name)]))
        .await
        .map(|_| ())
}

/// Removes the table: once everything is taken back, nothing of ours stays.
pub(crate) async fn uninstall(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if journal::table_exists(connection, TABLE).await? {
        connection.execute_unprepared(&format!("DROP TABLE {TABLE}")).await?;
    }
    Ok(())
}

/// Version and checksum of every record.
async fn recorded(connection: &impl ConnectionTrait) -> Result<Vec<(String, String)>, DbErr> {
    if !journal::table_exists(connection, TABLE).await? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT version, checksum FROM {TABLE}");
    let rows =
        connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

fn applied<'a>(
    migrations: &'a [Box<dyn PlannedMigration>],
    entries: &'a [Entry],
) -> impl Iterator<Item = &'a dyn PlannedMigration> {
    migrations
        .iter()
        .map(AsRef::as_ref)
        .filter(|migration| entries.iter().any(|entry| entry.name == migration.name()))
}

/// What `up` runs on this engine; the same whether it ran online or not.
fn text(migration: &dyn PlannedMigration, engine: Engine) -> String {
    let statements = migration.plan(engine, Direction::Up);
    let texts = statements.iter().map(|statement| normalised(statement)).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join(";\n")
}

fn checksum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
