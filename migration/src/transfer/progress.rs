//! Tells how far a transfer has come: a line in the log for each table, and now and then one within a large one.

use std::time::Duration;

use tokio::time::Instant;

const INTERVAL: Duration = Duration::from_secs(5);

pub(crate) struct Progress {
    what: &'static str,
    told: Instant,
}

impl Progress {
    /// `what` is done to the rows.
    pub(crate) fn begin(what: &'static str) -> Self {
        Self { what, told: Instant::now() }
    }

    pub(crate) fn advance(&mut self, table: &str, rows: u64) {
        // The clock is asked now and then.
        if rows.is_multiple_of(1_000) && self.told.elapsed() >= INTERVAL {
            self.told = Instant::now();
            tracing::info!(table, rows, "{}, and going on", self.what);
        }
    }

    pub(crate) fn finish(&mut self, table: &str, rows: u64) {
        self.told = Instant::now();
        tracing::info!(table, rows, "{}", self.what);
    }
}
