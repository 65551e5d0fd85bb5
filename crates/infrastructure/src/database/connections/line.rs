//! A pool and the line of those who wait for one of its connections: how long it may grow, how long anybody stands in it,
//! and what wakes the database. What is done with a connection is the lease's matter.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{Pool, PoolConfig, PoolError, QueueMode, TimeoutType, Timeouts},
};
use sea_orm::{ConnAcquireErr, DbErr};
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore},
    time::{Instant, interval, timeout_at},
};

use super::{budget, budget::Deadline, connector::Connector, lease::Lease, usage::Counted};
use crate::database::error::connection_error;

/// How many may wait for each connection. While a statement takes 15 ms or less, the last of 64 has its turn within the
/// second that it may wait; a longer line would only grow old together.
const PLACES_PER_CONNECTION: usize = 64;
/// How many may wait for a small pool, and for the one writer of SQLite: a crowd of a hundred must find room.
const LEAST_PLACES: usize = 256;
/// An idle connection is closed after this long: before a load balancer or a NAT gateway forgets it, which the earliest
/// do after four minutes.
const IDLE: Duration = Duration::from_mins(3);
/// How often idle connections are looked for.
const LOOK: Duration = Duration::from_secs(30);

/// Connections of one kind. Cloning shares them.
#[derive(Clone)]
pub(super) struct Line {
    pool: Pool<Connector>,
    places: Arc<Semaphore>,
    waker: Arc<Waker>,
    runtime: Handle,
}

/// Who opens the first connection to a database that may be asleep: one for all, on nobody's behalf. The opening goes on
/// when those who wait for it give up, so that the next request finds what this one has woken.
#[derive(Default)]
struct Waker {
    at_work: AtomicBool,
    ended: Notify,
}

/// Ends with the task that wakes, however that one ends.
struct AtWork(Arc<Waker>);

impl Drop for AtWork {
    fn drop(&mut self) {
        let Waker { at_work, ended } = &*self.0;
        at_work.store(false, Ordering::Release);
        ended.notify_waiters();
    }
}

impl Line {
    /// No connection is opened yet. All of them, and their closing, belong to `runtime`.
    pub(super) fn new(connector: Connector, size: usize, runtime: Handle) -> Self {
        let size = size.max(1);
        // The connection used last is the one most likely to be alive still.
        let config = PoolConfig { max_size: size, timeouts: Timeouts::new(), queue_mode: QueueMode::Lifo };
        let built = Pool::builder(connector).config(config).runtime(Runtime::Tokio1).build();
        #[expect(
            clippy::expect_used,
            reason = "building fails only for time-outs without a runtime, and one is named"
        )]
        let pool = built.expect("a runtime is named");
        let places = (size * PLACES_PER_CONNECTION).max(LEAST_PLACES);
        Self { pool, places: Arc::new(Semaphore::new(places)), waker: Arc::default(), runtime }
    }

    /// Another line to the same database, of `size` connections that belong to `runtime`.
    pub(super) fn another(&self, size: usize, runtime: Handle) -> Self {
        let line = Self::new(self.pool.manager().on(runtime.clone()), size, runtime);
        line.close_idle();
        line
    }

    /// From now on closes connections that nobody needs, until the pool is gone.
    pub(super) fn close_idle(&self) {
        self.close_idle_after(IDLE, LOOK);
    }

    fn close_idle_after(&self, idle: Duration, look: Duration) {
        let pool = self.pool.weak();
        self.runtime.spawn(async move {
            let mut looks = interval(look);
            loop {
                looks.tick().await;
                let Some(pool) = pool.upgrade() else { return };
                pool.retain(|connection, _| !connection.is_old() && connection.used_at().elapsed() < idle);
            }
        });
    }

    /// A connection, after a wait of at most the acquire budget. Whoever finds the line full is refused at once.
    pub(super) async fn acquire(&self, deadline: &Deadline) -> Result<Lease, DbErr> {
        self.within(budget::ACQUIRE, deadline).await?.ok_or_else(late)
    }

    /// A connection, unless others have them all.
    pub(super) async fn acquire_free(&self, deadline: &Deadline) -> Result<Option<Lease>, DbErr> {
        self.within(Duration::ZERO, deadline).await
    }

    async fn within(&self, wait: Duration, deadline: &Deadline) -> Result<Option<Lease>, DbErr> {
        let usage = self.pool.manager().usage();
        let _place = self.places.try_acquire().map_err(|_| {
            usage.full.count();
            late()
        })?;
        if let Some(until) = self.pool.manager().outage().wake_until() {
            self.wake(until, deadline).await?;
        }
        let timeouts = Timeouts { wait: Some(wait), create: None, recycle: None };
        let acquired = timeout_at(deadline.at(), self.pool.timeout_get(&timeouts)).await;
        match acquired.map_err(|_| late())? {
            Ok(connection) => Ok(Some(Lease::new(connection, Counted::new(usage, |usage| &usage.in_use)))),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Ok(None),
            Err(error) => Err(acquire_error(error)),
        }
    }

    /// Waits until the first connection stands, which counts for no budget, or until it is known that it will not: then the
    /// caller's own try tells why.
    async fn wake(&self, until: Instant, deadline: &Deadline) -> Result<(), DbErr> {
        let ended = self.waker.ended.notified();
        tokio::pin!(ended);
        // Before the look, so that no end is missed.
        ended.as_mut().enable();
        if !self.waker.at_work.swap(true, Ordering::AcqRel) {
            let (pool, waker) = (self.pool.clone(), AtWork(self.waker.clone()));
            self.runtime.spawn(async move {
                // The connection lies in the pool from here on.
                drop(timeout_at(until, pool.get()).await);
                drop(waker);
            });
        }
        timeout_at(until.min(deadline.of_waking()), ended).await.map_err(|_| late())?;
        deadline.restart();
        Ok(())
    }
}

#[cfg(test)]
impl Line {
    pub(super) fn open(&self) -> usize {
        self.pool.status().size
    }
}

fn late() -> DbErr {
    DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)
}

fn acquire_error(error: PoolError<sqlx::Error>) -> DbErr {
    match error {
        PoolError::Backend(error) => connection_error(error),
        PoolError::Timeout(_) => late(),
        PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::connections::{
        connector::Target, outage::Outage, sqlite::SqliteTarget, usage::Usage,
    };

    /// On a new file, which the value keeps.
    fn line(size: usize) -> (Line, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let target = Target::Sqlite(SqliteTarget::reader(file.path(), 10));
        let outage = Arc::new(Outage::new(Duration::ZERO));
        let connector = Connector::new(target, Handle::current(), outage, Usage::new());
        (Line::new(connector, size, Handle::current()), file)
    }

    #[tokio::test]
    async fn whoever_finds_the_line_full_is_refused_and_the_line_empties_again() {
        let (line, _file) = line(1);
        let held = line.acquire(&Deadline::start()).await.unwrap();
        let waiting: Vec<_> = (0..LEAST_PLACES)
            .map(|_| {
                let line = line.clone();
                tokio::spawn(async move { line.acquire(&Deadline::start()).await.map(drop) })
            })
            .collect();
        while line.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        // Nobody lets go of the connection, and yet there is an answer without a wait.
        let refused = futures_util::FutureExt::now_or_never(line.acquire(&Deadline::start()));
        assert!(matches!(refused, Some(Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)))));
        drop(held);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        assert_eq!(line.places.available_permits(), LEAST_PLACES);
    }

    #[test]
    fn a_crowd_of_a_hundred_has_room_before_every_pool() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _inside = runtime.enter();
        for (size, places) in [(0, 256), (1, 256), (4, 256), (10, 640), (1_000, 64_000)] {
            assert_eq!(line(size).0.places.available_permits(), places, "{size}");
        }
    }

    #[tokio::test]
    async fn idle_connections_are_closed_and_opened_again_when_they_are_needed() {
        let (line, _file) = line(2);
        drop((
            line.acquire(&Deadline::start()).await.unwrap(),
            line.acquire(&Deadline::start()).await.unwrap(),
        ));
        assert_eq!(line.pool.status().size, 2);
        line.close_idle_after(Duration::ZERO, Duration::from_millis(1));
        while line.pool.status().size > 0 {
            tokio::task::yield_now().await;
        }
        line.acquire(&Deadline::start()).await.unwrap();
    }
}
