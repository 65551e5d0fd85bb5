//! The pool: leases a connection for each statement, and begins transactions.

use std::{path::Path, sync::Arc, time::Duration};

use holdfast_application::ports::WriteOutage;
use sea_orm::{DbBackend, DbErr, Statement};
use tokio::{runtime::Handle, time::Instant};

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
    replica::{Replica, ReplicaState},
    sqlite::{self, SqliteTarget},
    sqlite_file::{SqliteFile, unusable},
    sqlite_watch::Watch,
    standing::Standing,
    usage::{Counted, Usage},
};
use crate::database::{
    DatabaseLocation, DatabaseOptions, PoolFigures, dialect,
    error::{connection_error, is_outage},
    retry::Tries,
};

/// A connection that answered this recently is trusted with a write without a sign of life.
const TRUSTED: Duration = Duration::from_millis(500);

/// Connections to one database. Cloning shares them.
#[derive(Clone)]
pub struct LeasingPool {
    writers: Lines,
    readers: Lines,
    backend: DbBackend,
    begin: &'static str,
    /// Where this leads to a replica through a pooler: what holds several reads on one server.
    begin_reading: Option<&'static str>,
    /// Whether each single statement needs a transaction around it.
    wrapping: bool,
    runtime: Handle,
    /// Over the file of SQLite.
    watch: Option<Arc<Watch>>,
    /// Answers lists, where there is one.
    replica: Option<Arc<Replica>>,
    usage: Arc<Usage>,
    /// How many connections there may be.
    limit: usize,
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

    pub(super) fn postgres(target: PostgresTarget, options: &DatabaseOptions) -> Self {
        let runtime = Handle::current();
        let (begin, wrapping) = (target.begin(), !target.keeps_statements());
        let begin_reading = target.begin_reading();
        let outage = Arc::new(Outage::new(options.wake_timeout));
        let (usage, limit) = (Usage::new(), options.pool_size.max(1));
        let connector = Connector::new(Target::Postgres(target), runtime.clone(), outage, usage.clone());
        let lines = Lines::divided(limit, options.workers, |size| {
            let line = Line::new(connector, size, runtime.clone());
            line.close_idle();
            line
        });
        let (writers, readers, backend) = (lines.clone(), lines, DbBackend::Postgres);
        let (watch, replica) = (None, None);
        Self {
            writers,
            readers,
            backend,
            begin,
            begin_reading,
            wrapping,
            runtime,
            watch,
            replica,
            usage,
            limit,
        }
    }

    async fn sqlite(path: &Path, options: &DatabaseOptions) -> Result<Self, DbErr> {
        let (runtime, cache) = (Handle::current(), options.statement_cache);
        let opened = SqliteFile::open(path, &sqlite::writing(path, cache)).await;
        let (file, suspicions) = opened.map_err(|error| unusable(path, &error))?;
        // A file never sleeps.
        let outage = Arc::new(Outage::new(Duration::ZERO));
        let usage = Usage::new();
        let connector =
            |target| Connector::new(Target::Sqlite(target), runtime.clone(), outage.clone(), usage.clone());
        let line = |target: SqliteTarget, size| Line::new(connector(target.of(&file)), size, runtime.clone());
        let writers = line(SqliteTarget::writer(path, cache), 1);
        let readers = line(SqliteTarget::reader(path, cache), options.pool_size);
        let watch = Watch::start(file, suspicions, writers.clone(), &runtime);
        let (writers, readers) = (Lines::one(writers), Lines::one(readers));
        watch.prove_at_start().await?;
        let (backend, begin, watch) = (DbBackend::Sqlite, sqlite::BEGIN, Some(watch));
        let limit = options.pool_size.max(1) + 1;
        let (wrapping, begin_reading, replica) = (false, None, None);
        Ok(Self {
            writers,
            readers,
            backend,
            begin,
            begin_reading,
            wrapping,
            runtime,
            watch,
            replica,
            usage,
            limit,
        })
    }

    /// Gives the current thread its part of the connections to PostgreSQL, where there is one. Connections to a file live on
    /// threads of their own anyway.
    pub(crate) fn settle(&self) {
        self.writers.settle();
        if let Some(replica) = &self.replica {
            replica.settle();
        }
    }

    /// The same with a replica that answers [`Connections::read`] when it can. No connection to it is opened yet.
    pub(crate) fn reading_from(self, replica: &DatabaseOptions) -> Result<Self, DbErr> {
        let replica = Some(Arc::new(Replica::build(replica)?));
        Ok(Self { replica, ..self })
    }

    /// How the replica does, where there is one.
    pub(crate) fn replica(&self) -> Option<ReplicaState> {
        self.replica.as_deref().map(Replica::read_state)
    }

    pub(super) fn begin_reading(&self) -> Option<&'static str> {
        self.begin_reading
    }

    /// A connection that reads.
    pub(super) async fn lease(&self, deadline: &Deadline) -> Result<Lease, DbErr> {
        self.acquire(&self.readers, deadline).await
    }

    /// Whether writes are possible, as far as this can be known beforehand: a server that is reached and refuses to
    /// write is told by the write.
    pub(crate) async fn check_writes(&self) -> Result<(), WriteOutage> {
        match &self.watch {
            Some(watch) => watch.check_writes().await,
            None => Ok(()),
        }
    }

    /// How it is used at the moment.
    pub(crate) fn figures(&self) -> PoolFigures {
        let Usage { open, in_use, waiting, full, refused, acquired } = &*self.usage;
        PoolFigures {
            limit: self.limit as u64,
            open: open.read(),
            in_use: in_use.read(),
            waiting: waiting.read(),
            full: full.read(),
            refused: refused.read(),
            acquired: acquired.read(),
        }
    }

    async fn acquire(&self, lines: &Lines, deadline: &Deadline) -> Result<Lease, DbErr> {
        let (began, _waiting) = (Instant::now(), Counted::new(&self.usage, |usage| &usage.waiting));
        let acquired = lines.acquire(deadline).await;
        match &acquired {
            Ok(_) => self.usage.acquired.add(began.elapsed()),
            Err(_) => self.usage.refused.count(),
        }
        acquired
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
        let mut lease = self.acquire(&self.writers, deadline).await?;
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
        let mut lease = self.acquire(line, deadline).await?;
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

    /// The primary is asked for its position after the caller came, so a replica that has got there knows whatever this caller or
    /// anybody else was told before, by any instance.
    async fn read(&self, statement: &Statement, deadline: &Deadline) -> Result<Answer, DbErr> {
        let replica = self.replica.as_deref().filter(|_| dialect::reads_only(statement));
        if let Some(replica) = replica.filter(|replica| replica.is_worth_a_try()) {
            let asked = self.run(&Standing::question(), deadline).await;
            match asked.and_then(|answer| Standing::read(&answer)) {
                Ok(primary) => {
                    if let Some(answer) = replica.read(statement, primary, deadline).await {
                        return Ok(answer);
                    }
                }
                // The primary would not answer the statement either.
                Err(error) if is_outage(&error) => return Err(error),
                Err(error) => replica.give_up(error),
            }
        }
        self.run(statement, deadline).await
    }
}

fn is_stale(lease: &Lease) -> bool {
    lease.used_at().is_none_or(|at| at.elapsed() >= TRUSTED)
}
