//! How a growing number of failures slows further attempts down.

use std::time::Duration;

/// So many failures are free; from then on each one doubles the wait before the next attempt, up to a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    free: u32,
    first: Duration,
    cap: Duration,
}

impl Backoff {
    /// `free` failures without a wait, then `first`, twice that, and so on up to `cap`. No failure at all counts as one, a wait
    /// below a microsecond as that, and a cap below the first wait as the first wait: a limit is never off by accident.
    pub const fn new(free: u32, first: Duration, cap: Duration) -> Self {
        const LEAST: Duration = Duration::from_micros(1);
        let free = if free == 0 { 1 } else { free };
        let first = if first.as_nanos() < LEAST.as_nanos() { LEAST } else { first };
        let cap = if cap.as_nanos() < first.as_nanos() { first } else { cap };
        Self { free, first, cap }
    }

    /// How many failures cost nothing.
    pub const fn free(self) -> u32 {
        self.free
    }

    /// The same with no more free failures than these; at least one is.
    #[must_use]
    pub const fn with_free_at_most(self, free: u32) -> Self {
        let Self { free: own, first, cap } = self;
        Self::new(if free < own { free } else { own }, first, cap)
    }

    /// The longest wait.
    pub const fn cap(self) -> Duration {
        self.cap
    }

    /// The wait before the next attempt, once so many have failed.
    pub fn delay_after(self, failures: u32) -> Duration {
        match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(beyond) => {
                let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
                self.first.saturating_mul(factor).min(self.cap)
            }
        }
    }

    /// Every number of failures after which the wait is shorter than the cap and not zero, with that wait; for adapters that
    /// count where nobody can compute.
    pub fn growth(self) -> impl Iterator<Item = (u32, Duration)> {
        let steps = (self.free..).map(move |failures| (failures, self.delay_after(failures)));
        steps.take_while(move |(_, delay)| *delay < self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(backoff: Backoff, failures: impl IntoIterator<Item = u32>) -> Vec<u64> {
        failures.into_iter().map(|failures| backoff.delay_after(failures).as_secs()).collect()
    }

    const MINUTES: Backoff = Backoff::new(5, Duration::from_secs(1), Duration::from_mins(15));

    #[test]
    fn the_wait_doubles_from_the_last_free_failure_up_to_the_cap() {
        assert_eq!(seconds(MINUTES, 0..=8), [0, 0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(seconds(MINUTES, [14, 15, 16, 40, 100, u32::MAX]), [512, 900, 900, 900, 900, 900]);
    }

    #[test]
    fn the_growth_ends_where_the_cap_begins() {
        let growth: Vec<(u32, u64)> =
            MINUTES.growth().map(|(failures, delay)| (failures, delay.as_secs())).collect();
        assert_eq!(growth.first(), Some(&(5, 1)));
        assert_eq!(growth.last(), Some(&(14, 512)));
        let steady = Backoff::new(3, Duration::from_secs(9), Duration::from_secs(9));
        assert_eq!(steady.growth().count(), 0);
        assert_eq!(seconds(steady, 2..=4), [0, 9, 9]);
    }

    #[test]
    fn nothing_switches_it_off() {
        let zero = Backoff::new(0, Duration::ZERO, Duration::ZERO);
        assert_eq!(zero.free(), 1);
        assert!(!zero.delay_after(1).is_zero());
    }
}
