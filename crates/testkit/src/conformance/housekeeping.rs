//! Housekeeping over a store: of any rows, those whose time is up go once, and no other. All of it happens long before the time
//! of other cases, whose rows none of this reaches.

use std::{sync::Arc, time::Duration};

use holdfast_application::{
    domain::{
        OneTimeTokenId, Timestamp, UserId,
        sessions::{Client, EndReason, EventKind, Session},
        throttle::{Limits, Network, Principal},
        users::LinkPurpose,
    },
    housekeeping::{Housekeeping, Kind},
    idempotency::{Fingerprint, IdempotencyKey, KeptAnswer},
    ports::{Claim, IdempotencyRecord, OneTimeToken, Store, TokenHash},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tokio::runtime::Handle;

use super::Fresh;
use crate::{
    clock::FixedClock,
    fixtures::{event, micros, session},
    ids::{SequentialIds, unique},
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const RETENTION: Duration = Duration::from_hours(40 * 24);

/// The time at which rows are swept here, in the year 1843.
fn now() -> Timestamp {
    micros(-4_000_000_000_000_000)
}

/// A time so many seconds after `from`, before it when negative.
fn moved(from: Timestamp, seconds: i64) -> Timestamp {
    micros(from.micros() + seconds * 1_000_000)
}

fn hash() -> TokenHash {
    let mut hash = [0xee; 32];
    hash[8..24].copy_from_slice(unique().as_bytes());
    TokenHash(hash)
}

/// A row, and how long after the moment at which its time is up it is swept; not yet, when negative.
#[derive(Debug, Clone, Copy)]
struct Made {
    kind: Kind,
    late: i64,
    odd: bool,
}

impl Made {
    fn is_over(self) -> bool {
        self.late >= 0
    }
}

fn rows() -> impl Strategy<Value = Vec<Made>> {
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::PersonalTokens).collect::<Vec<_>>();
    let late = prop_oneof![-2..=2_i64, -5_000..5_000_i64];
    let made = (prop::sample::select(kinds), late, any::<bool>());
    prop::collection::vec(made.prop_map(|(kind, late, odd)| Made { kind, late, odd }), 1..60)
}

/// A session that is over at `over_from`: it has ended, or was not refreshed, whichever is `odd`.
fn over(owner: UserId, over_from: Timestamp, odd: bool) -> Session {
    let begun = over_from.minus(9 * DAY);
    let ended = odd.then(|| (begun.plus(HOUR), EndReason::SignedOut.into()));
    let (idle, absolute) = if odd { (begun.plus(DAY), over_from) } else { (over_from, over_from.plus(DAY)) };
    Session {
        created_at: begun,
        last_used_at: begun,
        rotated_at: begun,
        window_started_at: begun,
        idle_expires_at: idle,
        absolute_expires_at: absolute,
        ended,
        ..session(owner)
    }
}

/// What tells whether a row is still there.
enum Trace {
    Session(Box<Session>),
    Denial(TokenHash),
    Link(Timestamp),
    Attempt(Principal, Network),
    Answer(IdempotencyKey),
    Event(Timestamp),
}

async fn insert(fresh: &Fresh, owner: UserId, n: i64, Made { kind, late, odd }: Made) -> Trace {
    let store = &fresh.store;
    let due = moved(now(), -late);
    match kind {
        Kind::Sessions => {
            let session = over(owner, due.minus(HOUR), odd);
            store.sessions().insert(&session).await.unwrap();
            Trace::Session(Box::new(session))
        }
        Kind::Denials => {
            let token = hash();
            assert!(store.legacy_tokens().deny(owner, token, due.minus(HOUR)).await.unwrap());
            Trace::Denial(token)
        }
        Kind::Links => {
            let (id, expires_at) = (OneTimeTokenId::new(unique()), due.minus(HOUR));
            // Told apart by when it was made.
            let created_at = micros(expires_at.minus(DAY).micros() + n);
            let purpose = LinkPurpose::VerifyEmail;
            let token =
                OneTimeToken { owner, id, purpose, hash: hash(), email: None, created_at, expires_at };
            store.one_time_tokens().insert(&token).await.unwrap();
            if odd {
                store
                    .one_time_tokens()
                    .redeem(owner, purpose, token.hash, created_at)
                    .await
                    .unwrap()
                    .unwrap();
            }
            Trace::Link(created_at)
        }
        Kind::Attempts => {
            let principal = Principal::account(UserId::new(unique()));
            let network = Network::of(&Client::default());
            if odd {
                store.throttle().clear(principal, &network, due.minus(30 * DAY)).await.unwrap();
            } else {
                store.throttle().count(principal, &network, &Limits::DEFAULT, due.minus(DAY)).await.unwrap();
            }
            Trace::Attempt(principal, network)
        }
        Kind::Answers => {
            let key = IdempotencyKey::new(unique().to_string()).unwrap();
            let answer = KeptAnswer { status: 201, location: None, etag: None, body: Vec::new() };
            let created_at = due.minus(DAY);
            let record = IdempotencyRecord {
                owner,
                key: key.clone(),
                fingerprint: Fingerprint([1; 32]),
                answer,
                created_at,
            };
            assert_eq!(store.idempotency().claim(&record, created_at.minus(DAY)).await.unwrap(), Claim::Won);
            Trace::Answer(key)
        }
        Kind::History => {
            let at = micros(due.minus(RETENTION).micros() - n % 1_000);
            store.audit().append(&event(owner, EventKind::SignedIn, at)).await.unwrap();
            Trace::Event(at)
        }
        Kind::PersonalTokens => unreachable!("they have a case of their own"),
    }
}

async fn is_there(fresh: &Fresh, owner: UserId, trace: &Trace) -> bool {
    let (store, long_ago) = (&fresh.store, now().minus(400 * DAY));
    match trace {
        Trace::Session(session) => store.sessions().find(owner, session.id).await.unwrap().is_some(),
        Trace::Denial(token) => store.legacy_tokens().bearer(owner, *token).await.unwrap().is_none(),
        Trace::Link(made) => {
            let purpose = LinkPurpose::VerifyEmail;
            store.one_time_tokens().issued(owner, purpose, long_ago).await.unwrap().contains(made)
        }
        Trace::Attempt(principal, network) => {
            store.throttle().find(*principal, network).await.unwrap().network.is_some()
        }
        Trace::Answer(key) => store.idempotency().find(owner, key, long_ago).await.unwrap().is_some(),
        Trace::Event(at) => {
            let events = store.audit().latest(owner, None, 1_000).await.unwrap();
            events.iter().any(|event| event.at == *at)
        }
    }
}

/// How many rows of the store are one row of the test: a failure counts for its network and for all together.
fn weight(Made { kind, odd, .. }: Made) -> u64 {
    if kind == Kind::Attempts && !odd { 2 } else { 1 }
}

/// Two of them at the same moment MUST remove each row that is over once, and nothing that is alive.
#[expect(clippy::unused_async, reason = "every case is async; this one waits inside the test runner")]
pub async fn of_any_rows_those_that_are_over_go_once_and_nothing_else(fresh: &Fresh) {
    let config = Config { cases: 6, failure_persistence: None, max_shrink_iters: 16, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let handle = Handle::current();
    let clock = FixedClock::default();
    clock.set(now());
    let ids = SequentialIds::default();
    let houses: [Housekeeping; 2] = std::array::from_fn(|_| {
        Housekeeping::new(fresh.store.clone(), Arc::new(clock.clone()), &ids, RETENTION)
    });
    let held = tokio::task::block_in_place(|| {
        runner.run(&rows(), |rows| handle.block_on(sweep(fresh, &houses, rows)).map_err(TestCaseError::fail))
    });
    held.unwrap();
}

async fn sweep(fresh: &Fresh, houses: &[Housekeeping; 2], rows: Vec<Made>) -> Result<(), String> {
    let owner = fresh.member().await;
    let mut traces = Vec::new();
    for (n, made) in (0..).zip(&rows) {
        traces.push((*made, insert(fresh, owner, n, *made).await));
    }
    let [one, other] = houses;
    let (first, second) = tokio::join!(one.run(), other.run());
    for kind in Kind::ALL {
        let of_kind = rows.iter().filter(|made| made.kind == kind && made.is_over());
        let expected: u64 = of_kind.map(|made| weight(*made)).sum();
        let removed = first.of(kind) + second.of(kind);
        if removed != expected {
            return Err(format!("{removed} instead of {expected} rows of {} were removed", kind.name()));
        }
    }
    for (made, trace) in &traces {
        if is_there(fresh, owner, trace).await == made.is_over() {
            return Err(format!("{made:?} was judged wrongly"));
        }
    }
    Ok(())
}

/// No more than the limit go at once, the oldest first; of many sweeps at the same moment each removes its own.
pub async fn many_sweeps_at_once_remove_each_row_once(fresh: &Fresh) {
    let owner = fresh.member().await;
    let far = now().minus(200 * DAY);
    let kinds = [Kind::Sessions, Kind::Denials, Kind::Links, Kind::History];
    for kind in kinds {
        for n in 0..20 {
            // Rows of all kinds were over long before; how long differs.
            insert(
                fresh,
                owner,
                n,
                Made { kind, late: (300 * DAY.as_secs()).cast_signed() + n, odd: n % 2 == 0 },
            )
            .await;
        }
    }
    for kind in kinds {
        let some = swept(fresh, kind, far, 3).await;
        assert_eq!(some, 3, "{}", kind.name());
        let sweeps: Vec<_> = (0..8)
            .map(|_| {
                let store = fresh.store.clone();
                tokio::spawn(async move { of_store(&*store, kind, far, 4).await })
            })
            .collect();
        let mut removed = some;
        for sweep in sweeps {
            let rows = sweep.await.unwrap();
            assert!(rows <= 4, "{rows} {}", kind.name());
            removed += rows;
        }
        while removed < 20 {
            let rows = swept(fresh, kind, far, 4).await;
            assert!(rows > 0, "{} is left", kind.name());
            removed += rows;
        }
        assert_eq!((removed, swept(fresh, kind, far, 4).await), (20, 0), "{}", kind.name());
    }
}

async fn swept(fresh: &Fresh, kind: Kind, until: Timestamp, limit: u64) -> u64 {
    of_store(&*fresh.store, kind, until, limit).await
}

async fn of_store(store: &dyn Store, kind: Kind, until: Timestamp, limit: u64) -> u64 {
    match kind {
        Kind::Sessions => store.sessions().sweep(until, limit).await.unwrap(),
        Kind::Denials => store.legacy_tokens().sweep(until, limit).await.unwrap(),
        Kind::Links => store.one_time_tokens().sweep(until, limit).await.unwrap(),
        Kind::History => store.audit().sweep(until, limit).await.unwrap(),
        Kind::PersonalTokens | Kind::Attempts | Kind::Answers => {
            unreachable!("these have cases of their own")
        }
    }
}
