//! Housekeeping: rows whose time is up go away, in small batches, on one instance at a time. What each kind's time is stands
//! in `kind`; when a round begins is the server's to say.

mod kind;
mod removed;

use std::{sync::Arc, time::Duration};

pub use kind::{DENIAL_GRACE, Kind, SESSION_GRACE};
pub use removed::Removed;
use removed::Totals;
use uuid::Uuid;

use crate::ports::{Clock, Ids, Store, StoreError};

/// How many rows one statement removes at most, so that none of them is long in anybody's way.
pub const BATCH: u64 = 1_000;
/// How long the store has for others between two batches.
const PAUSE: Duration = Duration::from_millis(50);
/// How long an instance has housekeeping to itself without taking it again, which it does before each batch. When it stops,
/// it gives it back; when it dies, another one goes on after this time.
pub const LEASE: Duration = Duration::from_mins(2);
/// What the lease is called.
const NAME: &str = "housekeeping";

/// Removes what is over. Clones are one holder.
#[derive(Clone)]
pub struct Housekeeping {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    holder: Uuid,
    retention: Duration,
    totals: Arc<Totals>,
}

impl Housekeeping {
    /// Housekeeping in `store`. The security history is kept for `retention`, which must be longer than any token lives.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, ids: &dyn Ids, retention: Duration) -> Self {
        Self { store, clock, holder: ids.next(), retention, totals: Arc::default() }
    }

    /// One round: everything that is over, whatever of it there is. To be called from time to time, on any number of instances:
    /// where another one does it already, nothing happens. What fails is logged, and is left to the next round.
    pub async fn run(&self) -> Removed {
        let mut removed = Removed::default();
        for kind in Kind::ALL {
            match self.sweep(kind, &mut removed).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => tracing::warn!(
                    target: "holdfast::housekeeping",
                    kind = kind.name(),
                    error = &error as &dyn std::error::Error,
                    "rows that are over were not removed"
                ),
            }
        }
        if removed.total() > 0 {
            tracing::info!(target: "holdfast::housekeeping", rows = removed.total(), %removed, "removed what is over");
        }
        removed
    }

    /// Gives the lease back, where this instance has it, so that another one goes on at once. To be called when no round runs or
    /// will. What fails is logged: then another instance goes on once the lease is over.
    pub async fn give_back(&self) {
        if let Err(error) = self.store.leases().give_back(NAME, self.holder).await {
            tracing::warn!(
                target: "holdfast::housekeeping",
                error = &error as &dyn std::error::Error,
                "the lease was not given back"
            );
        }
    }

    /// What was removed here since the process began.
    pub fn removed(&self) -> Removed {
        self.totals.read()
    }

    /// Removes all of one kind; false when another instance has taken over.
    async fn sweep(&self, kind: Kind, removed: &mut Removed) -> Result<bool, StoreError> {
        loop {
            let now = self.clock.now();
            if !self.store.leases().take(NAME, self.holder, now, now.plus(LEASE)).await? {
                return Ok(false);
            }
            let rows = kind.sweep(&*self.store, now, self.retention, BATCH).await?;
            removed.add(kind, rows);
            self.totals.add(kind, rows);
            if rows < BATCH {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
