//! Whose connections a call uses: those of its own thread, where it has some, or those that all the others share. An answer
//! on a connection of its own wakes nobody else, which halves what a short query costs.

use std::{
    cell::RefCell,
    sync::{Arc, Weak},
};

use sea_orm::DbErr;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{budget::Deadline, lease::Lease, line::Line};

/// A thread with fewer would have its requests wait for each other more than a shared line has them wait.
const LEAST_SHARE: usize = 2;

thread_local! {
    /// What this thread has for itself. Its end closes them.
    static OWN: RefCell<Vec<Own>> = const { RefCell::new(Vec::new()) };
}

struct Own {
    of: Weak<Line>,
    line: Arc<Line>,
}

/// The line that is shared and, for threads that settled, their own. Cloning shares them.
#[derive(Clone)]
pub(super) struct Lines {
    shared: Arc<Line>,
    size: usize,
}

impl Lines {
    /// `shared` holds `size` connections.
    pub(super) fn new(shared: Line, size: usize) -> Self {
        Self { shared: Arc::new(shared), size }
    }

    /// Gives the current thread, one of `workers`, its part of the connections. Nothing happens where there are not enough of
    /// them, or where the current runtime has more threads than this one: a connection must not outlive its runtime's thread.
    pub(super) fn settle(&self, workers: usize) {
        let share = self.size.saturating_sub(1) / workers.max(1);
        let runtime = Handle::current();
        if share < LEAST_SHARE || runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return;
        }
        self.shared.resize(self.size - share * workers);
        let line = Arc::new(self.shared.another(share, runtime));
        OWN.with_borrow_mut(|own| {
            own.retain(|own| own.of.strong_count() > 0);
            own.push(Own { of: Arc::downgrade(&self.shared), line });
        });
    }

    /// A connection for the current thread.
    pub(super) async fn acquire(&self, deadline: &Deadline) -> Result<Lease, DbErr> {
        match self.own() {
            Some(own) => own.acquire(deadline).await,
            None => self.shared.acquire(deadline).await,
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
    };

    /// On a new file, which the value keeps.
    fn lines(size: usize) -> (Lines, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let target = Target::Sqlite(SqliteTarget::reader(file.path(), 10));
        let connector = Connector::new(target, Handle::current(), Arc::new(Outage::new(Duration::ZERO)));
        (Lines::new(Line::new(connector, size, Handle::current()), size), file)
    }

    #[tokio::test]
    async fn a_thread_that_settled_leaves_the_shared_connections_to_the_others() {
        let (lines, _file) = lines(10);
        let (others, elsewhere) = (lines.clone(), Arc::clone(&lines.shared));
        let worker = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                others.settle(2);
                let held = others.acquire(&Deadline::start()).await.unwrap();
                assert_eq!(others.own().unwrap().open(), 1);
                assert_eq!(elsewhere.open(), 0);
                drop(held);
            });
        });
        tokio::task::spawn_blocking(move || worker.join().unwrap()).await.unwrap();
        assert!(lines.own().is_none());
        let _held = lines.acquire(&Deadline::start()).await.unwrap();
        assert_eq!(lines.shared.open(), 1);
        // Two workers have four each.
        assert_eq!(lines.shared.capacity(), 2);
    }

    #[tokio::test]
    async fn where_connections_are_few_everybody_shares_them() {
        let (lines, _file) = lines(4);
        lines.settle(2);
        assert!(lines.own().is_none());
        assert_eq!(lines.shared.capacity(), 4);
    }
}
