//! What is remembered of attempts that failed.

use std::time::Duration;

use super::Backoff;
use crate::Timestamp;

/// A day after the first failure it counts, a counter begins anew.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(24);
/// How long an attempt that was counted may be under way. One of which nothing was heard for longer was a failure: whoever made
/// it went away, or the instance did.
pub const UNDER_WAY_FOR: Duration = Duration::from_secs(10);
/// How long a success makes a network a known one.
pub const KNOWN_FOR: Duration = Duration::from_hours(30 * 24);

/// Failures against one principal: from one network, or from all networks together that are not known.
///
/// An attempt is counted as a failure when it begins, and taken out again when it turns out to be none. So attempts at the same
/// moment cannot share one free slot. How many of them have not ended is counted as well: whoever is in the way of nothing but
/// those waits a moment for their ends, because nobody has failed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Attempts that failed, or have not ended yet.
    pub failures: u32,
    /// When the first of them began.
    pub since: Timestamp,
    /// When the next attempt may begin.
    pub blocked_until: Timestamp,
    /// The last success, where there was one. Always absent in the counter of networks that are not known.
    pub succeeded_at: Option<Timestamp>,
    /// How many of the failures have not ended yet, as far as is known.
    pub pending: u32,
    /// From then on none of them counts as under way any more.
    pub pending_until: Timestamp,
}

impl Counter {
    /// How long an attempt at `at` has to wait, if it has to.
    ///
    /// While failures are free no end counts: attempts at the same moment may be counted in another order than they began.
    /// An end that lies more than two caps ahead was written by a clock that has been set back since, and holds nobody up. One
    /// cap would not do: clocks of several instances differ a little.
    pub fn wait(&self, backoff: Backoff, at: Timestamp) -> Option<Duration> {
        let wait = self.blocked_until.since(at);
        let costs = self.failures >= backoff.free() && !self.is_over(at);
        let holds = costs && !wait.is_zero() && wait <= 2 * backoff.cap();
        holds.then(|| wait.min(backoff.cap()))
    }

    /// The counter after one more attempt, which begins at `at`.
    #[must_use]
    pub fn counted(previous: Option<&Self>, backoff: Backoff, at: Timestamp) -> Self {
        let succeeded_at = previous.and_then(|counter| counter.succeeded_at);
        let (failures, since) = match previous {
            Some(counter) if !counter.is_over(at) => (counter.failures.saturating_add(1), counter.since),
            Some(_) | None => (1, at),
        };
        let pending = match previous {
            Some(counter) if !counter.is_over(at) && at < counter.pending_until => {
                counter.pending.saturating_add(1)
            }
            Some(_) | None => 1,
        };
        let pending_until = at.plus(UNDER_WAY_FOR);
        let blocked_until = at.plus(backoff.delay_after(failures));
        Self { failures, since, blocked_until, succeeded_at, pending, pending_until }
    }

    /// Whether an attempt is under way at `at`, whose end may change what the counter says. As in [`Counter::wait`], a time that
    /// lies too far ahead holds nobody up.
    pub fn is_pending(&self, at: Timestamp) -> bool {
        let left = self.pending_until.since(at);
        self.pending > 0 && !left.is_zero() && left <= 2 * UNDER_WAY_FOR
    }

    /// The counter once an attempt that was counted as `counted` has failed.
    #[must_use]
    pub fn failed(&self, counted: &Self) -> Self {
        let ended = u32::from(self.since == counted.since);
        Self { pending: self.pending.saturating_sub(ended), ..*self }
    }

    /// The counter without an attempt that was counted as `counted` at `at`: it was no failure. Attempts that were counted
    /// since keep what they brought about.
    #[must_use]
    pub fn given_back(&self, counted: &Self, at: Timestamp) -> Self {
        if self.since != counted.since || self.failures == 0 {
            return *self;
        }
        let last = self.blocked_until == counted.blocked_until;
        let blocked_until = if last { at } else { self.blocked_until };
        let pending = self.pending.saturating_sub(1);
        Self { failures: self.failures - 1, blocked_until, pending, ..*self }
    }

    /// The counter of a network after a success at `at`.
    pub const fn cleared(at: Timestamp) -> Self {
        Self {
            failures: 0,
            since: at,
            blocked_until: at,
            succeeded_at: Some(at),
            pending: 0,
            pending_until: at,
        }
    }

    /// Whether the network counts as a known one at `at`.
    pub fn is_known(&self, at: Timestamp) -> bool {
        self.succeeded_at.is_some_and(|success| at < success.plus(KNOWN_FOR))
    }

    /// From when on the counter says nothing any more and may be forgotten.
    pub fn expires_at(&self) -> Timestamp {
        let over = self.since.plus(REMEMBERED_FOR);
        self.succeeded_at.map_or(over, |success| over.max(success.plus(KNOWN_FOR)))
    }

    fn is_over(&self, at: Timestamp) -> bool {
        self.since.plus(REMEMBERED_FOR) <= at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff::new(2, Duration::from_secs(10), Duration::from_secs(40));

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn counted(times: &[i64]) -> Counter {
        let add = |counter: Option<Counter>, time: &i64| {
            Some(Counter::counted(counter.as_ref(), BACKOFF, at(*time)))
        };
        times.iter().fold(None, add).unwrap()
    }

    #[test]
    fn the_wait_ends_to_the_microsecond() {
        let counter = counted(&[0, 5]);
        assert_eq!(counter.wait(BACKOFF, at(5)), Some(Duration::from_secs(10)));
        let last = at(15).minus(Duration::from_micros(1));
        assert_eq!(counter.wait(BACKOFF, last), Some(Duration::from_micros(1)));
        assert_eq!(counter.wait(BACKOFF, at(15)), None);
        assert_eq!(counted(&[0]).wait(BACKOFF, at(0)), None);
    }

    #[test]
    fn a_day_after_its_first_failure_a_counter_begins_anew() {
        let day = 24 * 3_600;
        let counter = counted(&[0, 1, day - 1]);
        assert_eq!(
            (counter.failures, counter.wait(BACKOFF, at(day - 1))),
            (3, Some(Duration::from_secs(20)))
        );
        assert_eq!(counter.wait(BACKOFF, at(day)), None);
        assert_eq!(counter.expires_at(), at(day));
        let next = Counter::counted(Some(&counter), BACKOFF, at(day));
        assert_eq!((next.failures, next.since), (1, at(day)));
    }

    #[test]
    fn a_success_clears_and_is_remembered_for_thirty_days() {
        let month = 30 * 24 * 3_600;
        let cleared = Counter::cleared(at(100));
        assert_eq!(cleared.wait(BACKOFF, at(100)), None);
        assert!(cleared.is_known(at(99)) && cleared.is_known(at(100 + month - 1)));
        assert!(!cleared.is_known(at(100 + month)));
        assert_eq!(cleared.expires_at(), at(100 + month));
        let failed = Counter::counted(Some(&cleared), BACKOFF, at(101));
        assert_eq!((failed.failures, failed.since, failed.succeeded_at), (1, at(100), Some(at(100))));
        assert!(!counted(&[0]).is_known(at(0)));
    }

    #[test]
    fn while_failures_are_free_nobody_waits_in_whatever_order_they_are_counted() {
        assert_eq!(counted(&[9]).wait(BACKOFF, at(5)), None);
        assert_eq!(counted(&[9, 5]).wait(BACKOFF, at(5)), Some(Duration::from_secs(10)));
        assert_eq!(Counter::cleared(at(9)).wait(BACKOFF, at(5)), None);
    }

    #[test]
    fn what_is_given_back_leaves_the_failures_of_others() {
        let [first, second] = [counted(&[0]), counted(&[0, 5])];
        assert_eq!(second.given_back(&second, at(5)).wait(BACKOFF, at(5)), None);
        assert_eq!(second.given_back(&second, at(5)).failures, 1);
        let kept = second.given_back(&first, at(0));
        assert_eq!((kept.failures, kept.blocked_until), (1, second.blocked_until));
        let cleared = Counter::cleared(at(7));
        assert_eq!(cleared.given_back(&second, at(5)), cleared, "it is taken out already");
        let cleared = Counter::cleared(at(0));
        assert_eq!(cleared.given_back(&second, at(5)), cleared, "also where it began at the same moment");
        let anew = counted(&[0, 24 * 3_600]);
        assert_eq!(
            anew.given_back(&first, at(0)),
            anew,
            "what was counted the day before is not of this day"
        );
    }

    #[test]
    fn an_attempt_is_under_way_until_its_end_is_told_or_it_takes_too_long() {
        let [first, second] = [counted(&[0]), counted(&[0, 5])];
        assert_eq!((first.pending, second.pending), (1, 2));
        let one = second.failed(&first);
        assert_eq!((one.pending, one.failures, one.blocked_until), (1, 2, second.blocked_until));
        assert!(one.is_pending(at(14)) && !one.is_pending(at(15)));
        assert!(!one.failed(&second).is_pending(at(6)));
        assert!(!second.given_back(&second, at(5)).given_back(&first, at(0)).is_pending(at(5)));
        assert_eq!(counted(&[0, 10]).pending, 1, "of the first nothing was heard for too long");
        let cleared = Counter::cleared(at(5));
        assert_eq!((cleared.failed(&first), cleared.is_pending(at(5))), (cleared, false));
        assert!(!counted(&[1_000]).is_pending(at(900)), "a clock was set back");
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nobody_up() {
        let counter = counted(&[1_000, 1_000]);
        assert_eq!(counter.wait(BACKOFF, at(990)), Some(Duration::from_secs(20)));
        assert_eq!(counter.wait(BACKOFF, at(935)), Some(Duration::from_secs(40)));
        assert_eq!(counter.wait(BACKOFF, at(920)), None);
    }
}
