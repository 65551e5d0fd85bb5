//! The pool: leases a connection for each statement, and begins transactions.

use std::{sync::Arc, time::Duration};

use deadpool::{
    Runtime,
    managed::{Pool, PoolConfig, PoolError, QueueMode, Timeouts},
};
use sea_orm::{ConnAcquireErr, DbBackend, DbErr, Statement};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::{
    Connections, OpenTransaction, budget,
    budget::Deadline,
    connection::Answer,
    connector::{Connector, Target},
    lease::Lease,
    outage::Outage,
    postgres::PostgresTarget,
    sqlite::{self, SqliteTarget},
};
use crate::database::{DatabaseLocation, DatabaseOptions, dialect, error::connection_error, retry::Tries};

/// A connection that answered this recently is trusted with a write without a sign of life.
const TRUSTED: Duration = Duration::from_millis(500);

/// Connections to one database. Cloning shares them.
#[derive(Clone)]
pub struct LeasingPool {
    writers: Pool<Connector>,
    readers: Pool<Connector>,
    backend: DbBackend,
    begin: &'static str,
    /// Whether each single statement needs a transaction around it.
    wrapping: bool,
    runtime: Handle,
}

impl LeasingPool {
    /// Opens no connection to PostgreSQL yet; on SQLite it opens the writer, which prepares the file for readers.
    ///
    /// All connections belong to the tokio runtime that this is called on; it must outlive the pool's users.
    pub(crate) async fn build(options: &DatabaseOptions) -> Result<Self, DbErr> {
        match &options.location {
            DatabaseLocation::Postgres { url, pooler } => {
                let target = PostgresTarget::new(url, *pooler, options.statement_cache);
                Ok(Self::postgres(target.map_err(connection_error)?, options))
            }
            DatabaseLocation::Sqlite { path } => {
                let writer = SqliteTarget::writer(path, options.statement_cache);
                let reader = SqliteTarget::reader(path, options.statement_cache);
                let pool = Self::sqlite(writer, reader, options);
                pool.acquire(&pool.writers, &Deadline::start()).await?;
                Ok(pool)
            }
        }
    }

    fn postgres(target: PostgresTarget, options: &DatabaseOptions) -> Self {
        let runtime = Handle::current();
        let (begin, wrapping) = (target.begin(), !target.keeps_statements());
        let outage = Arc::new(Outage::new(options.wake_timeout));
        let connector = Connector::new(Target::Postgres(target), runtime.clone(), outage);
        let pool = leasing(connector, options.pool_size);
        Self { writers: pool.clone(), readers: pool, backend: DbBackend::Postgres, begin, wrapping, runtime }
    }

    fn sqlite(writer: SqliteTarget, reader: SqliteTarget, options: &DatabaseOptions) -> Self {
        let runtime = Handle::current();
        // A file never sleeps.
        let outage = Arc::new(Outage::new(Duration::ZERO));
        let connector = |target| Connector::new(Target::Sqlite(target), runtime.clone(), outage.clone());
        Self {
            writers: leasing(connector(writer), 1),
            readers: leasing(connector(reader), options.pool_size),
            backend: DbBackend::Sqlite,
            begin: sqlite::BEGIN,
            wrapping: false,
            runtime,
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
        let pool = if reads { &self.readers } else { &self.writers };
        let mut lease = self.acquire(pool, deadline).await?;
        if !reads && self.backend == DbBackend::Postgres && is_stale(&lease) {
            lease.ping(deadline.of_ping()).await?;
        }
        lease.run(statement, deadline.of_statement()).await
    }

    async fn acquire(&self, pool: &Pool<Connector>, deadline: &Deadline) -> Result<Lease, DbErr> {
        let waking = pool.manager().outage().wake_until();
        if let Some(until) = waking {
            deadline.extend_to(until);
        }
        let wait = waking.map_or(budget::ACQUIRE, |until| until.saturating_duration_since(Instant::now()));
        let timeouts = Timeouts { wait: Some(wait), create: None, recycle: None };
        let acquired = timeout_at(deadline.at(), pool.timeout_get(&timeouts)).await;
        let connection = acquired
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            .map_err(acquire_error)?;
        if waking.is_some() {
            deadline.restart();
        }
        Ok(Lease::new(connection))
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

fn leasing(connector: Connector, size: usize) -> Pool<Connector> {
    // The connection used last is the one most likely to be alive still.
    let config = PoolConfig { max_size: size.max(1), timeouts: Timeouts::new(), queue_mode: QueueMode::Lifo };
    let built = Pool::builder(connector).config(config).runtime(Runtime::Tokio1).build();
    #[expect(
        clippy::expect_used,
        reason = "building fails only for time-outs without a runtime, and one is named"
    )]
    built.expect("a runtime is named")
}

fn acquire_error(error: PoolError<sqlx::Error>) -> DbErr {
    match error {
        PoolError::Backend(error) => connection_error(error),
        PoolError::Timeout(_) => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)
        }
    }
}
