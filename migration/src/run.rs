//! Running a job under the lock: one transaction where that is possible, and otherwise one after another, with the steps
//! that must stand outside of any in between.

use std::time::Duration;

use sea_orm_migration::sea_orm::{ConnectionTrait as _, DatabaseConnection, DatabaseTransaction};
use tokio::time::sleep;

use crate::adoption::{self, TakenOver, WrittenBack};
use crate::batch::{self, Run};
use crate::connection::Purpose;
use crate::database_url::Engine;
use crate::error::MigrationError;
use crate::lock::{MIGRATORS, WORKERS, begin_locked};
use crate::online;
use crate::plan::{Batch, Segment, Step, segments};
use crate::runner::{Runner, close};
use crate::sql_migration::PlannedMigration;
use crate::waiting::{Obstacle, Wait};

/// How often the transaction that only holds the lock says that it is alive; it is ended after a minute of silence.
const ALIVE: Duration = Duration::from_secs(10);

/// What is done under the lock.
#[derive(Clone, Copy)]
pub(crate) enum Job<'a> {
    Batch(Batch<'a>),
    TakeChanges,
    WriteBack,
}

/// What has been done under the lock.
pub(crate) enum Done {
    Batch(Vec<String>),
    Changes(TakenOver),
    WrittenBack(WrittenBack),
}

/// How one try for the lock ended.
enum Attempt<T> {
    Done(T),
    LockTaken,
}

/// What is left to do once the lock is there.
enum Locked<'a> {
    Done(Done),
    /// Its steps do not fit into the transaction that holds the lock.
    InSegments(Run<'a>, Vec<Segment<'a>>),
}

impl Runner {
    pub(crate) async fn run(&self, job: Job<'_>) -> Result<Done, MigrationError> {
        let mut wait = Wait::new(&self.url, self.lock_wait);
        let mut connection = None;
        let outcome = loop {
            let obstacle = match self.attempt(&mut connection, job).await {
                Ok(Attempt::Done(done)) => break Ok(done),
                Ok(Attempt::LockTaken) => Obstacle::Migrator,
                Err(error) if error.is_lock_conflict() => Obstacle::Transaction,
                Err(error) => break Err(error),
            };
            if let Err(error) = wait.again(connection.as_ref(), obstacle).await {
                break Err(error);
            }
        };
        if let Some(connection) = connection {
            close(connection).await;
        }
        outcome
    }

    async fn attempt(
        &self,
        connection: &mut Option<DatabaseConnection>,
        job: Job<'_>,
    ) -> Result<Attempt<Done>, MigrationError> {
        if connection.is_none() {
            *connection = self.open(Purpose::Write).await?;
        }
        let Some(connection) = connection else {
            return Err(MigrationError::InMemory);
        };
        let begun = begin_locked(connection, self.url.engine(), MIGRATORS).await;
        let Some(transaction) = begun.map_err(MigrationError::Database)? else {
            return Ok(Attempt::LockTaken);
        };
        let locked = match self.under_lock(&transaction, job).await {
            Ok(locked) => locked,
            Err(error) => {
                // The transaction is lost anyway; the first error is the one to tell.
                let _ = transaction.rollback().await;
                return Err(error);
            }
        };
        match locked {
            Locked::Done(done @ (Done::Changes(_) | Done::WrittenBack(_))) if self.rehearse => {
                transaction.rollback().await.map_err(MigrationError::Database)?;
                Ok(Attempt::Done(done))
            }
            Locked::Done(done) => {
                transaction.commit().await.map_err(MigrationError::Commit)?;
                Ok(Attempt::Done(done))
            }
            Locked::InSegments(run, segments) => {
                let outcome = self.beside(&transaction, run, segments).await;
                // It has written nothing.
                let _ = transaction.rollback().await;
                outcome.map(|names| Attempt::Done(Done::Batch(names)))
            }
        }
    }

    async fn under_lock<'a>(
        &'a self,
        transaction: &DatabaseTransaction,
        job: Job<'a>,
    ) -> Result<Locked<'a>, MigrationError> {
        let batch = match job {
            Job::TakeChanges => {
                return adoption::take_changes(transaction)
                    .await
                    .map(|taken| Locked::Done(Done::Changes(taken)));
            }
            Job::WriteBack => {
                let written = adoption::write_back(transaction).await?;
                return Ok(Locked::Done(Done::WrittenBack(written)));
            }
            Job::Batch(batch) => batch,
        };
        let run = Run {
            migrations: &self.migrations,
            engine: self.url.engine(),
            batch,
            accept_changed: self.accept_changed,
        };
        let segments = segments(batch::plan(run, transaction).await?, run.engine);
        match segments.as_slice() {
            [Segment::Together(steps)] => {
                Ok(Locked::Done(Done::Batch(batch::apply(run, transaction, steps, true).await?)))
            }
            _ => Ok(Locked::InSegments(run, segments)),
        }
    }

    /// Works on a second connection while `lock` keeps all others away.
    async fn beside(
        &self,
        lock: &DatabaseTransaction,
        run: Run<'_>,
        segments: Vec<Segment<'_>>,
    ) -> Result<Vec<String>, MigrationError> {
        let Some(worker) = self.open(Purpose::Online).await? else {
            return Err(MigrationError::InMemory);
        };
        let outcome = tokio::select! {
            outcome = self.work_through(&worker, run, segments) => outcome,
            error = keep_alive(lock) => Err(MigrationError::LockLost(error)),
        };
        close(worker).await;
        outcome
    }

    async fn work_through(
        &self,
        worker: &DatabaseConnection,
        run: Run<'_>,
        segments: Vec<Segment<'_>>,
    ) -> Result<Vec<String>, MigrationError> {
        let last = segments.len() - 1;
        let mut applied = Vec::new();
        for (number, segment) in segments.into_iter().enumerate() {
            let outcome = match segment {
                Segment::Together(steps) => self.together(worker, run, &steps, number == last).await,
                Segment::Online(migration) => self.online(worker, run, migration).await,
            };
            match outcome {
                Ok(names) => applied.extend(names),
                Err(cause) if applied.is_empty() => return Err(cause),
                Err(cause) => return Err(MigrationError::Partly { applied, cause: Box::new(cause) }),
            }
        }
        Ok(applied)
    }

    /// Steps in one transaction, tried again while locks of others are in the way.
    async fn together(
        &self,
        worker: &DatabaseConnection,
        run: Run<'_>,
        steps: &[Step<'_>],
        last: bool,
    ) -> Result<Vec<String>, MigrationError> {
        let mut wait = Wait::new(&self.url, self.lock_wait);
        loop {
            let outcome =
                in_transaction(worker, async |transaction| batch::apply(run, transaction, steps, last).await);
            let obstacle = match outcome.await {
                Ok(Attempt::Done(names)) => return Ok(names),
                Ok(Attempt::LockTaken) => Obstacle::Migrator,
                Err(error) if error.is_lock_conflict() => Obstacle::Transaction,
                Err(error) => return Err(error),
            };
            wait.again(Some(worker), obstacle).await?;
        }
    }

    /// One migration outside of any transaction, and its entry.
    async fn online(
        &self,
        worker: &DatabaseConnection,
        run: Run<'_>,
        migration: &dyn PlannedMigration,
    ) -> Result<Vec<String>, MigrationError> {
        let name = migration.name().to_owned();
        let broken_off = |cause| MigrationError::Online { name: name.clone(), cause: Box::new(cause) };
        let mut wait = Wait::new(&self.url, self.lock_wait);
        if let Some(step) = migration.online(run.engine) {
            online::postgres::run(worker, step, &mut wait).await.map_err(broken_off)?;
        }
        wait.restart();
        loop {
            let outcome = in_transaction(worker, async |transaction| {
                batch::enter(run, transaction, migration).await.map_err(MigrationError::Database)
            });
            let obstacle = match outcome.await {
                Ok(Attempt::Done(())) => break,
                Ok(Attempt::LockTaken) => Obstacle::Migrator,
                Err(error) if error.is_lock_conflict() => Obstacle::Transaction,
                Err(error) => return Err(broken_off(error)),
            };
            wait.again(Some(worker), obstacle).await.map_err(broken_off)?;
        }
        tracing::info!(migration = name, "migrated while the tables were in use");
        Ok(vec![name])
    }
}

/// Runs `work` in a transaction that excludes those of another migrator.
async fn in_transaction<T>(
    worker: &DatabaseConnection,
    work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T, MigrationError>,
) -> Result<Attempt<T>, MigrationError> {
    let begun = begin_locked(worker, Engine::Postgres, WORKERS).await;
    let Some(transaction) = begun.map_err(MigrationError::Database)? else {
        return Ok(Attempt::LockTaken);
    };
    match work(&transaction).await {
        Ok(done) => {
            transaction.commit().await.map_err(MigrationError::Commit)?;
            Ok(Attempt::Done(done))
        }
        Err(error) => {
            // The transaction is lost anyway; the first error is the one to tell.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

/// Returns only when the transaction is lost, and the lock with it.
pub(crate) async fn keep_alive(lock: &DatabaseTransaction) -> sea_orm_migration::DbErr {
    loop {
        sleep(ALIVE).await;
        if let Err(error) = lock.execute_unprepared("SELECT 1").await {
            return error;
        }
    }
}
