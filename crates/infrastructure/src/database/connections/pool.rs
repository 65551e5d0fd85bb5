//! The pool: leases a connection for each statement, and begins transactions.

use std::{path::Path, sync::Arc, time::Duration};

use holdfast_application::ports::WriteOutage;
use sea_orm::{DbBackend, DbErr, Statement};
use tokio::runtime::Handle;

use super::{
    Connections, OpenTransaction,
    budget::Deadline,
    connection::Answer,
    connector::{Connector, Target},
    lease::Lease,
    line::Line,
    lines::Lines,
    outage::Outage,
    postgres::PostgresTarget,
    sqlite::{self, SqliteTarget},
    sqlite_file::{SqliteFile, unusable},
    sqlite_watch::Watch,
};
use crate::database::{DatabaseLocation, DatabaseOptions, dialect, error::connection_error, retry::Tries};

/// A connection that answered this recently is trusted with a write without a sign of life.
const TRUSTED: Duration = Duration::from_millis(500);

/// Connections to one database. Cloning shares them.
#[derive(Clone)]
pub struct LeasingPool {
    writers: Lines,
    readers: Lines,
    backend: DbBackend,
    begin: &'static str,
    /// Whether each single statement needs a transaction around it.
    wrapping: bool,
    runtime: Handle,
    /// Over the file of SQLite.
    watch: Option<Arc<Watch>>,
}

impl LeasingPool {
    /// Opens no connection to PostgreSQL yet. A SQLite file is opened, prepared for readers, and written once.
    ///
    /// Connections belong to the tokio runtime that this is called on, but for those of threads that [settle](Self::settle);
    /// it must outlive the pool's users.
    pub(crate) async fn build(options: &DatabaseOptions) -> Result<Self, DbErr> {
        match &options.location {
            DatabaseLocation::Postgres { url, pooler } => {
                let target = PostgresTarget::new(url, *pooler, options.statement_cache);
                Ok(Self::postgres(target.map_err(connection_error)?, options))
            }
            DatabaseLocation::Sqlite { path } => Self::sqlite(path, options).await,
        }
    }

    fn postgres(target: PostgresTarget, options: &DatabaseOptions) -> Self {
        let runtime = Handle::current();
        let (begin, wrapping) = (target.begin(), !target.keeps_statements());
        let outage = Arc::new(Outage::new(options.wake_timeout));
        let connector = Connector::new(Target::Postgres(target), runtime.clone(), outage);
        let lines = Lines::divided(options.pool_size.max(1), options.workers, |size| {
            let line = Line::new(connector, size, runtime.clone());
            line.close_idle();
            line
        });
        let (writers, readers, backend) = (lines.clone(), lines, DbBackend::Postgres);
        Self { writers, readers, backend, begin, wrapping, runtime, watch: None }
    }

    async fn sqlite(path: &Path, options: &DatabaseOptions) -> Result<Self, DbErr> {
        let (runtime, cache) = (Handle::current(), options.statement_cache);
        let opened = SqliteFile::open(path, &sqlite::writing(path, cache)).await;
        let (file, suspicions) = opened.map_err(|error| unusable(path, &error))?;
        // A file never sleeps.
        let outage = Arc::new(Outage::new(Duration::ZERO));
        let connector = |target| Connector::new(Target::Sqlite(target), runtime.clone(), outage.clone());
        let line = |target: SqliteTarget, size| Line::new(connector(target.of(&file)), size, runtime.clone());
        let writers = line(SqliteTarget::writer(path, cache), 1);
        let readers = line(SqliteTarget::reader(path, cache), options.pool_size);
        let watch = Watch::start(file, suspicions, writers.clone(), &runtime);
        let (writers, readers) = (Lines::one(writers), Lines::one(readers));
        watch.prove_at_start().await?;
        let (backend, begin, watch) = (DbBackend::Sqlite, sqlite::BEGIN, Some(watch));
        Ok(Self { writers, readers, backend, begin, wrapping: false, runtime, watch })
    }

    /// Gives the current thread its part of the connections to PostgreSQL, where there is one. Connections to a file live on
    /// threads of their own anyway.
    pub(crate) fn settle(&self) {
        self.writers.settle();
    }

    /// Whether writes are possible, as far as this can be known beforehand: a server that is reached and refuses to
    /// write is told by the write.
    pub(crate) async fn check_writes(&self) -> Result<(), WriteOutage> {
        match &self.watch {
            Some(watch) => watch.check_writes().await,
            None => Ok(()),
        }
    }

    /// Begins a transaction on a connection of its own.
    pub(crate) async fn begin(&self) -> Result<OpenTransaction, DbErr> {
        let deadline = Deadline::start();
        let mut tries = Tries::new(false);
        loop {
            match self.try_begin(&deadline).await {
                Ok(lease) => return Ok(OpenTransaction::new(lease, self.backend, self.runtime.clone())),
                Err(error) => tries.pause_after(error, &deadline).await?,
            }
        }
    }

    async fn try_begin(&self, deadline: &Deadline) -> Result<Lease, DbErr> {
        let mut lease = self.writers.acquire(deadline).await?;
        lease.begin(self.begin, deadline.of_statement()).await?;
        Ok(lease)
    }

    async fn try_run(
        &self,
        statement: &Statement,
        reads: bool,
        deadline: &Deadline,
    ) -> Result<Answer, DbErr> {
        if self.wrapping {
            let mut lease = self.try_begin(deadline).await?;
            let answer = lease.run(statement, deadline.of_statement()).await;
            return match answer {
                Ok(answer) => lease.commit(deadline.of_statement()).await.map(|()| answer),
                Err(error) => {
                    // The statement's error is the one to tell; a failed rollback closes the connection.
                    let _ = lease.roll_back(deadline.of_statement()).await;
                    Err(error)
                }
            };
        }
        let line = if reads { &self.readers } else { &self.writers };
        let mut lease = line.acquire(deadline).await?;
        if !reads && self.backend == DbBackend::Postgres && is_stale(&lease) {
            lease.ping(deadline.of_ping()).await?;
        }
        lease.run(statement, deadline.of_statement()).await
    }
}

impl Connections for LeasingPool {
    fn backend(&self) -> DbBackend {
        self.backend
    }

    async fn run(&self, statement: &Statement, deadline: &Deadline) -> Result<Answer, DbErr> {
        let reads = dialect::reads_only(statement);
        let mut tries = Tries::new(reads);
        loop {
            match self.try_run(statement, reads, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(error) => tries.pause_after(error, deadline).await?,
            }
        }
    }
}

fn is_stale(lease: &Lease) -> bool {
    lease.used_at().is_none_or(|at| at.elapsed() >= TRUSTED)
}
