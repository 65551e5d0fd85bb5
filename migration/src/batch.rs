//! What a batch of migrations comes to, and running it inside the transaction that holds the lock.

use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use sea_orm_migration::{DbErr, SchemaManager};

use crate::adoption;
use crate::error::MigrationError;
use crate::journal::{self, Entry};
use crate::sql_migration::{Direction, PlannedMigration};

/// What a batch is asked to do.
#[derive(Clone, Copy)]
pub(crate) enum Batch {
    Up(Option<u32>),
    Down(Option<u32>, Newer),
    Fresh,
    /// Everything pending, and an adoption where none was recorded yet.
    Adopt,
}

/// What becomes of rows that are newer than an adoption when it is taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newer {
    Refuse,
    Discard,
}

pub(crate) type Step<'a> = (Direction, &'a dyn PlannedMigration);

/// Runs the batch in a transaction that holds the lock, and returns the names in the order they were run in.
pub(crate) async fn apply(
    migrations: &[Box<dyn PlannedMigration>],
    transaction: &DatabaseTransaction,
    batch: Batch,
) -> Result<Vec<String>, MigrationError> {
    let entries = journal::entries(transaction).await.map_err(MigrationError::Database)?;
    let steps = steps(migrations, batch, &entries)?;
    if steps.is_empty() {
        adopt_late(transaction, batch, &entries).await?;
        return Ok(Vec::new());
    }
    refuse_foreign_tables(migrations, transaction, &entries).await?;
    refuse_adoption(transaction, batch, &steps).await?;
    journal::install(transaction).await.map_err(MigrationError::Database)?;
    let mut names = Vec::with_capacity(steps.len());
    for (direction, migration) in steps {
        let name = migration.name().to_owned();
        run_step(transaction, direction, migration).await.map_err(|cause| MigrationError::Step {
            name: name.clone(),
            direction,
            cause,
        })?;
        tracing::info!(migration = name, ?direction, "migrated");
        names.push(name);
    }
    adopt_late(transaction, batch, &entries).await?;
    refuse_dangling_rows(migrations, transaction).await?;
    Ok(names)
}

/// Adopts where that was asked for, and old tables that came after the migration that adopts.
async fn adopt_late(
    transaction: &DatabaseTransaction,
    batch: Batch,
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
    batch: Batch,
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

/// What the batch comes to, given what has been applied.
pub(crate) fn steps<'a>(
    migrations: &'a [Box<dyn PlannedMigration>],
    batch: Batch,
    entries: &[Entry],
) -> Result<Vec<Step<'a>>, MigrationError> {
    let applied =
        |migration: &&dyn PlannedMigration| entries.iter().any(|entry| entry.name == migration.name());
    let known = || migrations.iter().map(AsRef::as_ref);
    let limit =
        |steps: Option<u32>| steps.map_or(usize::MAX, |steps| usize::try_from(steps).unwrap_or(usize::MAX));
    let newer: Vec<String> =
        entries.iter().map(|entry| entry.name.clone()).filter(|name| !knows(migrations, name)).collect();
    if matches!(batch, Batch::Down(..) | Batch::Fresh) && !newer.is_empty() {
        return Err(MigrationError::NewerMigrations { migrations: newer });
    }
    Ok(match batch {
        Batch::Up(_) | Batch::Adopt => {
            let steps = if let Batch::Up(steps) = batch { steps } else { None };
            known()
                .filter(|migration| !applied(migration))
                .take(limit(steps))
                .map(|migration| (Direction::Up, migration))
                .collect()
        }
        Batch::Down(steps, _) => known()
            .rev()
            .filter(applied)
            .take(limit(steps))
            .map(|migration| (Direction::Down, migration))
            .collect(),
        Batch::Fresh => {
            let down = known().rev().filter(applied).map(|migration| (Direction::Down, migration));
            down.chain(known().map(|migration| (Direction::Up, migration))).collect()
        }
    })
}

/// Whether this binary has the migration.
pub(crate) fn knows(migrations: &[Box<dyn PlannedMigration>], name: &str) -> bool {
    migrations.iter().any(|migration| migration.name() == name)
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
    direction: Direction,
    migration: &dyn PlannedMigration,
) -> Result<(), DbErr> {
    let manager = SchemaManager::new(transaction);
    match direction {
        Direction::Up => {
            migration.up(&manager).await?;
            journal::record(transaction, migration.name()).await
        }
        Direction::Down => {
            migration.down(&manager).await?;
            journal::strike(transaction, migration.name()).await
        }
    }
}
