//! Whether the database sleeps or is gone, as far as its connections tell.
//!
//! A database that was left alone may have gone to sleep (Neon), and the first to come waits until it is awake. One
//! that was lost under way is gone: nobody waits for it longer than for any connection.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A database that answered this recently cannot have gone to sleep meanwhile.
const RECENT: Duration = Duration::from_secs(30);

/// Watches over the connections of one pool.
pub(super) struct Outage {
    wake_timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: usize,
    last_answer: Option<Instant>,
    /// Set from the first try without a live connection until the next success: all tries share this much patience.
    wake_until: Option<Instant>,
    /// When a statement began whose connection was lost.
    lost_since: Option<Instant>,
}

impl Outage {
    pub(super) fn new(wake_timeout: Duration) -> Self {
        Self { wake_timeout, state: Mutex::default() }
    }

    pub(super) fn connected(&self) {
        let mut state = self.state();
        state.live += 1;
        state.wake_until = None;
    }

    /// A connection that last answered at `used_at` is closed.
    pub(super) fn disconnected(&self, used_at: Instant) {
        let mut state = self.state();
        state.live = state.live.saturating_sub(1);
        state.last_answer = state.last_answer.max(Some(used_at));
    }

    /// A connection was lost by a statement that began at `started`.
    pub(super) fn lost(&self, started: Instant) {
        let mut state = self.state();
        state.lost_since = state.lost_since.max(Some(started));
    }

    /// Whether a connection that last answered at `used_at` has most likely been lost as well: it was idle when another was.
    pub(super) fn has_lost(&self, used_at: Instant) -> bool {
        self.state().lost_since.is_some_and(|started| used_at <= started)
    }

    /// Until when to wait for a database that wakes up; nothing unless it may be asleep.
    pub(super) fn wake_until(&self) -> Option<Instant> {
        let mut state = self.state();
        if state.live > 0 {
            return None;
        }
        let now = Instant::now();
        let lost_just_now = state.last_answer.is_some_and(|at| now.duration_since(at) < RECENT);
        let patience = if lost_just_now { Duration::ZERO } else { self.wake_timeout };
        let until = *state.wake_until.get_or_insert(now + patience);
        (until > now).then_some(until)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const WAKE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_database_that_was_never_seen_may_take_its_time_once() {
        let outage = Outage::new(WAKE);
        let until = outage.wake_until().unwrap();
        assert_eq!(until, Instant::now() + WAKE);
        advance(Duration::from_secs(2)).await;
        assert_eq!(outage.wake_until(), Some(until));
        advance(Duration::from_secs(3)).await;
        assert_eq!(outage.wake_until(), None);
        advance(Duration::from_hours(1)).await;
        assert_eq!(outage.wake_until(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_lost_under_way_gets_no_patience() {
        let outage = Outage::new(WAKE);
        outage.connected();
        outage.disconnected(Instant::now());
        assert_eq!(outage.wake_until(), None);
        advance(Duration::from_mins(10)).await;
        assert_eq!(outage.wake_until(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_left_alone_may_be_asleep() {
        let outage = Outage::new(WAKE);
        outage.connected();
        let used_at = Instant::now();
        assert_eq!(outage.wake_until(), None);
        advance(Duration::from_mins(5)).await;
        outage.disconnected(used_at);
        assert_eq!(outage.wake_until(), Some(Instant::now() + WAKE));
    }
}
