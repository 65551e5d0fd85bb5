//! Migrations that run outside of any transaction, on tables that others read and write meanwhile: how they are declared.
//!
//! PostgreSQL alone needs them; how they run there is `postgres`'s. On SQLite, where nobody else can write during a
//! migration, and on PostgreSQL for tables that the same transaction has made, they are ordinary statements.

pub(crate) mod postgres;
mod search;
mod watch;

use sea_orm_migration::sea_orm::ConnectionTrait as _;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::Engine;
use crate::sql_migration::{Direction, PlannedMigration, Statements, engine_of, execute};

/// What runs outside of any transaction. It may be cut off anywhere: running it again completes it.
#[derive(Clone, Copy, Debug)]
pub enum OnlineStep {
    /// `CREATE INDEX CONCURRENTLY` for each, after dropping what a broken attempt has left.
    Indexes(&'static [Index]),
    /// Each in a transaction of its own.
    Statements {
        /// What they work on.
        tables: &'static [&'static str],
        /// Each may be run again after it was done, as `VALIDATE CONSTRAINT` may.
        statements: &'static [&'static str],
    },
    /// One statement in transactions of its own, until it finds nothing to do.
    Batches {
        /// Whose rows are changed.
        table: &'static str,
        /// Changes a bounded number of rows that no earlier run has changed.
        statement: &'static str,
    },
}

impl OnlineStep {
    /// The tables that it works on.
    #[must_use]
    pub fn tables(&self) -> Vec<&'static str> {
        match self {
            Self::Indexes(indexes) => indexes.iter().map(|index| index.table).collect(),
            Self::Statements { tables, .. } => tables.to_vec(),
            Self::Batches { table, .. } => vec![*table],
        }
    }

    /// As `--dry-run` shows it.
    #[must_use]
    pub fn plan(&self) -> Vec<String> {
        match self {
            Self::Indexes(indexes) => indexes.iter().map(Index::create_concurrently).collect(),
            Self::Statements { statements, .. } => {
                statements.iter().map(|statement| (*statement).to_owned()).collect()
            }
            Self::Batches { statement, .. } => {
                vec![
                    "-- each time in a transaction of its own, until it changes no row".to_owned(),
                    (*statement).to_owned(),
                ]
            }
        }
    }
}

/// An index on a table that exists. Its definition must mean the same on both engines.
#[derive(Clone, Copy, Debug)]
pub struct Index {
    /// Unique in the schema.
    pub name: &'static str,
    /// What it indexes.
    pub table: &'static str,
    /// What follows the table's name: the columns in parentheses, and `WHERE` where it is partial.
    pub columns: &'static str,
}

impl Index {
    fn create(&self) -> String {
        let Self { name, table, columns } = self;
        format!("CREATE INDEX {name} ON {table} {columns}")
    }

    fn create_concurrently(&self) -> String {
        let Self { name, table, columns } = self;
        format!("CREATE INDEX CONCURRENTLY {name} ON {table} {columns}")
    }

    fn drop_concurrently(&self) -> String {
        format!("DROP INDEX CONCURRENTLY IF EXISTS {}", self.name)
    }
}

/// A migration that makes indexes on tables that exist.
#[derive(Clone, Copy, Debug)]
pub struct IndexMigration {
    /// As in the journal; sorts by age.
    pub name: &'static str,
    /// Made in this order, dropped in the reverse one.
    pub indexes: &'static [Index],
}

impl MigrationName for IndexMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for IndexMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.plan(engine_of(manager)?, Direction::Up)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.plan(engine_of(manager)?, Direction::Down)).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl PlannedMigration for IndexMigration {
    fn plan(&self, _engine: Engine, direction: Direction) -> Vec<String> {
        match direction {
            Direction::Up => self.indexes.iter().map(Index::create).collect(),
            Direction::Down => {
                self.indexes.iter().rev().map(|index| format!("DROP INDEX {}", index.name)).collect()
            }
        }
    }

    fn creates(&self) -> &[&'static str] {
        &[]
    }

    fn online(&self, engine: Engine) -> Option<OnlineStep> {
        (engine == Engine::Postgres).then_some(OnlineStep::Indexes(self.indexes))
    }
}

/// A migration of statements that take long and keep nobody from reading or writing, on tables that exist.
#[derive(Clone, Copy, Debug)]
pub struct OnlineMigration {
    /// As in the journal; sorts by age.
    pub name: &'static str,
    /// What they work on.
    pub tables: &'static [&'static str],
    /// For PostgreSQL; each of `up` may be run again after it was done.
    pub postgres: Statements,
    /// For SQLite.
    pub sqlite: Statements,
}

impl MigrationName for OnlineMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for OnlineMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.plan(engine_of(manager)?, Direction::Up)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.plan(engine_of(manager)?, Direction::Down)).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl PlannedMigration for OnlineMigration {
    fn plan(&self, engine: Engine, direction: Direction) -> Vec<String> {
        let Statements { up, down } = match engine {
            Engine::Postgres => self.postgres,
            Engine::Sqlite => self.sqlite,
        };
        let statements = match direction {
            Direction::Up => up,
            Direction::Down => down,
        };
        statements.iter().map(|statement| (*statement).to_owned()).collect()
    }

    fn creates(&self) -> &[&'static str] {
        &[]
    }

    fn online(&self, engine: Engine) -> Option<OnlineStep> {
        (engine == Engine::Postgres)
            .then_some(OnlineStep::Statements { tables: self.tables, statements: self.postgres.up })
    }
}

/// A migration that changes many rows of a table that exists.
#[derive(Clone, Copy, Debug)]
pub struct BackfillMigration {
    /// As in the journal; sorts by age.
    pub name: &'static str,
    /// Whose rows are changed.
    pub table: &'static str,
    /// For PostgreSQL; changes a bounded number of rows that no earlier run has changed.
    pub postgres: &'static str,
    /// The same for SQLite.
    pub sqlite: &'static str,
    /// Takes it back, on both engines; often nothing.
    pub down: &'static [&'static str],
}

impl BackfillMigration {
    fn statement(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Postgres => self.postgres,
            Engine::Sqlite => self.sqlite,
        }
    }
}

impl MigrationName for BackfillMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for BackfillMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statement = self.statement(engine_of(manager)?);
        while manager.get_connection().execute_unprepared(statement).await?.rows_affected() > 0 {}
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        execute(manager, self.plan(engine_of(manager)?, Direction::Down)).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl PlannedMigration for BackfillMigration {
    fn plan(&self, engine: Engine, direction: Direction) -> Vec<String> {
        match direction {
            Direction::Up => vec![self.statement(engine).to_owned()],
            Direction::Down => self.down.iter().map(|statement| (*statement).to_owned()).collect(),
        }
    }

    fn creates(&self) -> &[&'static str] {
        &[]
    }

    fn online(&self, engine: Engine) -> Option<OnlineStep> {
        (engine == Engine::Postgres)
            .then_some(OnlineStep::Batches { table: self.table, statement: self.postgres })
    }
}
