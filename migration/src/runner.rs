//! Applies migrations so that any number of migrators may run at once and any of them may be killed.
//!
//! SeaORM's own runner takes no lock, uses no transaction on SQLite, and refuses journals of newer versions; hence this
//! loop over the same list and the same journal. One batch is one transaction, which holds the lock from its first
//! statement to its commit: all of it happens or nothing. No session state is used, so a pooler in between does no harm.

use std::time::Duration;

use sea_orm_migration::sea_orm::{DatabaseConnection, DatabaseTransaction, TransactionTrait as _};
use tokio::time::{Instant, sleep};

use crate::Migrator;
use crate::adoption::{self, Adoption, Form, Survey, TakenOver, WrittenBack};
use crate::batch::{self, Batch, Newer, Step};
use crate::connection::{Purpose, open};
use crate::database_url::{DatabaseUrl, Engine};
use crate::error::MigrationError;
use crate::journal::{self, Entry};
use crate::lock::begin_locked;
use crate::sql_migration::{Direction, PlannedMigration};

/// How long a migrator waits for another one by default.
const LOCK_WAIT: Duration = Duration::from_mins(1);
/// Between two tries for the lock; each try is one short transaction.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// One migration in the journal or in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The migration's name.
    pub name: String,
    /// Seconds since the Unix epoch by the database's clock; `None` while it is pending.
    pub applied_at: Option<i64>,
    /// Whether this binary has the migration; `false` for an entry of a newer version.
    pub known: bool,
}

/// What one step of a batch would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationPlan {
    /// The migration's name.
    pub name: String,
    /// Applied or taken back.
    pub direction: Direction,
    /// SQL statements without a final semicolon, in order.
    pub statements: Vec<String>,
}

/// Runs migrations on one database.
pub struct Runner {
    url: DatabaseUrl,
    migrations: Vec<Box<dyn PlannedMigration>>,
    lock_wait: Duration,
}

/// What is done under the lock.
#[derive(Clone, Copy)]
enum Job {
    Batch(Batch),
    TakeChanges,
    WriteBack,
}

/// What has been done under the lock.
enum Done {
    Batch(Vec<String>),
    Changes(TakenOver),
    WrittenBack(WrittenBack),
}

/// How one try for the lock ended.
enum Attempt {
    Done(Done),
    LockTaken,
}

impl Runner {
    /// For the migrations of Holdfast.
    #[must_use]
    pub fn new(url: &DatabaseUrl) -> Self {
        Self::with_migrations(url, Migrator::planned())
    }

    /// For a list of the caller's, oldest first, each with a name of its own.
    #[must_use]
    pub fn with_migrations(url: &DatabaseUrl, migrations: Vec<Box<dyn PlannedMigration>>) -> Self {
        Self { url: url.clone(), migrations, lock_wait: LOCK_WAIT }
    }

    /// How long to wait for another migrator before giving up; 60 s unless set.
    #[must_use]
    pub fn lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = limit;
        self
    }

    /// Applies what is pending, at most `steps` of it, and returns the names. Entries of newer versions do not matter.
    /// Where the FastAPI backend's tables came after the schema, they are adopted as by [`Runner::adopt`].
    ///
    /// # Errors
    /// [`MigrationError`]; nothing of the batch is applied then.
    pub async fn up(&self, steps: Option<u32>) -> Result<Vec<String>, MigrationError> {
        self.run_batch(Batch::Up(steps)).await
    }

    /// Takes back the newest `steps` migrations, or all of them, and returns the names. Refused while the journal
    /// holds entries of a newer version, whose tables may stand on ours, and, over an adoption, while rows are newer than
    /// it.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing of the batch is taken back then.
    pub async fn down(&self, steps: Option<u32>) -> Result<Vec<String>, MigrationError> {
        self.run_batch(Batch::Down(steps, Newer::Refuse)).await
    }

    /// Like [`Runner::down`], and **deletes** what is newer than an adoption.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing of the batch is taken back then.
    pub async fn down_discarding_newer(&self, steps: Option<u32>) -> Result<Vec<String>, MigrationError> {
        self.run_batch(Batch::Down(steps, Newer::Discard)).await
    }

    /// Applies what is pending and adopts the FastAPI backend's tables, also where they came later than the schema.
    /// Returns the names of the migrations; changes nothing after an adoption.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing is changed then.
    pub async fn adopt(&self) -> Result<Vec<String>, MigrationError> {
        self.run_batch(Batch::Adopt).await
    }

    /// Takes over what the FastAPI backend wrote since its tables were read last. Rows that changed here stay.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing is changed then.
    pub async fn adopt_changes(&self) -> Result<TakenOver, MigrationError> {
        match self.run(Job::TakeChanges).await? {
            Done::Changes(taken) => Ok(taken),
            Done::Batch(_) | Done::WrittenBack(_) => Ok(TakenOver::default()),
        }
    }

    /// Copies what is newer here into the FastAPI backend's tables, so that going back loses nothing.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing is changed then.
    pub async fn write_back(&self) -> Result<WrittenBack, MigrationError> {
        match self.run(Job::WriteBack).await? {
            Done::WrittenBack(written) => Ok(written),
            Done::Batch(_) | Done::Changes(_) => Ok(WrittenBack::default()),
        }
    }

    /// What an adoption would do; `None` where there is nothing to adopt. Changes nothing.
    ///
    /// # Errors
    /// [`MigrationError::NotAdoptable`] for tables in another shape; otherwise as for [`Runner::status`].
    pub async fn survey(&self) -> Result<Option<Survey>, MigrationError> {
        let Some(connection) = open(&self.url, Purpose::Read).await? else { return Ok(None) };
        let survey = survey(&self.migrations, &connection).await;
        close(connection).await;
        survey
    }

    /// The adoption that has happened, if one has. Changes nothing and needs no right to.
    ///
    /// # Errors
    /// As for [`Runner::status`].
    pub async fn adoption(&self) -> Result<Option<Adoption>, MigrationError> {
        let Some(connection) = open(&self.url, Purpose::Read).await? else { return Ok(None) };
        let adoption = adoption::find(&connection).await;
        close(connection).await;
        adoption
    }

    /// Until when the FastAPI backend may have written and issued tokens: seconds since the Unix epoch by the database's
    /// clock at which its tables were read last. `None` where nothing was adopted.
    ///
    /// # Errors
    /// As for [`Runner::status`].
    pub async fn adopted_at(&self) -> Result<Option<i64>, MigrationError> {
        Ok(self.adoption().await?.map(|adoption| adoption.read_at))
    }

    /// The FastAPI backend's tables that [`Runner::up`] would take over now. Changes nothing and needs no right to.
    ///
    /// # Errors
    /// [`MigrationError::NotAdoptable`] for tables in another shape; otherwise as for [`Runner::status`].
    pub async fn would_adopt(&self) -> Result<Option<Form>, MigrationError> {
        let Some(connection) = open(&self.url, Purpose::Read).await? else { return Ok(None) };
        let form = would_adopt(&connection).await;
        close(connection).await;
        form
    }

    /// Takes everything back and applies everything again, in one transaction. **Deletes all data**; refused in
    /// production.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing is deleted then.
    pub async fn fresh(&self, production: bool) -> Result<Vec<String>, MigrationError> {
        if production {
            return Err(MigrationError::FreshInProduction);
        }
        self.run_batch(Batch::Fresh).await
    }

    /// Every migration, known or journalled, in order of age. Changes nothing and needs no right to.
    ///
    /// # Errors
    /// [`MigrationError`]; the database cannot be reached, or the journal not be read.
    pub async fn status(&self) -> Result<Vec<Status>, MigrationError> {
        let entries = self.read_journal().await?;
        let mut statuses: Vec<Status> = self
            .migrations
            .iter()
            .map(|migration| Status {
                name: migration.name().to_owned(),
                applied_at: entries
                    .iter()
                    .find(|entry| entry.name == migration.name())
                    .map(|entry| entry.applied_at),
                known: true,
            })
            .collect();
        statuses.extend(
            entries.into_iter().filter(|entry| !batch::knows(&self.migrations, &entry.name)).map(
                |Entry { name, applied_at }| Status { name, applied_at: Some(applied_at), known: false },
            ),
        );
        Ok(statuses)
    }

    /// The names of the migrations that are not applied yet. Changes nothing and needs no right to.
    ///
    /// # Errors
    /// [`MigrationError`]; as for [`Runner::status`].
    pub async fn pending(&self) -> Result<Vec<String>, MigrationError> {
        let statuses = self.status().await?;
        Ok(statuses
            .into_iter()
            .filter(|status| status.applied_at.is_none())
            .map(|status| status.name)
            .collect())
    }

    /// What [`Runner::up`] or [`Runner::down`] would run now. Changes nothing, takes no lock.
    ///
    /// # Errors
    /// [`MigrationError`]; as for [`Runner::status`], and where `down` would be refused.
    pub async fn dry_run(
        &self,
        direction: Direction,
        steps: Option<u32>,
    ) -> Result<Vec<MigrationPlan>, MigrationError> {
        let entries = self.read_journal().await?;
        let batch = match direction {
            Direction::Up => Batch::Up(steps),
            Direction::Down => Batch::Down(steps, Newer::Refuse),
        };
        let plan = |(direction, migration): Step<'_>| MigrationPlan {
            name: migration.name().to_owned(),
            direction,
            statements: migration.plan(self.url.engine(), direction),
        };
        Ok(batch::steps(&self.migrations, batch, &entries)?.into_iter().map(plan).collect())
    }

    async fn read_journal(&self) -> Result<Vec<Entry>, MigrationError> {
        let Some(connection) = open(&self.url, Purpose::Read).await? else {
            return Ok(Vec::new());
        };
        let entries = journal::entries(&connection).await.map_err(MigrationError::Database);
        close(connection).await;
        entries
    }

    async fn run_batch(&self, batch: Batch) -> Result<Vec<String>, MigrationError> {
        match self.run(Job::Batch(batch)).await? {
            Done::Batch(names) => Ok(names),
            Done::Changes(_) | Done::WrittenBack(_) => Ok(Vec::new()),
        }
    }

    async fn run(&self, job: Job) -> Result<Done, MigrationError> {
        let started = Instant::now();
        let mut told = false;
        let mut connection = None;
        let outcome = loop {
            let holder = match self.attempt(&mut connection, job).await {
                Ok(Attempt::Done(done)) => break Ok(done),
                Ok(Attempt::LockTaken) => match self.url.engine() {
                    Engine::Postgres => "another migrator is at work",
                    Engine::Sqlite => "another migrator or a server is writing",
                },
                Err(error) if error.is_lock_conflict() => "a transaction holds a lock on the tables",
                Err(error) => break Err(error),
            };
            if started.elapsed() >= self.lock_wait {
                break Err(MigrationError::Locked { waited: started.elapsed(), holder });
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(
                    database = self.url.redacted(),
                    "waiting up to {} s: {holder}",
                    self.lock_wait.as_secs()
                );
            }
            sleep(LOCK_POLL).await;
        };
        if let Some(connection) = connection {
            close(connection).await;
        }
        outcome
    }

    async fn attempt(
        &self,
        connection: &mut Option<DatabaseConnection>,
        job: Job,
    ) -> Result<Attempt, MigrationError> {
        if connection.is_none() {
            *connection = open(&self.url, Purpose::Write).await?;
        }
        let Some(connection) = connection else {
            return Err(MigrationError::InMemory);
        };
        let Some(transaction) =
            begin_locked(connection, self.url.engine()).await.map_err(MigrationError::Database)?
        else {
            return Ok(Attempt::LockTaken);
        };
        let done = match self.work(&transaction, job).await {
            Ok(done) => done,
            Err(error) => {
                // The transaction is lost anyway; the first error is the one to tell.
                let _ = transaction.rollback().await;
                return Err(error);
            }
        };
        transaction.commit().await.map_err(MigrationError::Commit)?;
        Ok(Attempt::Done(done))
    }

    async fn work(&self, transaction: &DatabaseTransaction, job: Job) -> Result<Done, MigrationError> {
        match job {
            Job::Batch(batch) => batch::apply(&self.migrations, transaction, batch).await.map(Done::Batch),
            Job::TakeChanges => adoption::take_changes(transaction).await.map(Done::Changes),
            Job::WriteBack => adoption::write_back(transaction).await.map(Done::WrittenBack),
        }
    }
}

/// In a transaction, so that its settings end with it.
async fn survey(
    migrations: &[Box<dyn PlannedMigration>],
    connection: &DatabaseConnection,
) -> Result<Option<Survey>, MigrationError> {
    let transaction = connection.begin().await.map_err(MigrationError::Database)?;
    let mut survey = adoption::survey(&transaction).await?;
    if let Some(survey) = &mut survey {
        let entries = journal::entries(&transaction).await.map_err(MigrationError::Database)?;
        let tables = batch::foreign_tables(migrations, &transaction, &entries).await?;
        survey.faults.extend(
            tables
                .iter()
                .map(|table| format!("a table {table}, not made by these migrations, is in the way")),
        );
        if !survey.adopted && tables.is_empty() {
            let users = adoption::accounts_here(&transaction).await?;
            survey.faults.extend((users > 0).then(|| MigrationError::InUse { users }.to_string()));
        }
    }
    transaction.rollback().await.map_err(MigrationError::Database)?;
    Ok(survey)
}

async fn would_adopt(connection: &DatabaseConnection) -> Result<Option<Form>, MigrationError> {
    let entries = journal::entries(connection).await.map_err(MigrationError::Database)?;
    if entries.iter().any(|entry| entry.name == adoption::MIGRATION) {
        return adoption::left_behind(connection).await;
    }
    adoption::detect(connection).await
}

/// Says goodbye, so that the server does not log a lost connection; what was to be done is done either way.
async fn close(connection: DatabaseConnection) {
    let _ = connection.close().await;
}
