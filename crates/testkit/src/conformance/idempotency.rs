//! Requests that may be repeated: their records, and who wins a key.

use std::time::Duration;

use holdfast_application::{
    domain::{Timestamp, UserId},
    idempotency::{Fingerprint, IdempotencyKey, KeptAnswer},
    ports::{Claim, IdempotencyRecord, Repositories, StoreError},
};

use super::Fresh;
use crate::fixtures::{at, ends_of_time, micros, owner, task};

/// Long enough that whoever does not wait would be done.
const MOMENT: Duration = Duration::from_millis(150);

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text.to_owned()).unwrap()
}

/// A record of `owner` under `text`, made at second 1, whose answer tells it from others by `n`.
fn record(owner: UserId, text: &str, n: u8) -> IdempotencyRecord {
    let answer = KeptAnswer {
        status: 201,
        location: None,
        etag: Some("\"r1\"".to_owned()),
        body: vec![b'{', n, b'}'],
    };
    IdempotencyRecord { owner, key: key(text), fingerprint: Fingerprint([n; 32]), answer, created_at: at(1) }
}

/// Before every record.
fn nothing_is_forgotten() -> Timestamp {
    at(0)
}

async fn claim(door: &(impl Repositories + ?Sized), record: &IdempotencyRecord) -> Claim {
    door.idempotency().claim(record, nothing_is_forgotten()).await.unwrap()
}

async fn find(door: &(impl Repositories + ?Sized), owner: UserId, text: &str) -> Option<IdempotencyRecord> {
    door.idempotency().find(owner, &key(text), nothing_is_forgotten()).await.unwrap()
}

/// The record of this key, every field as it went in.
pub async fn every_field_comes_back_as_it_went_in(fresh: &Fresh) {
    let owner = fresh.member().await;
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let [first, last] = ends_of_time();
    for (n, (status, location, body, created_at)) in [
        (200, None, Vec::new(), micros(at(1).micros() + 1)),
        (299, Some(String::new()), all_bytes, at(1)),
        (201, Some("/Ä \u{1f980}".to_owned()), vec![b'x'; 100_000], last),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = KeptAnswer { status, etag: location.clone(), location, body };
        let fingerprint = Fingerprint([u8::MAX; 32]);
        let (key, n) = (key(&n.to_string()), n);
        let record = IdempotencyRecord { owner, key, fingerprint, answer, created_at };
        assert_eq!(fresh.store.idempotency().claim(&record, first).await.unwrap(), Claim::Won);
        assert_eq!(find(&*fresh.store, owner, &n.to_string()).await.as_ref(), Some(&record));
        assert_eq!(fresh.store.idempotency().claim(&record, first).await.unwrap(), Claim::Taken(record));
    }
    assert_eq!(find(&*fresh.store, owner, "none").await, None);
}

/// Keys MUST compare exactly, by every character and its case.
pub async fn keys_compare_exactly(fresh: &Fresh) {
    let owner = fresh.member().await;
    let longest = "~".repeat(IdempotencyKey::LONGEST);
    let keys = ["a", "A", "a ", " a", "%", "_", "'", "\\", "\"", &longest, &longest[1..]];
    for (n, text) in (0..).zip(keys) {
        assert_eq!(find(&*fresh.store, owner, text).await, None, "{text:?}");
        assert_eq!(claim(&*fresh.store, &record(owner, text, n)).await, Claim::Won, "{text:?}");
    }
    for (n, text) in (0..).zip(keys) {
        assert_eq!(find(&*fresh.store, owner, text).await, Some(record(owner, text, n)), "{text:?}");
    }
}

/// No call MUST ever read or write a record of another owner; two owners MAY use one key.
pub async fn no_call_reads_or_writes_a_record_of_another_owner(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let (of_ada, of_bob) = (record(ada, "k", 1), record(bob, "k", 2));
    assert_eq!(claim(&*fresh.store, &of_ada).await, Claim::Won);
    assert_eq!(find(&*fresh.store, bob, "k").await, None);
    assert_eq!(claim(&*fresh.store, &of_bob).await, Claim::Won);
    let renewed = IdempotencyRecord { created_at: at(9), ..record(bob, "k", 3) };
    assert_eq!(fresh.store.idempotency().claim(&renewed, at(5)).await.unwrap(), Claim::Won);
    assert_eq!(find(&*fresh.store, ada, "k").await, Some(of_ada));
    assert_eq!(find(&*fresh.store, bob, "k").await, Some(renewed));
}

/// A record made at `forgotten` or before MUST count as none, and gives its key away.
pub async fn a_forgotten_record_counts_as_none_though_it_is_still_there(fresh: &Fresh) {
    let owner = fresh.member().await;
    let (old, mut new) = (record(owner, "k", 1), record(owner, "k", 2));
    new.created_at = at(100);
    let just_before = micros(old.created_at.micros() - 1);
    let keys = fresh.store.idempotency();
    assert_eq!(claim(&*fresh.store, &old).await, Claim::Won);
    assert_eq!(keys.claim(&new, just_before).await.unwrap(), Claim::Taken(old.clone()));
    assert_eq!(keys.find(owner, &old.key, just_before).await.unwrap(), Some(old.clone()));
    assert_eq!(keys.find(owner, &old.key, old.created_at).await.unwrap(), None);
    assert_eq!(keys.claim(&new, old.created_at).await.unwrap(), Claim::Won);
    assert_eq!(keys.find(owner, &old.key, old.created_at).await.unwrap(), Some(new.clone()));
    assert_eq!(keys.claim(&old, old.created_at).await.unwrap(), Claim::Taken(new));
}

/// A record MUST go with its owner's account.
pub async fn a_record_goes_with_its_account(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    for owner in [ada, bob] {
        assert_eq!(claim(&*fresh.store, &record(owner, "k", 1)).await, Claim::Won);
    }
    assert!(fresh.store.users().delete(ada).await.unwrap());
    assert_eq!(find(&*fresh.store, ada, "k").await, None);
    assert!(find(&*fresh.store, bob, "k").await.is_some());
}

/// An owner without an account MUST be `OwnerMissing`.
pub async fn a_claim_needs_an_account(fresh: &Fresh) {
    let refused = fresh.store.idempotency().claim(&record(owner(), "k", 1), nothing_is_forgotten()).await;
    assert!(matches!(refused, Err(StoreError::OwnerMissing)), "{refused:?}");
}

/// The record and the effect are kept or lost together; once rolled back, the key MUST be free.
pub async fn a_claim_is_kept_or_lost_with_its_unit_of_work(fresh: &Fresh) {
    let owner = fresh.member().await;
    let (task, lost, kept) = (task(owner).build(), record(owner, "k", 1), record(owner, "k", 2));
    let work = fresh.store.begin().await.unwrap();
    assert_eq!(claim(&*work, &lost).await, Claim::Won);
    work.tasks().insert(&task).await.unwrap();
    assert_eq!(find(&*work, owner, "k").await, Some(lost));
    assert_eq!(find(&*fresh.store, owner, "k").await, None);
    drop(work);
    let work = fresh.store.begin().await.unwrap();
    assert_eq!(claim(&*work, &kept).await, Claim::Won);
    assert_eq!(work.tasks().find(owner, task.id).await.unwrap(), None);
    work.tasks().insert(&task).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(find(&*fresh.store, owner, "k").await, Some(kept));
    assert_eq!(fresh.store.tasks().find(owner, task.id).await.unwrap(), Some(task));
}

/// `Taken` MUST NOT spend the unit of work.
pub async fn a_taken_key_does_not_spend_the_unit_of_work(fresh: &Fresh) {
    let owner = fresh.member().await;
    let (first, second, task) = (record(owner, "k", 1), record(owner, "k", 2), task(owner).build());
    assert_eq!(claim(&*fresh.store, &first).await, Claim::Won);
    let work = fresh.store.begin().await.unwrap();
    assert_eq!(claim(&*work, &second).await, Claim::Taken(first));
    work.tasks().insert(&task).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(fresh.store.tasks().find(owner, task.id).await.unwrap(), Some(task));
}

/// While a unit of work that won the key has not ended, nobody else's claim MUST be `Won` or `Taken`.
pub async fn a_key_in_flight_keeps_others_waiting(fresh: &Fresh) {
    let owner = fresh.member().await;
    for commit in [true, false] {
        let text = commit.to_string();
        let (first, second) = (record(owner, &text, 1), record(owner, &text, 2));
        let work = fresh.store.begin().await.unwrap();
        assert_eq!(claim(&*work, &first).await, Claim::Won);
        let (store, contender) = (fresh.store.clone(), second.clone());
        let other = tokio::spawn(async move {
            let work = store.begin().await.unwrap();
            let claim = claim(&*work, &contender).await;
            if claim == Claim::Won {
                work.commit().await.unwrap();
            }
            claim
        });
        tokio::time::sleep(MOMENT).await;
        let early = other.is_finished();
        if commit {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }
        let claimed = other.await.unwrap();
        assert!(!early || claimed == Claim::InFlight, "{claimed:?} while the key was in flight");
        // On a slow machine the wait may have ended before the unit of work did.
        let settled = if commit { Claim::Taken(first.clone()) } else { Claim::Won };
        assert!(claimed == settled || claimed == Claim::InFlight, "{claimed:?}");
        let left = find(&*fresh.store, owner, &text).await;
        let expected = if commit { Some(first) } else { (claimed == Claim::Won).then_some(second) };
        assert_eq!(left, expected);
    }
}

/// Of any number of claims of one key at the same moment, at most one MUST be `Won` and kept: here, exactly one.
pub async fn one_of_many_claims_wins(fresh: &Fresh) {
    let owner = fresh.member().await;
    let forgotten = IdempotencyRecord { created_at: at(0), ..record(owner, "old", 0) };
    fresh.store.idempotency().claim(&forgotten, micros(0)).await.unwrap();
    for text in ["new", "old"] {
        let callers: Vec<_> = (1..=16)
            .map(|n| {
                let (store, record) = (fresh.store.clone(), record(owner, text, n));
                tokio::spawn(async move {
                    let work = store.begin().await.unwrap();
                    let claim = claim(&*work, &record).await;
                    if claim == Claim::Won {
                        work.commit().await.unwrap();
                    }
                    (record, claim)
                })
            })
            .collect();
        let (mut won, mut taken) = (Vec::new(), Vec::new());
        for caller in callers {
            match caller.await.unwrap() {
                (record, Claim::Won) => won.push(record),
                (_, Claim::Taken(record)) => taken.push(record),
                (_, Claim::InFlight) => {}
            }
        }
        assert_eq!(won.len(), 1, "{text}");
        assert!(taken.iter().all(|record| *record == won[0]), "{text}");
        assert_eq!(find(&*fresh.store, owner, text).await, won.pop(), "{text}");
    }
}

/// A record made after the time MUST stay; no more than the limit go.
pub async fn what_is_forgotten_is_swept_and_nothing_else(fresh: &Fresh) {
    let owner = fresh.member().await;
    // Long before the time of all other cases, whose records none of this reaches.
    let made = |seconds: i64, text: &str| IdempotencyRecord {
        created_at: micros(seconds * 1_000_000),
        ..record(owner, text, 0)
    };
    let idempotency = fresh.store.idempotency();
    for (seconds, text) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        idempotency.claim(&made(seconds, text), micros(0)).await.unwrap();
    }
    let third = micros(3_000_000);
    assert_eq!(idempotency.sweep(micros(0), 9).await.unwrap(), 0);
    assert_eq!(idempotency.sweep(third, 2).await.unwrap(), 2);
    assert_eq!(idempotency.sweep(third, 2).await.unwrap(), 1);
    assert_eq!(idempotency.sweep(third, 2).await.unwrap(), 0);
    for (text, stays) in [("a", false), ("b", false), ("c", false), ("d", true)] {
        let found = idempotency.find(owner, &key(text), micros(0)).await.unwrap();
        assert_eq!(found.is_some(), stays, "{text}");
    }
}
