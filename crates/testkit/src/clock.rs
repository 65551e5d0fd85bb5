//! A clock that stands still until a test moves it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use holdfast_application::{domain::Timestamp, ports::Clock};

/// Tells the time that it was set to. Clones are one clock.
#[derive(Debug, Clone)]
pub struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.micros())))
    }

    /// Moves the hands to `now`, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }

    /// Moves the hands forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

/// Stands at 2026-01-01T00:00:00Z.
impl Default for FixedClock {
    fn default() -> Self {
        Self::at(crate::fixtures::epoch())
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).expect("only timestamps are stored")
    }
}
