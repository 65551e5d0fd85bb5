//! Finds out whether a SQLite file can be written, by writing it: when somebody asks, and again and again while it
//! cannot. So service is back by itself, and known to be.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use holdfast_application::ports::WriteOutage;
use sea_orm::{DbBackend, DbErr, RuntimeErr, Statement};
use tokio::{runtime::Handle, sync::mpsc, time::sleep};

use super::{budget::Deadline, line::Line, sqlite_file::SqliteFile};
use crate::database::sqlite_errors;

/// Between two tries while the file cannot be written.
const PAUSE: Duration = Duration::from_secs(1);
/// Readers get this long to finish while the log is written back and writers wait.
const PATIENCE: &str = "PRAGMA busy_timeout = 250";
const SHORTEN: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// A file and the one connection that writes it.
pub(super) struct Watch {
    file: Arc<SqliteFile>,
    writers: Line,
}

impl Watch {
    /// Watches over the file, on `runtime`, as long as the value lives.
    pub(super) fn start(
        file: Arc<SqliteFile>,
        suspicions: mpsc::Receiver<()>,
        writers: Line,
        runtime: &Handle,
    ) -> Arc<Self> {
        let watch = Arc::new(Self { file, writers });
        runtime.spawn(follow(suspicions, Arc::downgrade(&watch)));
        watch
    }

    /// Whether the file can be written. A proof counts for a few seconds; an outage is known from the write that met it.
    pub(super) async fn check_writes(&self) -> Result<(), WriteOutage> {
        if self.file.outage().is_none() && !self.file.is_proven() {
            self.prove().await;
        }
        self.file.outage().map_or(Ok(()), Err)
    }

    /// Writes the file once, before anybody relies on it. Another process that holds it will be done some time.
    pub(super) async fn prove_at_start(&self) -> Result<(), DbErr> {
        match self.rewrite().await {
            Err(DbErr::Conn(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)))
                if sqlite_errors::outage(&error).is_some_and(|outage| outage != WriteOutage::Locked) =>
            {
                Err(self.file.unusable(&error))
            }
            _ => Ok(()),
        }
    }

    /// Does what there is to be done.
    async fn look(&self) {
        if self.file.is_suspected() {
            self.prove().await;
        } else if self.file.log_is_long()
            && let Err(error) = self.shorten().await
        {
            // Somebody reads on and on: a later write tries again.
            tracing::debug!(error = &error as &dyn std::error::Error, "the log was not shortened");
        }
    }

    /// Tries to write the file, and notes what came of it. A writer that is busy all the time proves nothing against it.
    async fn prove(&self) {
        match self.rewrite().await {
            Ok(()) => self.file.ends(),
            Err(DbErr::Conn(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) => {
                if let Some(outage) = sqlite_errors::outage(&error) {
                    self.file.begins(outage, &error);
                }
            }
            Err(_) => {}
        }
    }

    /// Writes a number in the file's header that stays as it is, and waits until it is on the disk.
    async fn rewrite(&self) -> Result<(), DbErr> {
        let deadline = Deadline::start();
        let mut lease = self.writers.acquire(&deadline).await?;
        let answer = lease.run(&statement("PRAGMA application_id"), deadline.of_statement()).await?;
        let id: i32 = answer.rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let same = statement(&format!("PRAGMA application_id = {id}"));
        lease.run(&same, deadline.of_statement()).await.map(drop)
    }

    /// Writes the log back to its end and cuts it off.
    async fn shorten(&self) -> Result<(), DbErr> {
        let deadline = Deadline::start();
        let mut lease = self.writers.acquire(&deadline).await?;
        lease.run(&statement(PATIENCE), deadline.of_statement()).await?;
        let shortened = lease.run(&statement(SHORTEN), deadline.of_statement()).await;
        lease.run(&statement(super::sqlite::BUSY_TIMEOUT), deadline.of_statement()).await?;
        shortened.map(drop)
    }
}

async fn follow(mut suspicions: mpsc::Receiver<()>, watch: Weak<Watch>) {
    while suspicions.recv().await.is_some() {
        // An outage that a write has met is given a moment: little may fit where much does not, and whoever looks shall see
        // it.
        let mut looks = false;
        loop {
            let Some(watch) = watch.upgrade() else { return };
            watch.file.save_if_replaced().await;
            if looks || watch.file.outage().is_none() {
                watch.look().await;
            }
            looks = true;
            let again = watch.file.is_suspected();
            drop(watch);
            sleep(PAUSE).await;
            if !again {
                break;
            }
        }
    }
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, sql)
}
