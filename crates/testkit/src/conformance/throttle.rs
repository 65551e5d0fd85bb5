//! Failed attempts at passwords: counted exactly, for one principal and network, by any number of instances.

use std::{collections::BTreeMap, time::Duration};

use holdfast_application::domain::{
    Timestamp, UserId,
    sessions::Client,
    throttle::{Backoff, Counter, Counters, Limits, Network, Principal},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tokio::runtime::Handle;

use super::Fresh;
use crate::{
    fixtures::{at, micros},
    ids::unique,
};

/// Two free failures in a network and four in all unknown ones; waits of 10 s to 40 s.
const LIMITS: Limits = Limits {
    network: Backoff::new(2, Duration::from_secs(10), Duration::from_secs(40)),
    account: Backoff::new(4, Duration::from_secs(10), Duration::from_secs(40)),
};

const ROOMY: Limits = Limits {
    network: Backoff::new(1_000, Duration::from_secs(10), Duration::from_secs(40)),
    account: Backoff::new(1_000, Duration::from_secs(10), Duration::from_secs(40)),
};

fn principal() -> Principal {
    Principal::account(UserId::new(unique()))
}

fn network(n: u32) -> Network {
    Network::of(&Client { ip_prefix: Some(format!("192.0.{n}.0/24")), ..Client::default() })
}

async fn count(fresh: &Fresh, who: Principal, from: u32, then: Timestamp) -> Counters {
    fresh.store.throttle().count(who, &network(from), &LIMITS, then).await.unwrap()
}

async fn find(fresh: &Fresh, who: Principal, from: u32) -> Counters {
    fresh.store.throttle().find(who, &network(from)).await.unwrap()
}

fn failures(counters: Counters) -> [u32; 2] {
    [counters.network, counters.account].map(|counter| counter.map_or(0, |counter| counter.failures))
}

/// How many of 32 callers at the same moment were counted, the n-th of them from the network that `from` gives it. Whoever was
/// counted for a network alone gives that back.
async fn at_once(
    fresh: &Fresh,
    who: Principal,
    limits: Limits,
    from: impl Fn(u32) -> u32,
    then: Timestamp,
) -> usize {
    let callers: Vec<_> = (0..32)
        .map(|n| {
            let (store, network) = (fresh.store.clone(), network(from(n)));
            tokio::spawn(async move {
                let throttle = store.throttle();
                let counted = throttle.count(who, &network, &limits, then).await.unwrap();
                let complete = counted.account.is_some();
                assert!(counted.network.is_some() || !complete, "counted for all networks but its own");
                if !complete {
                    throttle.give_back(who, &network, &counted, then).await.unwrap();
                }
                complete
            })
        })
        .collect();
    let mut counted = 0;
    for caller in callers {
        counted += usize::from(caller.await.unwrap());
    }
    counted
}

/// It MUST answer no counter and change nothing where the limits refuse; else it counts in both.
pub async fn an_attempt_that_comes_too_early_is_not_counted(fresh: &Fresh) {
    let who = principal();
    assert_eq!(find(fresh, who, 1).await, Counters::default());
    assert_eq!(failures(count(fresh, who, 1, at(0)).await), [1, 1]);
    let second = count(fresh, who, 1, at(0)).await;
    assert_eq!(failures(second), [2, 2]);
    assert_eq!(second.network.unwrap().blocked_until, at(10));
    let early = micros(at(10).micros() - 1);
    assert_eq!(count(fresh, who, 1, early).await, Counters::default());
    assert_eq!(find(fresh, who, 1).await, second);
    let third = count(fresh, who, 1, at(10)).await;
    assert_eq!(failures(third), [3, 3]);
    assert_eq!(third.network.unwrap().blocked_until, at(30));
    assert_eq!(find(fresh, who, 1).await, third);
}

/// While failures are free nobody waits: attempts at the same moment may be counted in another order than they began.
pub async fn free_attempts_count_in_any_order(fresh: &Fresh) {
    let who = principal();
    count(fresh, who, 1, at(9)).await;
    assert_eq!(failures(count(fresh, who, 1, at(5)).await), [2, 2]);
    assert_eq!(count(fresh, who, 1, at(4)).await, Counters::default());
    fresh.store.throttle().clear(who, &network(2), at(9)).await.unwrap();
    assert_eq!(failures(count(fresh, who, 2, at(8)).await), [1, 0]);
}

/// A network that is not known waits for what failed in all of those; a known one does not, and is not counted with them.
pub async fn a_known_network_neither_waits_for_others_nor_counts_with_them(fresh: &Fresh) {
    let who = principal();
    fresh.store.throttle().clear(who, &network(0), at(0)).await.unwrap();
    for from in 1..=4 {
        assert_eq!(failures(count(fresh, who, from, at(1)).await), [1, from]);
    }
    assert_eq!(count(fresh, who, 5, at(1)).await, Counters::default());
    assert_eq!(find(fresh, who, 5).await.network, None, "a refused attempt leaves no counter behind");
    let known = count(fresh, who, 0, at(1)).await;
    assert_eq!((failures(known), known.account), ([1, 0], None));
    assert_eq!(failures(find(fresh, who, 0).await), [1, 4]);
    let month = at(30 * 24 * 3_600);
    assert_eq!(count(fresh, who, 0, micros(month.micros() - 1)).await.account, None);
    assert_eq!(failures(count(fresh, who, 0, month).await), [2, 1]);
}

/// Of any number of callers at the same moment no more MUST be counted than are free.
pub async fn of_many_attempts_at_once_as_many_count_as_are_free(fresh: &Fresh) {
    let who = principal();
    assert_eq!(at_once(fresh, who, LIMITS, |_| 1, at(0)).await, 2);
    assert_eq!(failures(find(fresh, who, 1).await), [2, 2]);
}

/// Of any number of callers at the same moment exactly one MUST have the slot that came free.
pub async fn one_of_many_attempts_at_once_has_the_slot_that_came_free(fresh: &Fresh) {
    let who = principal();
    for _ in 0..2 {
        count(fresh, who, 1, at(0)).await;
    }
    for (then, failed) in [(at(10), 3), (at(30), 4), (at(70), 5)] {
        assert_eq!(at_once(fresh, who, LIMITS, |_| 1, then).await, 1, "{then}");
        assert_eq!(failures(find(fresh, who, 1).await), [failed, failed], "{then}");
    }
}

/// The same where each caller comes from a network of its own.
pub async fn of_many_networks_at_once_as_many_count_as_are_free(fresh: &Fresh) {
    let who = principal();
    for (then, free) in [(at(0), 4), (at(10), 1)] {
        assert_eq!(at_once(fresh, who, LIMITS, |n| n, then).await, free, "{then}");
    }
    let mut in_networks = 0;
    for n in 0..32 {
        in_networks += failures(find(fresh, who, n).await)[0];
    }
    assert_eq!([in_networks, failures(find(fresh, who, 0).await)[1]], [5, 5]);
}

/// All instances count together: none of many failures at the same moment is lost.
pub async fn failures_at_the_same_moment_are_all_counted(fresh: &Fresh) {
    let who = principal();
    assert_eq!(at_once(fresh, who, ROOMY, |n| n % 2, at(0)).await, 32);
    assert_eq!(failures(find(fresh, who, 0).await), [16, 32]);
    assert_eq!(failures(find(fresh, who, 1).await), [16, 32]);
}

/// It MUST do what `Counter::given_back` does, and MUST leave alone what is not there.
pub async fn what_is_given_back_was_no_failure(fresh: &Fresh) {
    let who = principal();
    count(fresh, who, 1, at(0)).await;
    let second = count(fresh, who, 1, at(5)).await;
    let throttle = fresh.store.throttle();
    throttle.give_back(who, &network(1), &second, at(5)).await.unwrap();
    assert_eq!(failures(find(fresh, who, 1).await), [1, 1]);
    let again = count(fresh, who, 1, at(5)).await;
    assert_eq!(failures(again), [2, 2]);
    // What came later stands.
    let third = count(fresh, who, 1, at(15)).await;
    throttle.give_back(who, &network(1), &second, at(5)).await.unwrap();
    let left = find(fresh, who, 1).await;
    assert_eq!(
        (failures(left), left.network.unwrap().blocked_until),
        ([2, 2], third.network.unwrap().blocked_until)
    );
    throttle.give_back(who, &network(1), &Counters { network: None, ..third }, at(15)).await.unwrap();
    assert_eq!(failures(find(fresh, who, 1).await), [2, 1]);
    // Another series, and none at all.
    throttle.clear(who, &network(1), at(16)).await.unwrap();
    throttle.give_back(who, &network(1), &third, at(15)).await.unwrap();
    assert_eq!(find(fresh, who, 1).await.network, Some(Counter::cleared(at(16))));
    throttle.give_back(who, &network(2), &Counters { account: None, ..third }, at(15)).await.unwrap();
    assert_eq!(find(fresh, who, 2).await.network, None);
}

/// It MUST do what `Counter::failed` does, and MUST leave alone what is not there.
pub async fn an_attempt_that_failed_is_not_under_way_any_more(fresh: &Fresh) {
    let who = principal();
    let pending = |counters: Counters| {
        [counters.network, counters.account].map(|counter| counter.map_or(0, |counter| counter.pending))
    };
    let first = count(fresh, who, 1, at(0)).await;
    let second = count(fresh, who, 1, at(5)).await;
    assert_eq!((pending(first), pending(second)), ([1, 1], [2, 2]));
    let throttle = fresh.store.throttle();
    throttle.fail(who, &network(1), &first).await.unwrap();
    let left = find(fresh, who, 1).await;
    assert_eq!((pending(left), failures(left)), ([1, 1], [2, 2]));
    assert_eq!(left.network.unwrap().blocked_until, second.network.unwrap().blocked_until);
    assert!(left.network.unwrap().is_pending(at(14)) && !left.network.unwrap().is_pending(at(15)));
    throttle.fail(who, &network(1), &Counters { network: None, ..second }).await.unwrap();
    assert_eq!(pending(find(fresh, who, 1).await), [1, 0]);
    throttle.fail(who, &network(1), &second).await.unwrap();
    throttle.fail(who, &network(1), &second).await.unwrap();
    assert_eq!(pending(find(fresh, who, 1).await), [0, 0]);
    // Of an attempt that nothing was heard of for ten seconds it is taken that it failed.
    let third = count(fresh, who, 1, at(15)).await;
    let fourth = count(fresh, who, 1, at(35)).await;
    assert_eq!((pending(third), pending(fourth)), ([1, 1], [1, 1]));
    // Another series, and none at all.
    throttle.clear(who, &network(1), at(36)).await.unwrap();
    throttle.fail(who, &network(1), &fourth).await.unwrap();
    assert_eq!(find(fresh, who, 1).await.network, Some(Counter::cleared(at(36))));
    throttle.fail(who, &network(2), &fourth).await.unwrap();
    assert_eq!(find(fresh, who, 2).await.network, None);
}

/// The network's counter MUST be cleared, also where there was none; the other one MUST stay.
pub async fn a_success_clears_its_network_alone(fresh: &Fresh) {
    let who = principal();
    for from in [1, 1, 2] {
        count(fresh, who, from, at(0)).await;
    }
    let then = micros(at(3).micros() + 1);
    for from in [1, 3] {
        fresh.store.throttle().clear(who, &network(from), then).await.unwrap();
        let counters = find(fresh, who, from).await;
        assert_eq!(counters.network, Some(Counter::cleared(then)));
        assert_eq!(failures(counters), [0, 3]);
    }
    assert_eq!(failures(find(fresh, who, 2).await), [1, 3]);
}

/// No call MUST ever read or write what is counted for another principal or network.
pub async fn no_call_touches_another_principal_or_network(fresh: &Fresh) {
    let (ada, bob) = (principal(), principal());
    let kept = [count(fresh, bob, 1, at(0)).await, count(fresh, bob, 2, at(0)).await];
    let throttle = fresh.store.throttle();
    let counted = count(fresh, ada, 1, at(0)).await;
    assert_eq!(failures(counted), [1, 1]);
    assert_eq!(find(fresh, ada, 2).await.network, None);
    throttle.give_back(ada, &network(1), &counted, at(0)).await.unwrap();
    throttle.clear(ada, &network(1), at(1)).await.unwrap();
    throttle.forget(ada).await.unwrap();
    assert_eq!(find(fresh, bob, 1).await, Counters { network: kept[0].network, account: kept[1].account });
    assert_eq!(find(fresh, bob, 2).await, kept[1]);
}

/// It forgets everything about the principal.
pub async fn a_principal_is_forgotten_as_a_whole(fresh: &Fresh) {
    let who = principal();
    for from in [1, 2] {
        count(fresh, who, from, at(0)).await;
    }
    fresh.store.throttle().clear(who, &network(3), at(0)).await.unwrap();
    for _ in 0..2 {
        fresh.store.throttle().forget(who).await.unwrap();
        for from in 1..=3 {
            assert_eq!(find(fresh, who, from).await, Counters::default());
        }
    }
}

/// A counter whose `expires_at` lies after the time MUST stay; no more than the limit go.
pub async fn what_has_expired_is_swept_and_nothing_else(fresh: &Fresh) {
    // Long before the time of all other cases, whose counters none of this reaches.
    let (who, begin) = (principal(), micros(1_000_000));
    let throttle = fresh.store.throttle();
    for from in 1..=3 {
        throttle.count(who, &network(from), &ROOMY, begin).await.unwrap();
    }
    throttle.clear(who, &network(4), begin).await.unwrap();
    throttle.count(who, &network(4), &ROOMY, begin).await.unwrap();
    let day = begin.plus(Duration::from_hours(24));
    assert_eq!(throttle.sweep(micros(day.micros() - 1), 9).await.unwrap(), 0);
    // Three networks, and the counter of all of them together; a later failure of one of them makes that one new.
    throttle.count(who, &network(3), &ROOMY, day).await.unwrap();
    assert_eq!(throttle.sweep(day, 1).await.unwrap(), 1);
    assert_eq!(throttle.sweep(day, 9).await.unwrap(), 1);
    assert_eq!(throttle.sweep(day, 9).await.unwrap(), 0);
    assert_eq!(find(fresh, who, 1).await.network, None);
    assert_eq!(failures(find(fresh, who, 3).await), [1, 1]);
    assert!(find(fresh, who, 4).await.is_known(day));
    // A failure after the first series is over does not end what the success is remembered for.
    throttle.count(who, &network(4), &ROOMY, day.plus(Duration::from_hours(1))).await.unwrap();
    let later = begin.plus(Duration::from_hours(72));
    assert_eq!(throttle.sweep(later, 9).await.unwrap(), 2);
    assert!(find(fresh, who, 4).await.is_known(later));
    assert_eq!(throttle.sweep(begin.plus(Duration::from_hours(30 * 24)), 9).await.unwrap(), 1);
    assert_eq!(find(fresh, who, 4).await, Counters::default());
}

/// A unit of work that is dropped MUST roll it back, and one that is committed MUST make it visible.
pub async fn a_success_is_part_of_its_unit_of_work(fresh: &Fresh) {
    let who = principal();
    let counted = count(fresh, who, 1, at(0)).await;
    for commit in [false, true] {
        let work = fresh.store.begin().await.unwrap();
        work.throttle().clear(who, &network(1), at(1)).await.unwrap();
        let unknown = Counters { network: None, ..counted };
        work.throttle().give_back(who, &network(1), &unknown, at(0)).await.unwrap();
        assert_eq!(failures(work.throttle().find(who, &network(1)).await.unwrap()), [0, 0]);
        if commit {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }
        assert_eq!(failures(find(fresh, who, 1).await), if commit { [0, 0] } else { [1, 1] });
    }
}

/// One step of somebody's day: a pause, a network, and what becomes of the attempt.
#[derive(Debug, Clone, Copy)]
struct Step {
    pause: u64,
    from: u32,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Failure,
    UnderWay,
    NoFailure,
    Success,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        6 => Just(Outcome::Failure),
        2 => Just(Outcome::UnderWay),
        2 => Just(Outcome::NoFailure),
        1 => Just(Outcome::Success),
    ];
    // Mostly within the waits, sometimes a day and more.
    let pause = prop_oneof![20 => 0..50_000_000_u64, 1 => 0..200_000_000_000_u64];
    let step = (pause, 0..3_u32, outcome).prop_map(|(pause, from, outcome)| Step { pause, from, outcome });
    prop::collection::vec(step, 1..30)
}

/// It MUST do what `Limits::count`, `Counter::given_back` and `Counter::cleared` do, in any order of attempts.
#[expect(clippy::unused_async, reason = "every case is async; this one waits inside the test runner")]
pub async fn any_order_of_attempts_counts_as_the_limits_say(fresh: &Fresh) {
    let config = Config { cases: 16, failure_persistence: None, max_shrink_iters: 64, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let handle = Handle::current();
    let held = tokio::task::block_in_place(|| {
        runner.run(&steps(), |steps| handle.block_on(agrees(fresh, steps)).map_err(TestCaseError::fail))
    });
    held.unwrap();
}

async fn agrees(fresh: &Fresh, steps: Vec<Step>) -> Result<(), String> {
    let (who, throttle) = (principal(), fresh.store.throttle());
    let (mut networks, mut account) = (BTreeMap::<u32, Counter>::new(), None);
    let mut now = at(0);
    for Step { pause, from, outcome } in steps {
        now = now.plus(Duration::from_micros(pause));
        let network = network(from);
        let before = Counters { network: networks.get(&from).copied(), account };
        let expected = LIMITS.count(&before, now).unwrap_or_default();
        let counted = throttle.count(who, &network, &LIMITS, now).await.unwrap();
        if counted != expected {
            return Err(format!("at {now} from {from}: {counted:?}, not {expected:?}"));
        }
        networks.extend(counted.network.map(|counter| (from, counter)));
        account = counted.account.or(account);
        match outcome {
            Outcome::Failure => {
                throttle.fail(who, &network, &counted).await.unwrap();
                let failed = |counter: Counter, counted: Option<Counter>| {
                    counted.map_or(counter, |counted| counter.failed(&counted))
                };
                networks.entry(from).and_modify(|counter| *counter = failed(*counter, counted.network));
                account = account.map(|counter| failed(counter, counted.account));
            }
            Outcome::UnderWay => {}
            Outcome::NoFailure => {
                throttle.give_back(who, &network, &counted, now).await.unwrap();
                let given_back = |counter: Counter, counted: Option<Counter>| {
                    counted.map_or(counter, |counted| counter.given_back(&counted, now))
                };
                networks.entry(from).and_modify(|counter| *counter = given_back(*counter, counted.network));
                account = account.map(|counter| given_back(counter, counted.account));
            }
            Outcome::Success => {
                throttle.clear(who, &network, now).await.unwrap();
                networks.insert(from, Counter::cleared(now));
            }
        }
        let after = Counters { network: networks.get(&from).copied(), account };
        let found = throttle.find(who, &network).await.unwrap();
        if found != after {
            return Err(format!("after {now} from {from}: {found:?}, not {after:?}"));
        }
    }
    Ok(())
}
