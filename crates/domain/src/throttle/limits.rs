//! Which attempts are let through to the verification of a password (docs/security.md, "Throttling").

use std::time::Duration;

use super::{Backoff, Counter, REMEMBERED_FOR};
use crate::Timestamp;

/// What slows attempts against one principal down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From one network.
    pub network: Backoff,
    /// From all networks together that are not known.
    pub account: Backoff,
}

impl Limits {
    /// 5 failures from one network, then a wait of 1 s that doubles; 100 a day from networks that are not known, then a wait of
    /// 30 s that doubles; never more than 15 minutes.
    pub const DEFAULT: Self = Self {
        network: Backoff::new(5, Duration::from_secs(1), Duration::from_mins(15)),
        account: Backoff::new(100, Duration::from_secs(30), Duration::from_mins(15)),
    };

    /// The same for codes of a second factor. A code is guessed far sooner than a password (three of a million are good at any
    /// time), and whoever tries has the password already: from all networks together that are not known, no more are free than
    /// [`Limits::FREE_CODES`].
    #[must_use]
    pub fn for_codes(self) -> Self {
        let Self { network, account } = self;
        Self { network, account: account.with_free_at_most(Self::FREE_CODES) }
    }

    /// See [`Limits::for_codes`].
    pub const FREE_CODES: u32 = 10;

    /// Whether an attempt may be verified at `at`. From a known network nothing counts but what failed there.
    pub fn judge(&self, counters: &Counters, at: Timestamp) -> Result<(), Throttled> {
        let found = self.in_the_way(counters, at).map(|(_, throttled)| throttled);
        found.max_by_key(|throttled| throttled.retry_after).map_or(Ok(()), Err)
    }

    /// Whether nothing is in the way of an attempt at `at` but attempts that have not ended: it is worth waiting for them.
    pub fn may_clear(&self, counters: &Counters, at: Timestamp) -> bool {
        self.in_the_way(counters, at).all(|(counter, _)| counter.is_pending(at))
    }

    /// The counters that hold an attempt at `at` up.
    fn in_the_way(&self, counters: &Counters, at: Timestamp) -> impl Iterator<Item = (Counter, Throttled)> {
        let Counters { network, account } = *counters;
        let account = account.filter(|_| !counters.is_known(at));
        [(Limit::Network, network), (Limit::Account, account)].into_iter().filter_map(
            move |(limit, counter)| {
                let (counter, backoff) = (counter?, self.of(limit));
                let retry_after = counter.wait(backoff, at)?;
                Some((counter, Throttled { limit, quota: backoff.free(), retry_after }))
            },
        )
    }

    /// Counts an attempt that begins at `at`, and answers the counters that it went into.
    pub fn count(&self, counters: &Counters, at: Timestamp) -> Result<Counters, Throttled> {
        self.judge(counters, at)?;
        let Counters { network, account } = counters;
        let unknown = !counters.is_known(at);
        Ok(Counters {
            network: Some(Counter::counted(network.as_ref(), self.network, at)),
            account: unknown.then(|| Counter::counted(account.as_ref(), self.account, at)),
        })
    }

    /// Whether the failure that `counted` ends with is the one from which on attempts wait. True once in a series.
    pub fn sets_in(&self, counted: &Counters) -> bool {
        let Counters { network, account } = counted;
        let reached = |counter: &Option<Counter>, backoff: Backoff| {
            counter.is_some_and(|counter| counter.failures == backoff.free())
        };
        reached(network, self.network) || reached(account, self.account)
    }

    const fn of(&self, limit: Limit) -> Backoff {
        match limit {
            Limit::Network => self.network,
            Limit::Account => self.account,
        }
    }
}

/// What is counted against one principal, as seen from one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Failures from that network.
    pub network: Option<Counter>,
    /// Failures from all networks together that were not known when they failed.
    pub account: Option<Counter>,
}

impl Counters {
    /// Whether the network had a success not long before `at`.
    pub fn is_known(&self, at: Timestamp) -> bool {
        self.network.is_some_and(|counter| counter.is_known(at))
    }
}

/// Which limit an attempt ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The one on failures from one network.
    Network,
    /// The one on failures from networks that are not known.
    Account,
}

/// The attempt comes too early. Its password is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Too many attempts; try again in {} s", .retry_after.as_micros().div_ceil(1_000_000))]
pub struct Throttled {
    /// Why.
    pub limit: Limit,
    /// How many failures within [`Throttled::WINDOW`] cost nothing.
    pub quota: u32,
    /// When the next attempt may be made.
    pub retry_after: Duration,
}

impl Throttled {
    /// The time in which failures are counted together.
    pub const WINDOW: Duration = REMEMBERED_FOR;
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        network: Backoff::new(2, Duration::from_secs(1), Duration::from_mins(1)),
        account: Backoff::new(3, Duration::from_secs(10), Duration::from_mins(1)),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn failed(backoff: Backoff, times: u32) -> Option<Counter> {
        (0..times).fold(None, |counter, _| Some(Counter::counted(counter.as_ref(), backoff, at(0))))
    }

    #[test]
    fn codes_have_fewer_free_failures_than_passwords_and_the_same_waits() {
        let codes = Limits::DEFAULT.for_codes();
        assert_eq!((codes.network, codes.account.free()), (Limits::DEFAULT.network, 10));
        assert_eq!(codes.account.delay_after(10), Duration::from_secs(30));
        assert_eq!(LIMITS.for_codes(), LIMITS, "a limit that is stricter stays");
    }

    #[test]
    fn a_known_network_does_not_suffer_from_what_others_do() {
        let account = failed(LIMITS.account, 50);
        let stranger = Counters { network: None, account };
        let throttled = LIMITS.judge(&stranger, at(1)).unwrap_err();
        assert_eq!(
            throttled,
            Throttled { limit: Limit::Account, quota: 3, retry_after: Duration::from_secs(59) }
        );
        let owner = Counters { network: Some(Counter::cleared(at(0))), account };
        let counted = LIMITS.count(&owner, at(1)).unwrap();
        assert_eq!((counted.network.unwrap().failures, counted.account), (1, None));
    }

    #[test]
    fn the_longer_wait_is_told() {
        let both = Counters { network: failed(LIMITS.network, 2), account: failed(LIMITS.account, 3) };
        assert_eq!(LIMITS.judge(&both, at(0)).unwrap_err().limit, Limit::Account);
        let both = Counters { network: failed(LIMITS.network, 6), account: failed(LIMITS.account, 3) };
        assert_eq!(LIMITS.judge(&both, at(0)).unwrap_err().limit, Limit::Network);
    }

    #[test]
    fn it_is_worth_waiting_only_where_nothing_but_attempts_under_way_is_in_the_way() {
        let network = failed(LIMITS.network, 6);
        let under_way = Counters { network, account: None };
        assert!(LIMITS.judge(&under_way, at(1)).is_err() && LIMITS.may_clear(&under_way, at(1)));
        assert!(LIMITS.judge(&under_way, at(11)).is_err() && !LIMITS.may_clear(&under_way, at(11)));
        let ended = network.map(|counter| Counter { pending: 0, ..counter });
        for (network, account) in [(ended, None), (ended, failed(LIMITS.account, 3))] {
            assert!(!LIMITS.may_clear(&Counters { network, account }, at(1)), "{account:?}");
        }
        assert!(LIMITS.may_clear(&Counters::default(), at(1)), "nothing is in the way");
    }

    #[test]
    fn an_attempt_from_an_unknown_network_counts_twice() {
        let first = LIMITS.count(&Counters::default(), at(0)).unwrap();
        assert_eq!(first.network.map(|counter| counter.failures), Some(1));
        assert_eq!(first.account.map(|counter| counter.failures), Some(1));
        assert!(!LIMITS.sets_in(&first));
        let second = LIMITS.count(&first, at(0)).unwrap();
        assert!(LIMITS.sets_in(&second));
        assert!(LIMITS.count(&second, at(0)).is_err());
        assert!(!LIMITS.sets_in(&LIMITS.count(&Counters { account: None, ..second }, at(9)).unwrap()));
    }
}
