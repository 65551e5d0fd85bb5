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
/// A sign of life from a connection that has been idle.
const PING: Duration = Duration::from_millis(500);
/// How long the database has to send its own time-out before the client gives up and closes the connection.
const GRACE: Duration = Duration::from_millis(100);

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
