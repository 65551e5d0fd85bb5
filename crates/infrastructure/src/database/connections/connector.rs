//! How connections are opened, and how long they live. Both engines' details are in their own modules.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
    time::{Instant, timeout_at},
};

use super::{
    budget,
    connection::{Connection, Wire},
    outage::Outage,
    postgres::PostgresTarget,
    sqlite::SqliteTarget,
    usage::{Counted, Usage},
};

/// What to open.
#[derive(Clone)]
pub(super) enum Target {
    Postgres(PostgresTarget),
    Sqlite(SqliteTarget),
}

impl Target {
    async fn open(&self) -> Result<Wire, sqlx::Error> {
        match self {
            Self::Postgres(target) => target.open().await.map(Wire::Postgres),
            Self::Sqlite(target) => target.open().await.map(Wire::Sqlite),
        }
    }

    fn keeps_statements(&self) -> bool {
        match self {
            Self::Postgres(target) => target.keeps_statements(),
            Self::Sqlite(_) => true,
        }
    }
}

/// Opens connections for a pool.
pub(super) struct Connector {
    target: Target,
    runtime: Handle,
    outage: Arc<Outage>,
    usage: Arc<Usage>,
}

impl Connector {
    pub(super) fn new(target: Target, runtime: Handle, outage: Arc<Outage>, usage: Arc<Usage>) -> Self {
        Self { target, runtime, outage, usage }
    }

    /// The same, for connections that belong to `runtime`.
    pub(super) fn on(&self, runtime: Handle) -> Self {
        Self { target: self.target.clone(), runtime, outage: self.outage.clone(), usage: self.usage.clone() }
    }

    pub(super) fn outage(&self) -> &Outage {
        &self.outage
    }

    pub(super) fn usage(&self) -> &Arc<Usage> {
        &self.usage
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = sqlx::Error;

    /// Opens on the runtime that the pool was built on: a socket belongs to the runtime that opened it, and must not
    /// go down with the worker that happened to need it first.
    async fn create(&self) -> Result<Connection, sqlx::Error> {
        let limit = self.outage.wake_until().unwrap_or_else(|| Instant::now() + budget::CONNECT);
        let (target, outage, usage) = (self.target.clone(), self.outage.clone(), self.usage.clone());
        let opening = Opening(self.runtime.spawn(async move {
            let wire = timeout_at(limit, target.open()).await.map_err(|_| late("opening a connection"))??;
            let open = Counted::new(&usage, |usage| &usage.open);
            Ok(Connection::new(wire, target.keeps_statements(), outage, open))
        }));
        opening.await.unwrap_or_else(|ended| Err(sqlx::Error::Io(io::Error::other(ended))))
    }

    /// No round trip: whether a connection is still good shows when it is used.
    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        if connection.is_old() {
            return Err(RecycleError::message("the connection has had its time"));
        }
        if self.outage.has_lost(connection.used_at()) {
            return Err(RecycleError::message("others like it were lost"));
        }
        Ok(())
    }
}

/// A connection that is being opened. It ends with whoever waits for it: callers that come and go could otherwise open
/// more at once than the pool has room for.
struct Opening(JoinHandle<Result<Connection, sqlx::Error>>);

impl Future for Opening {
    type Output = Result<Result<Connection, sqlx::Error>, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What did not end in time, as the error that the engine never sent.
pub(super) fn late(what: &str) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, format!("{what} took too long")))
}
