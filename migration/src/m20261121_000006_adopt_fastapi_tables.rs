//! Takes over the rows of the FastAPI backend where its tables exist; nothing happens where they do not.
//!
//! How that is done is `adoption`'s. Going back deletes what this schema holds of accounts and tasks when they began
//! as an adoption: the old tables, which nobody touched, are the older state. The runner refuses that while rows exist
//! here that are newer.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::Engine;
use crate::adoption;
use crate::sql_migration::{Direction, PlannedMigration};

#[derive(Clone, Copy, Debug)]
pub(crate) struct AdoptFastapiTables;

impl MigrationName for AdoptFastapiTables {
    fn name(&self) -> &'static str {
        adoption::MIGRATION
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AdoptFastapiTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        adoption::up(manager.get_connection()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        adoption::down(manager.get_connection()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl PlannedMigration for AdoptFastapiTables {
    fn plan(&self, _engine: Engine, direction: Direction) -> Vec<String> {
        let what = match direction {
            Direction::Up => {
                "-- takes over the rows of the FastAPI backend, where it has left any: `adopt --check` tells"
            }
            Direction::Down => {
                "-- after an adoption, deletes the accounts and tasks; the old tables still have them"
            }
        };
        vec![what.to_owned()]
    }

    fn creates(&self) -> &[&'static str] {
        &[]
    }
}
