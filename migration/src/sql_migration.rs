//! A migration written as reviewed SQL, one list of statements for each engine and direction.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::online::OnlineStep;
use crate::{Engine, lock};

/// Which way the schema changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the newer schema.
    Up,
    /// Back to the older schema.
    Down,
}

/// A migration that can tell beforehand what it will do.
pub trait PlannedMigration: MigrationTrait {
    /// The SQL that `up` or `down` will run, in order, as it is shown by `--dry-run`.
    fn plan(&self, engine: Engine, direction: Direction) -> Vec<String>;

    /// The tables that `up` creates. One that exists before it belongs to somebody else.
    fn creates(&self) -> &[&'static str];

    /// What runs on this engine instead of `up` where the tables are in use; it must lead to the same schema. `None` for
    /// what belongs into a transaction.
    fn online(&self, _engine: Engine) -> Option<OnlineStep> {
        None
    }

    /// For a migration that takes away what an older server uses: the first release whose predecessor does without it
    /// (`docs/contributing.md`). Without it, the test of the schema's rules refuses such a migration.
    fn contract_since(&self) -> Option<&'static str> {
        None
    }
}

/// SQL for both directions on one engine.
#[derive(Clone, Copy, Debug)]
pub struct Statements {
    /// Run in order by `up`.
    pub up: &'static [&'static str],
    /// Run in order by `down`.
    pub down: &'static [&'static str],
}

/// A migration that is nothing but SQL.
#[derive(Clone, Copy, Debug)]
pub struct SqlMigration {
    /// As in the journal; sorts by age.
    pub name: &'static str,
    /// Tables that `up` creates and `down` drops.
    pub creates: &'static [&'static str],
    /// The SQL for PostgreSQL.
    pub postgres: Statements,
    /// The SQL for SQLite.
    pub sqlite: Statements,
}

impl SqlMigration {
    fn statements(&self, engine: Engine, direction: Direction) -> &'static [&'static str] {
        let statements = match engine {
            Engine::Postgres => self.postgres,
            Engine::Sqlite => self.sqlite,
        };
        match direction {
            Direction::Up => statements.up,
            Direction::Down => statements.down,
        }
    }

    /// The same migration, marked as one that takes away what servers before this release use.
    #[must_use]
    pub const fn contract_since(self, release: &'static str) -> ContractMigration {
        ContractMigration { migration: self, release }
    }
}

/// Runs statements in the transaction of a batch.
pub(crate) async fn execute<S: AsRef<str>>(
    manager: &SchemaManager<'_>,
    statements: impl IntoIterator<Item = S>,
) -> Result<(), DbErr> {
    use sea_orm_migration::sea_orm::ConnectionTrait as _;

    let (connection, engine) = (manager.get_connection(), engine_of(manager)?);
    for statement in statements {
        let statement = statement.as_ref();
        match engine {
            Engine::Postgres => {
                connection.execute_unprepared(&format!("{}; {statement}", lock::WHAT_IS_LEFT)).await?
            }
            Engine::Sqlite => connection.execute_unprepared(statement).await?,
        };
    }
    Ok(())
}

/// The engine that a migration is run on.
pub(crate) fn engine_of(manager: &SchemaManager<'_>) -> Result<Engine, DbErr> {
    match manager.get_database_backend() {
        DbBackend::Postgres => Ok(Engine::Postgres),
        DbBackend::Sqlite => Ok(Engine::Sqlite),
        other => Err(DbErr::Migration(format!("{other:?} is not supported"))),
    }
}

impl MigrationName for SqlMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SqlMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.statements(engine_of(manager)?, Direction::Up)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.statements(engine_of(manager)?, Direction::Down)).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl PlannedMigration for SqlMigration {
    fn plan(&self, engine: Engine, direction: Direction) -> Vec<String> {
        self.statements(engine, direction).iter().map(|statement| (*statement).to_owned()).collect()
    }

    fn creates(&self) -> &[&'static str] {
        self.creates
    }
}

/// A migration that is nothing but SQL, and contracts: see [`PlannedMigration::contract_since`].
#[derive(Clone, Copy, Debug)]
pub struct ContractMigration {
    migration: SqlMigration,
    release: &'static str,
}

impl MigrationName for ContractMigration {
    fn name(&self) -> &str {
        self.migration.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ContractMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.migration.up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.migration.down(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        self.migration.use_transaction()
    }
}

impl PlannedMigration for ContractMigration {
    fn plan(&self, engine: Engine, direction: Direction) -> Vec<String> {
        self.migration.plan(engine, direction)
    }

    fn creates(&self) -> &[&'static str] {
        self.migration.creates
    }

    fn contract_since(&self) -> Option<&'static str> {
        Some(self.release)
    }
}
