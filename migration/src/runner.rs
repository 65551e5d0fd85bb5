//! Applies migrations so that any number of migrators may run at once and any of them may be killed.
//!
//! SeaORM's own runner takes no lock, uses no transaction on SQLite, and refuses journals of newer versions; hence this
//! loop over the same list and the same journal. One batch is one transaction, which holds the lock from its first
//! statement to its commit: all of it happens or nothing. Online steps on PostgreSQL stand between such transactions. No
//! session state is used, so a pooler in between does no harm. What can be asked for is here; `run` does it.

use std::time::Duration;

use sea_orm_migration::sea_orm::{DatabaseConnection, TransactionTrait as _};

use crate::adoption::{self, Adoption, Form, Survey, TakenOver, WrittenBack};
use crate::connection::{CONNECT_PATIENCE, Purpose, open};
use crate::database_url::DatabaseUrl;
use crate::error::MigrationError;
use crate::journal::{self, Entry};
use crate::plan::{self, Batch, Newer, Reach, Segment, segments};
use crate::run::{Done, Job};
use crate::sql_migration::{Direction, PlannedMigration};
use crate::{Migrator, batch, checksums};

/// How long a migrator waits for another one, and for locks on tables, by default.
const LOCK_WAIT: Duration = Duration::from_mins(1);

/// One migration in the journal or in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The migration's name.
    pub name: String,
    /// Seconds since the Unix epoch by the database's clock; `None` while it is pending.
    pub applied_at: Option<i64>,
    /// Whether this binary has the migration; `false` for an entry of a newer version.
    pub known: bool,
    /// Whether it was applied with another text than this binary's.
    pub changed: bool,
}

/// What one step of a batch would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationPlan {
    /// The migration's name.
    pub name: String,
    /// Applied or taken back.
    pub direction: Direction,
    /// Whether it runs outside of any transaction, while its tables are in use.
    pub online: bool,
    /// SQL statements without a final semicolon, in order.
    pub statements: Vec<String>,
}

/// Runs migrations on one database.
pub struct Runner {
    pub(crate) url: DatabaseUrl,
    pub(crate) migrations: Vec<Box<dyn PlannedMigration>>,
    pub(crate) lock_wait: Duration,
    pub(crate) accept_changed: bool,
    pub(crate) rehearse: bool,
    patience: Duration,
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
        Self {
            url: url.clone(),
            migrations,
            lock_wait: LOCK_WAIT,
            accept_changed: false,
            rehearse: false,
            patience: CONNECT_PATIENCE,
        }
    }

    /// How long to wait for another migrator, or for locks on tables, before giving up; 60 s unless set.
    #[must_use]
    pub fn lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = limit;
        self
    }

    /// Lets `up` go on where the text of an applied migration differs from this binary's, and records this one.
    #[must_use]
    pub fn accept_changed_texts(mut self) -> Self {
        self.accept_changed = true;
        self
    }

    /// Lets [`Runner::adopt_changes`] and [`Runner::write_back`] do and report everything, and then undo it.
    #[must_use]
    pub fn rehearse(mut self) -> Self {
        self.rehearse = true;
        self
    }

    /// How long connecting may take in all, while a sleeping database wakes up or a starting one refuses; 5 s unless set.
    #[must_use]
    pub fn connect_within(mut self, limit: Duration) -> Self {
        self.patience = limit;
        self
    }

    /// Applies what is pending, at most `steps` of it, and returns the names. Entries of newer versions do not matter.
    /// Where the FastAPI backend's tables came after the schema, they are adopted as by [`Runner::adopt`].
    ///
    /// On PostgreSQL a migration that is declared online runs outside of any transaction, unless its tables are made in the
    /// same call; what comes before and after it is a transaction each.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing is applied then, or with [`MigrationError::Partly`] what it names.
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
        self.run_batch(Batch::Down(steps.into(), Newer::Refuse)).await
    }

    /// Like [`Runner::down`], and **deletes** what is newer than an adoption.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing of the batch is taken back then.
    pub async fn down_discarding_newer(&self, steps: Option<u32>) -> Result<Vec<String>, MigrationError> {
        self.run_batch(Batch::Down(steps.into(), Newer::Discard)).await
    }

    /// Like [`Runner::down`], for all that is newer than the migration of this name, which stays. The beginning of a name
    /// will do where no other begins like it. `discard_newer` **deletes** what is newer than an adoption.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing is taken back then.
    pub async fn down_to(&self, name: &str, discard_newer: bool) -> Result<Vec<String>, MigrationError> {
        let newer = if discard_newer { Newer::Discard } else { Newer::Refuse };
        self.run_batch(Batch::Down(Reach::To(name), newer)).await
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
        let Some(connection) = self.open(Purpose::Read).await? else { return Ok(None) };
        let survey = survey(&self.migrations, &connection).await;
        close(connection).await;
        survey
    }

    /// The adoption that has happened, if one has. Changes nothing and needs no right to.
    ///
    /// # Errors
    /// As for [`Runner::status`].
    pub async fn adoption(&self) -> Result<Option<Adoption>, MigrationError> {
        let Some(connection) = self.open(Purpose::Read).await? else { return Ok(None) };
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
        let Some(connection) = self.open(Purpose::Read).await? else { return Ok(None) };
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
        let (entries, changed) = self.read_journal().await?;
        let mut statuses: Vec<Status> = self
            .migrations
            .iter()
            .map(|migration| {
                let name = migration.name().to_owned();
                let entry = entries.iter().find(|entry| entry.name == name);
                Status {
                    applied_at: entry.map(|entry| entry.applied_at),
                    known: true,
                    changed: changed.contains(&name),
                    name,
                }
            })
            .collect();
        statuses.extend(entries.into_iter().filter(|entry| !plan::knows(&self.migrations, &entry.name)).map(
            |Entry { name, applied_at }| Status {
                name,
                applied_at: Some(applied_at),
                known: false,
                changed: false,
            },
        ));
        Ok(statuses)
    }

    /// The names of the migrations that are not applied yet. Changes nothing and needs no right to.
    ///
    /// # Errors
    /// [`MigrationError`]; as for [`Runner::status`].
    pub async fn pending(&self) -> Result<Vec<String>, MigrationError> {
        let entries = self.entries().await?;
        let names = self.migrations.iter().map(|migration| migration.name().to_owned());
        Ok(names.filter(|name| !entries.iter().any(|entry| entry.name == *name)).collect())
    }

    /// What [`Runner::up`] or [`Runner::down`] would run now. Changes nothing, takes no lock.
    ///
    /// # Errors
    /// [`MigrationError`]; as for [`Runner::status`], where `down` would be refused, and for changed texts.
    pub async fn dry_run(
        &self,
        direction: Direction,
        steps: Option<u32>,
    ) -> Result<Vec<MigrationPlan>, MigrationError> {
        self.plan(match direction {
            Direction::Up => Batch::Up(steps),
            Direction::Down => Batch::Down(steps.into(), Newer::Refuse),
        })
        .await
    }

    /// What [`Runner::down_to`] would run now. Changes nothing, takes no lock.
    ///
    /// # Errors
    /// [`MigrationError`]; as for [`Runner::dry_run`].
    pub async fn dry_run_down_to(&self, name: &str) -> Result<Vec<MigrationPlan>, MigrationError> {
        self.plan(Batch::Down(Reach::To(name), Newer::Refuse)).await
    }

    /// What [`Runner::fresh`] would run now. Changes nothing, takes no lock.
    ///
    /// # Errors
    /// [`MigrationError`]; as for [`Runner::dry_run`].
    pub async fn dry_run_fresh(&self) -> Result<Vec<MigrationPlan>, MigrationError> {
        self.plan(Batch::Fresh).await
    }

    async fn plan(&self, batch: Batch<'_>) -> Result<Vec<MigrationPlan>, MigrationError> {
        let (entries, changed) = self.read_journal().await?;
        if matches!(batch, Batch::Up(_)) && !changed.is_empty() && !self.accept_changed {
            return Err(MigrationError::Changed { migrations: changed });
        }
        let engine = self.url.engine();
        let mut plans = Vec::new();
        for segment in segments(plan::steps(&self.migrations, batch, &entries)?, engine) {
            match segment {
                Segment::Together(steps) => {
                    plans.extend(steps.into_iter().map(|(direction, migration)| MigrationPlan {
                        name: migration.name().to_owned(),
                        direction,
                        online: false,
                        statements: migration.plan(engine, direction),
                    }));
                }
                Segment::Online(migration) => plans.push(MigrationPlan {
                    name: migration.name().to_owned(),
                    direction: Direction::Up,
                    online: true,
                    statements: migration.online(engine).map(|step| step.plan()).unwrap_or_default(),
                }),
            }
        }
        Ok(plans)
    }

    pub(crate) async fn open(&self, purpose: Purpose) -> Result<Option<DatabaseConnection>, MigrationError> {
        open(&self.url, purpose, self.patience).await
    }

    /// Reads the journal alone: a server's role may have no right to more.
    async fn entries(&self) -> Result<Vec<Entry>, MigrationError> {
        let Some(connection) = self.open(Purpose::Read).await? else { return Ok(Vec::new()) };
        let entries = journal::entries(&connection).await.map_err(MigrationError::Database);
        close(connection).await;
        entries
    }

    /// The entries, and the names of those whose text was another.
    async fn read_journal(&self) -> Result<(Vec<Entry>, Vec<String>), MigrationError> {
        let Some(connection) = self.open(Purpose::Read).await? else {
            return Ok((Vec::new(), Vec::new()));
        };
        let read = async {
            let entries = journal::entries(&connection).await?;
            let changed =
                checksums::changed(&connection, &self.migrations, self.url.engine(), &entries).await?;
            Ok((entries, changed))
        };
        let read = read.await.map_err(MigrationError::Database);
        close(connection).await;
        read
    }

    async fn run_batch(&self, batch: Batch<'_>) -> Result<Vec<String>, MigrationError> {
        match self.run(Job::Batch(batch)).await? {
            Done::Batch(names) => Ok(names),
            Done::Changes(_) | Done::WrittenBack(_) => Ok(Vec::new()),
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
pub(crate) async fn close(connection: DatabaseConnection) {
    let _ = connection.close().await;
}
