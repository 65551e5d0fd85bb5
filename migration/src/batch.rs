//! Running steps inside the transaction that holds the lock, and what is looked at before and after them.

use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use sea_orm_migration::{DbErr, SchemaManager};

use crate::error::MigrationError;
use crate::journal::{self, Entry};
use crate::plan::{self, Batch, Newer, Step};
use crate::sql_migration::{Direction, PlannedMigration};
use crate::{Engine, adoption, checksums, lock};

/// What a segment needs to know of the run that it is a part of.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) migrations: &'a [Box<dyn PlannedMigration>],
    pub(crate) engine: Engine,
    pub(crate) batch: Batch<'a>,
    /// Whether the text of an applied migration may differ from the recorded one, and is recorded anew.
    pub(crate) accept_changed: bool,
}

/// The steps of the run, read and checked in a transaction that holds the lock.
pub(crate) async fn plan<'a>(
    run: Run<'a>,
    transaction: &DatabaseTransaction,
) -> Result<Vec<Step<'a>>, MigrationError> {
    let entries = journal::entries(transaction).await.map_err(MigrationError::Database)?;
    if let Batch::Up(_) | Batch::Adopt = run.batch
        && !run.accept_changed
    {
        let changed = checksums::changed(transaction, run.migrations, run.engine, &entries).await;
        let migrations = changed.map_err(MigrationError::Database)?;
        if !migrations.is_empty() {
            return Err(MigrationError::Changed { migrations });
        }
    }
    plan::steps(run.migrations, run.batch, &entries)
}

/// Runs steps in a transaction that holds the lock, and returns the names in the order they were run in. The last
/// transaction of a run also does what comes after all steps.
pub(crate) async fn apply(
    run: Run<'_>,
    transaction: &DatabaseTransaction,
    steps: &[Step<'_>],
    last: bool,
) -> Result<Vec<String>, MigrationError> {
    let entries = journal::entries(transaction).await.map_err(MigrationError::Database)?;
    if !steps.is_empty() {
        refuse_foreign_tables(run.migrations, transaction, &entries).await?;
        refuse_adoption(transaction, run.batch, steps).await?;
        journal::install(transaction).await.map_err(MigrationError::Database)?;
    }
    if run.engine == Engine::Postgres {
        transaction.execute_unprepared(lock::COUNT_FROM_NOW).await.map_err(MigrationError::Database)?;
    }
    let mut names = Vec::with_capacity(steps.len());
    for (direction, migration) in steps.iter().copied() {
        let name = migration.name().to_owned();
        run_step(transaction, run.engine, direction, migration)
            .await
            .map_err(|cause| MigrationError::Step { name: name.clone(), direction, cause })?;
        tracing::info!(migration = name, ?direction, "migrated");
        names.push(name);
    }
    if last {
        adopt_late(transaction, run.batch, &entries).await?;
        keep_checksums(run, transaction).await.map_err(MigrationError::Database)?;
    }
    if !steps.is_empty() {
        refuse_dangling_rows(run.migrations, transaction).await?;
    }
    Ok(names)
}

/// Enters a migration that has been run outside of any transaction.
pub(crate) async fn enter(
    run: Run<'_>,
    transaction: &DatabaseTransaction,
    migration: &dyn PlannedMigration,
) -> Result<(), DbErr> {
    journal::install(transaction).await?;
    journal::record(transaction, migration.name()).await?;
    checksums::record(transaction, migration, run.engine).await
}

/// Going up, every applied migration gets its record; with the last migration the records go.
async fn keep_checksums(run: Run<'_>, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    let entries = journal::entries(transaction).await?;
    match run.batch {
        Batch::Up(_) | Batch::Adopt => {
            checksums::complete(transaction, run.migrations, run.engine, &entries, run.accept_changed).await
        }
        Batch::Down(..) if entries.is_empty() => checksums::uninstall(transaction).await,
        Batch::Down(..) | Batch::Fresh => Ok(()),
    }
}

/// Adopts where that was asked for, and old tables that came after the migration that adopts.
async fn adopt_late(
    transaction: &DatabaseTransaction,
    batch: Batch<'_>,
    entries: &[Entry],
) -> Result<(), MigrationError> {
    let passed = entries.iter().any(|entry| entry.name == adoption::MIGRATION);
    match batch {
        Batch::Adopt => adoption::adopt(transaction).await,
        Batch::Up(_) if passed && adoption::left_behind(transaction).await?.is_some() => {
            adoption::adopt(transaction).await
        }
        Batch::Up(_) | Batch::Down(..) | Batch::Fresh => Ok(()),
    }
}

/// Looks at what an adoption would read, or its end would lose, before anything is changed.
async fn refuse_adoption(
    transaction: &DatabaseTransaction,
    batch: Batch<'_>,
    steps: &[Step<'_>],
) -> Result<(), MigrationError> {
    for (direction, migration) in steps {
        match direction {
            _ if migration.name() != adoption::MIGRATION => {}
            // What is here goes before the old tables are taken over again.
            Direction::Up if matches!(batch, Batch::Fresh) => {
                adoption::refuse_faults(transaction).await?;
            }
            Direction::Up => {
                adoption::refuse(transaction).await?;
            }
            Direction::Down if matches!(batch, Batch::Down(_, Newer::Refuse)) => {
                adoption::refuse_newer(transaction).await?;
            }
            Direction::Down => {}
        }
    }
    Ok(())
}

/// A table that a pending migration is going to create, and that is there already, belongs to somebody else.
async fn refuse_foreign_tables(
    migrations: &[Box<dyn PlannedMigration>],
    connection: &impl ConnectionTrait,
    entries: &[Entry],
) -> Result<(), MigrationError> {
    let tables = foreign_tables(migrations, connection, entries).await?;
    if tables.is_empty() { Ok(()) } else { Err(MigrationError::ForeignTables { tables }) }
}

/// Tables with the names of ours that no migration has made.
pub(crate) async fn foreign_tables(
    migrations: &[Box<dyn PlannedMigration>],
    connection: &impl ConnectionTrait,
    entries: &[Entry],
) -> Result<Vec<String>, MigrationError> {
    let mut tables = Vec::new();
    for migration in migrations {
        if entries.iter().any(|entry| entry.name == migration.name()) {
            continue;
        }
        for table in migration.creates() {
            if journal::table_exists(connection, table).await.map_err(MigrationError::Database)? {
                tables.push((*table).to_owned());
            }
        }
    }
    Ok(tables)
}

/// Only in tables of ours: others in the same file may have been written without foreign keys.
async fn refuse_dangling_rows(
    migrations: &[Box<dyn PlannedMigration>],
    connection: &impl ConnectionTrait,
) -> Result<(), MigrationError> {
    if connection.get_database_backend() == DbBackend::Postgres {
        return Ok(());
    }
    let mut tables = Vec::new();
    for table in migrations.iter().flat_map(|migration| migration.creates()) {
        if journal::table_exists(connection, table).await.map_err(MigrationError::Database)?
            && journal::has_dangling_rows(connection, table).await.map_err(MigrationError::Database)?
        {
            tables.push((*table).to_owned());
        }
    }
    if tables.is_empty() { Ok(()) } else { Err(MigrationError::DanglingRows { tables }) }
}

async fn run_step(
    transaction: &DatabaseTransaction,
    engine: Engine,
    direction: Direction,
    migration: &dyn PlannedMigration,
) -> Result<(), DbErr> {
    let manager = SchemaManager::new(transaction);
    match direction {
        Direction::Up => {
            migration.up(&manager).await?;
            journal::record(transaction, migration.name()).await?;
            checksums::record(transaction, migration, engine).await
        }
        Direction::Down => {
            migration.down(&manager).await?;
            journal::strike(transaction, migration.name()).await?;
            checksums::strike(transaction, migration.name()).await
        }
    }
}
