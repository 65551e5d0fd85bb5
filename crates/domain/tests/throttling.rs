//! What throttling promises, whatever order attempts come in.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, time::Duration};

use holdfast_domain::{
    Timestamp,
    throttle::{Backoff, Counter, Counters, Limits},
};
use proptest::prelude::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(0)).unwrap_or_else(|error| panic!("{error}"))
}

/// All counters of one account.
#[derive(Default)]
struct Account {
    networks: BTreeMap<u32, Counter>,
    unknown: Option<Counter>,
}

impl Account {
    fn counters(&self, network: u32) -> Counters {
        Counters { network: self.networks.get(&network).copied(), account: self.unknown }
    }

    /// A wrong password: whether it was looked at.
    fn fails(&mut self, limits: &Limits, network: u32, at: Timestamp) -> bool {
        let Ok(counted) = limits.count(&self.counters(network), at) else { return false };
        self.networks.extend(counted.network.map(|counter| (network, counter)));
        self.unknown = counted.account.or(self.unknown);
        true
    }

    fn succeeds(&mut self, network: u32, at: Timestamp) {
        self.networks.insert(network, Counter::cleared(at));
    }
}

const DAY: u64 = 24 * 3_600;

#[test]
fn one_network_tries_about_a_hundred_passwords_a_day() {
    let mut account = Account::default();
    account.succeeds(1, at(0));
    let tried = (1..=DAY).filter(|second| account.fails(&Limits::DEFAULT, 1, at(*second))).count();
    // 5 at once, 10 while the wait doubles up to 15 minutes, and one each 15 minutes from then on.
    assert!((100..=111).contains(&tried), "{tried}");
}

#[test]
fn a_botnet_tries_about_two_hundred_passwords_a_day() {
    let mut account = Account::default();
    let fresh = |second: &u64| u32::try_from(*second).unwrap_or(0);
    let tried = (0..DAY).filter(|second| account.fails(&Limits::DEFAULT, fresh(second), at(*second))).count();
    // 100 at once, 5 while the wait doubles from 30 s, and one each 15 minutes from then on.
    assert!((190..=205).contains(&tried), "{tried}");
    assert!(account.fails(&Limits::DEFAULT, u32::MAX, at(DAY)), "the next day begins anew");
}

fn backoff() -> impl Strategy<Value = Backoff> {
    (1..8_u32, 1..100_u64, 1..2_000_u64).prop_map(|(free, first, cap)| {
        Backoff::new(free, Duration::from_secs(first), Duration::from_secs(cap))
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    (backoff(), backoff()).prop_map(|(network, account)| Limits { network, account })
}

/// Pauses, networks, and whether the password was right.
fn history() -> impl Strategy<Value = Vec<(u64, u32, bool)>> {
    prop::collection::vec((0..30_000_u64, 0..4_u32, prop::bool::weighted(0.1)), 1..60)
}

proptest! {
    #[test]
    fn nobody_waits_longer_than_the_cap_and_waiting_always_helps(limits in limits(), history in history()) {
        let (mut account, mut now) = (Account::default(), 0);
        for (pause, network, right) in history {
            now += pause;
            if let Err(throttled) = limits.judge(&account.counters(network), at(now)) {
                let cap = limits.network.cap().max(limits.account.cap());
                prop_assert!(!throttled.retry_after.is_zero() && throttled.retry_after <= cap);
                let then = at(now).plus(throttled.retry_after);
                prop_assert_eq!(limits.judge(&account.counters(network), then), Ok(()));
            } else if right {
                account.succeeds(network, at(now));
            } else {
                prop_assert!(account.fails(&limits, network, at(now)));
            }
        }
    }

    #[test]
    fn what_happens_elsewhere_changes_nothing_on_a_known_network(limits in limits(), history in history()) {
        let (mut attacked, mut quiet, mut now) = (Account::default(), Account::default(), 0);
        for account in [&mut attacked, &mut quiet] {
            account.succeeds(0, at(0));
        }
        for (pause, network, _) in history {
            now += pause.min(DAY / 4);
            let judged = attacked.fails(&limits, network, at(now));
            if network == 0 && now < 30 * DAY {
                prop_assert_eq!(judged, quiet.fails(&limits, 0, at(now)));
            }
        }
    }

    #[test]
    fn of_many_attempts_at_once_as_many_as_are_free_are_looked_at(limits in limits(), many in 1..64_u32) {
        let mut account = Account::default();
        let looked_at = (0..many).filter(|_| account.fails(&limits, 0, at(5))).count();
        let free = limits.network.free().min(limits.account.free()).min(many);
        prop_assert_eq!(looked_at, free as usize);
    }

    #[test]
    fn after_a_success_as_many_are_free_as_at_first(limits in limits(), before in 0..50_u64) {
        let mut account = Account::default();
        for second in 0..before {
            account.fails(&limits, 0, at(second));
        }
        account.succeeds(0, at(before));
        for _ in 0..limits.network.free() {
            prop_assert!(account.fails(&limits, 0, at(before)));
        }
        prop_assert!(!account.fails(&limits, 0, at(before)));
    }

    #[test]
    fn what_is_given_back_was_never_there(limits in limits(), before in 0..9_u64) {
        let mut account = Account::default();
        for second in 0..before {
            account.fails(&limits, 0, at(2_000 * second));
        }
        let (then, counters) = (at(2_000 * before), account.counters(0));
        if let Ok(Counters { network: Some(counted), .. }) = limits.count(&counters, then) {
            let after = counted.given_back(&counted, then);
            prop_assert_eq!(after.failures + 1, counted.failures);
            prop_assert_eq!(after.wait(limits.network, then), None);
        }
    }
}
