//! How a pool is used at the moment, for whoever watches over it. Nothing is decided by it.

use std::sync::Arc;

use holdfast_application::measure::{Counter, Durations, Level, PARTS};

/// Figures of one pool, whose lines share them.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) open: Level,
    pub(super) in_use: Level,
    pub(super) waiting: Level,
    /// How often a line was found full.
    pub(super) full: Counter,
    /// How often nobody got a connection, for whatever reason.
    pub(super) refused: Counter,
    /// How long those waited who got one.
    pub(super) acquired: Durations,
}

impl Usage {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            open: Level::default(),
            in_use: Level::default(),
            waiting: Level::default(),
            full: Counter::default(),
            refused: Counter::default(),
            acquired: Durations::new(PARTS),
        })
    }
}

/// Counts for as long as it lives.
pub(super) struct Counted {
    usage: Arc<Usage>,
    of: fn(&Usage) -> &Level,
}

impl Counted {
    pub(super) fn new(usage: &Arc<Usage>, of: fn(&Usage) -> &Level) -> Self {
        of(usage).rise();
        Self { usage: usage.clone(), of }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.of)(&self.usage).fall();
    }
}
