//! A migration written as reviewed SQL, one list of statements for each engine and direction.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::Engine;

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

    async fn execute(&self, manager: &SchemaManager<'_>, direction: Direction) -> Result<(), DbErr> {
        use sea_orm_migration::sea_orm::ConnectionTrait as _;

        let connection = manager.get_connection();
        let engine = match connection.get_database_backend() {
            DbBackend::Postgres => Engine::Postgres,
            DbBackend::Sqlite => Engine::Sqlite,
            other => return Err(DbErr::Migration(format!("{other:?} is not supported"))),
        };
        for statement in self.statements(engine, direction) {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
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
        self.execute(manager, Direction::Up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.execute(manager, Direction::Down).await
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
