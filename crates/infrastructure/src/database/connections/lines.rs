//! Whose connections a call uses: those of its own thread, where it has some, or those that all share. An answer on a
//! connection of its own wakes no other thread, which halves what a short query costs.

use std::{
    cell::RefCell,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::future::{Either, select};
use sea_orm::DbErr;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    time::sleep,
};

use super::{budget::Deadline, lease::Lease, line::Line};

/// With fewer, nothing is gained: a thread would find its own taken most of the time.
const LEAST_SHARE: usize = 3;
/// How long a thread waits for connections of its own alone. An answer on a shared one takes two changes of threads, which a busy
/// machine has no time for; a thread whose own are all held by slow statements loses no more than this.
const PATIENCE: Duration = Duration::from_millis(20);

thread_local! {
    /// What this thread has for itself. Its end closes them.
    static OWN: RefCell<Vec<Own>> = const { RefCell::new(Vec::new()) };
}

struct Own {
    of: Weak<Line>,
    line: Arc<Line>,
}

/// The line that all share and, for threads that settled, their own. Cloning shares them.
#[derive(Clone)]
pub(super) struct Lines {
    shared: Arc<Line>,
    share: usize,
}

impl Lines {
    /// A line that nobody has a part of.
    pub(super) fn one(shared: Line) -> Self {
        Self { shared: Arc::new(shared), share: 0 }
    }

    /// Four fifths of `size` connections for `workers` threads to settle on, as far as that is three or more for each, and
    /// the rest, or all, for everybody.
    pub(super) fn divided(size: usize, workers: usize, line: impl FnOnce(usize) -> Line) -> Self {
        let share = match (size * 4).checked_div(5 * workers) {
            Some(share) if share >= LEAST_SHARE => share,
            _ => 0,
        };
        Self { shared: Arc::new(line(size - share * workers)), share }
    }

    /// Gives the current thread its part. Nothing happens where there is none, or where the current runtime has more threads
    /// than this one: a connection must not outlive its runtime's thread.
    pub(super) fn settle(&self) {
        let runtime = Handle::current();
        if self.share == 0 || runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return;
        }
        let line = Arc::new(self.shared.another(self.share, runtime));
        OWN.with_borrow_mut(|own| {
            own.retain(|own| own.of.strong_count() > 0);
            own.push(Own { of: Arc::downgrade(&self.shared), line });
        });
    }

    /// A connection for the current thread: one of its own, or after a while the first that becomes free, shared ones among them.
    pub(super) async fn acquire(&self, deadline: &Deadline) -> Result<Lease, DbErr> {
        let Some(own) = self.own() else {
            return self.shared.acquire(deadline).await;
        };
        if let Some(lease) = own.acquire_free(deadline).await? {
            return Ok(lease);
        }
        let mine = pin!(own.acquire(deadline));
        let anybodys = pin!(async {
            sleep(PATIENCE).await;
            self.shared.acquire(deadline).await
        });
        match select(mine, anybodys).await {
            Either::Left((Ok(lease), _)) | Either::Right((Ok(lease), _)) => Ok(lease),
            Either::Left((Err(_), anybodys)) => anybodys.await,
            Either::Right((Err(_), mine)) => mine.await,
        }
    }

    fn own(&self) -> Option<Arc<Line>> {
        OWN.with_borrow(|own| {
            let mine = |own: &&Own| std::ptr::eq(own.of.as_ptr(), Arc::as_ptr(&self.shared));
            own.iter().find(mine).map(|own| own.line.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::database::connections::{
        connector::{Connector, Target},
        outage::Outage,
        sqlite::SqliteTarget,
        usage::Usage,
    };

    /// On a new file, which the value keeps.
    fn lines(size: usize, workers: usize) -> (Lines, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let target = Target::Sqlite(SqliteTarget::reader(file.path(), 10));
        let outage = Arc::new(Outage::new(Duration::ZERO));
        let connector = Connector::new(target, Handle::current(), outage, Usage::new());
        let lines = Lines::divided(size, workers, |size| Line::new(connector, size, Handle::current()));
        (lines, file)
    }

    /// As many connections as the current thread can have at once.
    async fn all(lines: &Lines) -> Vec<Lease> {
        let mut held = Vec::new();
        while let Some(lease) = lines.shared.acquire_free(&Deadline::start()).await.unwrap() {
            held.push(lease);
        }
        held
    }

    fn on_a_worker<T: Send + 'static>(work: impl AsyncFnOnce() -> T + Send + 'static) -> T {
        let worker = std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work())
        });
        worker.join().unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_worker_takes_its_own_connections_first_and_shared_ones_beyond_them() {
        let (lines, _file) = lines(10, 2);
        let worker = lines.clone();
        let taken = on_a_worker(async move || {
            worker.settle();
            let mut held = Vec::new();
            for (own, shared) in [(1, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 2)] {
                held.push(worker.acquire(&Deadline::start()).await.unwrap());
                assert_eq!((worker.own().unwrap().open(), worker.shared.open()), (own, shared));
            }
            // All are taken: whichever comes back first is the next one's, be it shared or of this thread.
            for index in [5, 0] {
                let back = held.remove(index);
                let deadline = Deadline::start();
                let (next, ()) = tokio::join!(worker.acquire(&deadline), async { drop(back) });
                held.push(next.unwrap());
            }
            held.len()
        });
        assert_eq!(taken, 6);
        assert!(lines.own().is_none());
    }

    #[tokio::test]
    async fn there_are_never_more_connections_than_the_pool_may_have() {
        for (size, workers, for_everybody) in
            [(10, 2, 2), (10, 1, 2), (20, 4, 4), (10, 4, 10), (4, 2, 4), (1, 0, 1)]
        {
            let (lines, _file) = lines(size, workers);
            assert_eq!(all(&lines).await.len(), for_everybody, "{size} for {workers}");
            assert_eq!(for_everybody + lines.share * workers, size);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn where_connections_are_few_everybody_shares_them() {
        let (lines, _file) = lines(4, 2);
        let worker = lines.clone();
        assert!(on_a_worker(async move || {
            worker.settle();
            worker.own().is_none()
        }));
    }
}
