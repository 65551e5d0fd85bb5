//! The index that finds a text in one owner's tasks on PostgreSQL without reading all of them. It is the operator's choice
//! and no migration: writes pay for it, and it needs two extensions that not everybody may create.
//!
//! No query names it. The planner uses it where it is, and answers are the same without it.

use sea_orm_migration::sea_orm::{ConnectionTrait as _, DatabaseConnection, DatabaseTransaction};

use super::{Index, OnlineStep, postgres, watch::watched};
use crate::connection::Purpose;
use crate::database_url::Engine;
use crate::error::MigrationError;
use crate::lock::{MIGRATORS, begin_locked};
use crate::run::keep_alive;
use crate::runner::{Runner, close};
use crate::waiting::{Obstacle, Wait};

/// The owner first, as in every index of tasks; a `uuid` among the keys of a GIN index is what `btree_gin` is for.
/// What is written lies in a list, which every search reads to its end, until it is worked in: a short one.
const INDEXES: [Index; 1] = [Index {
    name: "tasks_owner_search_idx",
    table: "tasks",
    columns: "USING gin (owner_id, search_text gin_trgm_ops) WITH (gin_pending_list_limit = 256)",
}];
/// Both come with PostgreSQL, and are trusted: the owner of the database may create them. In one go, which PostgreSQL does as
/// one transaction: both or neither.
const EXTENSIONS: &str = "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE EXTENSION IF NOT EXISTS btree_gin";

/// What becomes of the index.
#[derive(Clone, Copy)]
enum Wish {
    There,
    Gone,
}

impl Runner {
    /// Builds the index for searches while the tables are in use; it may be called again after it was broken off, and where
    /// the index exists. No other migrator works meanwhile.
    ///
    /// # Errors
    /// [`MigrationError::SearchIndexOnSqlite`], [`MigrationError::SearchExtensions`], and those of an online migration.
    pub async fn create_search_index(&self) -> Result<(), MigrationError> {
        self.search_index(Wish::There).await
    }

    /// Drops it, while the tables are in use. The extensions stay, as others may use them.
    ///
    /// # Errors
    /// As of [`Runner::create_search_index`].
    pub async fn drop_search_index(&self) -> Result<(), MigrationError> {
        self.search_index(Wish::Gone).await
    }

    async fn search_index(&self, wish: Wish) -> Result<(), MigrationError> {
        if self.url.engine() == Engine::Sqlite {
            return Err(MigrationError::SearchIndexOnSqlite);
        }
        let connection = self.open(Purpose::Write).await?.ok_or(MigrationError::InMemory)?;
        let outcome = async {
            let mut wait = Wait::new(&self.url, self.lock_wait);
            let lock = locked(&connection, &mut wait).await?;
            wait.restart();
            let outcome = self.under(&lock, wish, &mut wait).await;
            // It has written nothing.
            let _ = lock.rollback().await;
            outcome
        };
        let outcome = outcome.await;
        close(connection).await;
        outcome
    }

    async fn under(
        &self,
        lock: &DatabaseTransaction,
        wish: Wish,
        wait: &mut Wait<'_>,
    ) -> Result<(), MigrationError> {
        let worker = self.open(Purpose::Online).await?.ok_or(MigrationError::InMemory)?;
        let outcome = tokio::select! {
            outcome = fulfil(&worker, wish, wait) => outcome,
            error = keep_alive(lock) => Err(MigrationError::LockLost(error)),
        };
        close(worker).await;
        outcome
    }
}

async fn locked(
    connection: &DatabaseConnection,
    wait: &mut Wait<'_>,
) -> Result<DatabaseTransaction, MigrationError> {
    loop {
        let begun = begin_locked(connection, Engine::Postgres, MIGRATORS).await;
        if let Some(lock) = begun.map_err(MigrationError::Database)? {
            return Ok(lock);
        }
        wait.again(Some(connection), Obstacle::Migrator).await?;
    }
}

async fn fulfil(worker: &DatabaseConnection, wish: Wish, wait: &mut Wait<'_>) -> Result<(), MigrationError> {
    match wish {
        Wish::There => {
            worker.execute_unprepared(EXTENSIONS).await.map_err(MigrationError::SearchExtensions)?;
            postgres::run(worker, OnlineStep::Indexes(&INDEXES), wait).await
        }
        Wish::Gone => {
            for index in &INDEXES {
                let statement = index.drop_concurrently();
                let dropped = watched(wait.url(), &statement, worker.execute_unprepared(&statement)).await;
                dropped.map_err(MigrationError::Database)?;
            }
            Ok(())
        }
    }
}
