//! Tells how far a long copy has come: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// Between two lines in a log.
const INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `total` rows of `what` are about to be copied.
    pub(super) fn begin(what: &'static str, total: u64) -> Self {
        let bar = (total > 0 && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{msg:>10} [{bar:40}] {human_pos}/{human_len} {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style).with_message(what)
        });
        Self { what, total, done: 0, told: Instant::now(), bar }
    }

    pub(super) fn advance(&mut self, rows: usize) {
        self.done += rows as u64;
        match &self.bar {
            Some(bar) => bar.set_position(self.done),
            None if self.told.elapsed() >= INTERVAL => {
                self.told = Instant::now();
                tracing::info!(done = self.done, total = self.total, "taking over {}", self.what);
            }
            None => {}
        }
    }

    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        if self.total > 0 {
            tracing::info!(rows = self.done, "took over {}", self.what);
        }
    }
}
