//! How long things may take: the budgets of one call and of its parts.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Opening one connection, while others are alive.
pub(super) const CONNECT: Duration = Duration::from_secs(1);
/// Waiting for a free connection.
pub(super) const ACQUIRE: Duration = Duration::from_secs(1);
/// Waiting for a database that wakes up, for each caller: a request may take 5 s, and needs the rest for its statements.
pub(super) const WAKE: Duration = Duration::from_secs(4);
/// One statement, as the database is told.
pub(super) const STATEMENT: Duration = Duration::from_secs(1);
/// One call of the store with everything in it: waiting, connecting, statements, further tries. It leaves 100 ms of the
/// promised 1.5 s for the way to the client.
const CALL: Duration = Duration::from_millis(1_400);
/// What a replica may take of a call before the primary has to answer: it leaves the primary a whole statement.
pub(super) const REPLICA: Duration = Duration::from_millis(300);
/// A sign of life from a connection that has been idle.
const PING: Duration = Duration::from_millis(500);
/// How long the database has to send its own time-out before the client gives up and closes the connection.
pub(super) const GRACE: Duration = Duration::from_millis(100);

/// When one call must be over. A database that wakes up moves it.
pub struct Deadline {
    started: Instant,
    at: Mutex<Instant>,
}

impl Deadline {
    pub(super) fn start() -> Self {
        let started = Instant::now();
        Self { started, at: Mutex::new(started + CALL) }
    }

    pub(super) fn at(&self) -> Instant {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew, once the time that went by does not count.
    pub(super) fn restart(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + CALL;
    }

    /// Until when the call may wait in all for a database that wakes up.
    pub(super) fn of_waking(&self) -> Instant {
        self.started + WAKE
    }

    /// The part of what is left in which a replica must have answered: never more than half of it.
    pub(super) fn of_replica(&self) -> Self {
        let now = Instant::now();
        let half = self.at().saturating_duration_since(now) / 2;
        Self { started: now, at: Mutex::new(now + half.min(REPLICA)) }
    }

    /// When a sign of life must have come.
    pub(super) fn of_ping(&self) -> Instant {
        self.at().min(Instant::now() + PING)
    }

    /// When a statement that begins now must be over.
    pub(super) fn of_statement(&self) -> Instant {
        self.at().min(Instant::now() + STATEMENT + GRACE)
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.at()
    }

    /// Whether there is time for another try after `pause`.
    pub(crate) fn allows(&self, pause: Duration) -> bool {
        Instant::now() + pause < self.at()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_replica_leaves_the_primary_a_whole_statement_and_never_less_than_half() {
        let call = Deadline::start();
        assert_eq!(call.at() - call.of_replica().at(), STATEMENT + GRACE);
        advance(Duration::from_secs(1)).await;
        let left = call.at() - Instant::now();
        assert_eq!(call.of_replica().at() - Instant::now(), left / 2);
        advance(Duration::from_secs(1)).await;
        assert_eq!(call.of_replica().at(), Instant::now());
    }
}
