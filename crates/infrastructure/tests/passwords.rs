//! The Argon2 hasher against the contract of `Passwords`, with hashes made elsewhere, broken ones, and a full line.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests measure durations")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version, password_hash::phc::PasswordHash as Phc};
use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{Passwords, PasswordsError, Verification},
};
use holdfast_infrastructure::passwords::{Argon2Passwords, PasswordOptions, PasswordOptionsError, Peppers};
use tokio::task::JoinSet;

const RIGHT: &str = "correct horse battery staple";

fn hasher(concurrency: usize) -> Argon2Passwords {
    Argon2Passwords::new(PasswordOptions { concurrency, peppers: Peppers::default() }).unwrap()
}

/// One that knows from a hash how long they take.
async fn measured(concurrency: usize) -> Argon2Passwords {
    let hasher = hasher(concurrency);
    hasher.verify(&password(RIGHT), None).await.unwrap();
    hasher
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// A hash of `RIGHT` made without the adapter.
fn foreign(algorithm: Algorithm, version: Version, params: Params, salt: &[u8]) -> PasswordHash {
    let argon2 = Argon2::new(algorithm, version, params);
    let phc: Phc = argon2.hash_password_with_salt(RIGHT.as_bytes(), salt).unwrap();
    PasswordHash::new(phc.to_string())
}

fn params(memory: u32, passes: u32, lanes: u32, output: usize) -> Params {
    Params::new(memory, passes, lanes, Some(output)).unwrap()
}

/// The quickest of a few runs: noise only ever adds.
async fn fastest(hasher: &Argon2Passwords, hash: Option<&PasswordHash>) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        assert_eq!(hasher.verify(&password(RIGHT), hash).await.unwrap(), Verification::Mismatch);
        fastest = fastest.min(began.elapsed());
    }
    fastest
}

/// One verification each. Skipping it would be a thousandfold faster, following absurd parameters a hundredfold slower;
/// what lies between is what a busy machine does to a measurement.
fn alike(one: Duration, other: Duration) -> bool {
    one * 8 > other && other * 8 > one
}

#[tokio::test]
async fn a_hash_is_a_phc_string_with_the_promised_parameters_and_a_fresh_salt() {
    let hasher = hasher(1);
    let first = hasher.hash(&password(RIGHT)).await.unwrap();
    let second = hasher.hash(&password(RIGHT)).await.unwrap();
    assert!(first.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", first.expose());
    assert_ne!(first.expose(), second.expose());
    let phc = Phc::new(first.expose()).unwrap();
    assert_eq!((phc.salt.unwrap().len(), phc.hash.unwrap().len()), (16, 32));
}

#[tokio::test]
async fn the_right_password_matches_and_any_other_does_not() {
    let hasher = hasher(1);
    for text in [RIGHT, "", " ", "pässwörd\u{0}𝄞", &"x".repeat(1_024), &"x".repeat(100_000)] {
        let hash = hasher.hash(&password(text)).await.unwrap();
        let right = hasher.verify(&password(text), Some(&hash)).await.unwrap();
        let wrong = hasher.verify(&password(&format!("{text}!")), Some(&hash)).await.unwrap();
        assert_eq!((right, wrong), (Verification::Match, Verification::Mismatch), "{} bytes", text.len());
    }
}

#[tokio::test]
async fn without_a_hash_nothing_matches_and_the_work_is_the_same() {
    let hasher = hasher(1);
    let hash = hasher.hash(&password("another password")).await.unwrap();
    let (with, without) = (fastest(&hasher, Some(&hash)).await, fastest(&hasher, None).await);
    assert!(alike(with, without), "with a hash {with:?}, without {without:?}");
}

#[tokio::test]
async fn hashes_at_least_as_strong_as_new_ones_match_and_weaker_ones_are_outdated() {
    use Algorithm::{Argon2d, Argon2i, Argon2id};
    use Version::{V0x10, V0x13};
    let (long, short) = (b"sixteen bytes ok".as_slice(), b"8 bytes!".as_slice());
    let cases = [
        ("as new", Verification::Match, foreign(Argon2id, V0x13, params(19_456, 2, 1, 32), long)),
        ("more memory", Verification::Match, foreign(Argon2id, V0x13, params(65_536, 3, 4, 32), long)),
        ("longer output", Verification::Match, foreign(Argon2id, V0x13, params(19_456, 2, 1, 64), long)),
        (
            "less memory",
            Verification::MatchOutdated,
            foreign(Argon2id, V0x13, params(19_455, 2, 1, 32), long),
        ),
        (
            "fewer passes",
            Verification::MatchOutdated,
            foreign(Argon2id, V0x13, params(19_456, 1, 1, 32), long),
        ),
        (
            "short salt",
            Verification::MatchOutdated,
            foreign(Argon2id, V0x13, params(19_456, 2, 1, 32), short),
        ),
        (
            "short output",
            Verification::MatchOutdated,
            foreign(Argon2id, V0x13, params(19_456, 2, 1, 16), long),
        ),
        (
            "old version",
            Verification::MatchOutdated,
            foreign(Argon2id, V0x10, params(19_456, 2, 1, 32), long),
        ),
        ("argon2i", Verification::MatchOutdated, foreign(Argon2i, V0x13, params(19_456, 2, 1, 32), long)),
        ("argon2d", Verification::MatchOutdated, foreign(Argon2d, V0x13, params(19_456, 2, 1, 32), long)),
    ];
    let hasher = hasher(1);
    for (name, expected, hash) in cases {
        assert_eq!(hasher.verify(&password(RIGHT), Some(&hash)).await.unwrap(), expected, "{name}");
        let wrong = hasher.verify(&password("wrong"), Some(&hash)).await.unwrap();
        assert_eq!(wrong, Verification::Mismatch, "{name}");
    }
}

#[tokio::test]
async fn a_hash_without_a_version_is_one_of_version_1_0() {
    let hash = foreign(Algorithm::Argon2id, Version::V0x10, params(64, 1, 1, 32), b"sixteen bytes ok");
    let unversioned = PasswordHash::new(hash.expose().replace("$v=16", ""));
    let judged = hasher(1).verify(&password(RIGHT), Some(&unversioned)).await.unwrap();
    assert_eq!(judged, Verification::MatchOutdated);
}

#[tokio::test]
async fn what_is_no_hash_never_matches_and_costs_one_verification() {
    let hasher = hasher(1);
    let good = hasher.hash(&password(RIGHT)).await.unwrap();
    let good = good.expose();
    let parameters = "m=19456,t=2,p=1";
    let broken = [
        String::new(),
        RIGHT.to_owned(),
        "$".to_owned(),
        "$argon2id".to_owned(),
        "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcyBvaw".to_owned(),
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E".to_owned(),
        format!("{good}$"),
        format!("{good}!"),
        good[1..].to_owned(),
        good[..good.len() - 30].to_owned(),
        good.replace("$v=19", "$v=18"),
        good.replace("argon2id", "argon2x"),
        good.replace(parameters, "m=19456,t=2"),
        good.replace(parameters, ""),
        good.replace(parameters, "m=19456,t=2,p=0"),
        good.replace(parameters, "m=1,t=2,p=1"),
        good.replace(parameters, "m=19456,t=0,p=1"),
        good.replace(parameters, "m=19456,t=2,p=1,x=1"),
        good.replace(parameters, "m=4294967295,t=1,p=1"),
        good.replace(parameters, "m=19456,t=4294967295,p=1"),
        good.replace(parameters, "m=99999999999,t=2,p=1"),
        "\u{0}".repeat(10_000),
    ];
    let honest = fastest(&hasher, None).await;
    for text in broken {
        let hash = PasswordHash::new(text.clone());
        let took = fastest(&hasher, Some(&hash)).await;
        assert!(alike(took, honest), "{text:.60?}: {took:?}, else {honest:?}");
    }
}

#[test]
fn without_a_slot_there_is_no_hasher() {
    let refused = Argon2Passwords::new(PasswordOptions { concurrency: 0, peppers: Peppers::default() });
    assert!(matches!(refused, Err(PasswordOptionsError::NoSlot)));
}

#[tokio::test]
async fn a_full_line_turns_callers_away_at_once_and_serves_those_in_it_within_the_bound() {
    let hasher = Arc::new(measured(1).await);
    let mut storm = JoinSet::new();
    let fits = usize::try_from(2_000 / hasher.hash_duration().as_millis().max(1)).unwrap();
    for _ in 0..fits * 2 + 20 {
        let hasher = hasher.clone();
        storm.spawn(async move {
            let began = Instant::now();
            (hasher.verify(&password(RIGHT), None).await, began.elapsed())
        });
    }
    let (mut served, mut turned_away) = (0, 0);
    while let Some(outcome) = storm.join_next().await {
        match outcome.unwrap() {
            (Ok(verification), waited) => {
                assert_eq!(verification, Verification::Mismatch);
                assert!(waited < Duration::from_secs(6), "{waited:?}");
                served += 1;
            }
            (Err(PasswordsError::Busy { retry_after }), waited) => {
                assert!(waited < Duration::from_secs(1), "{waited:?}");
                assert!((1..=5).contains(&retry_after.as_secs()), "{retry_after:?}");
                assert_eq!(retry_after.subsec_nanos(), 0);
                turned_away += 1;
            }
            (Err(other), _) => panic!("{other:?}"),
        }
    }
    assert!(served > 1 && turned_away > 1, "served {served}, turned away {turned_away}");
    assert_eq!(hasher.verify(&password(RIGHT), None).await.unwrap(), Verification::Mismatch);
}

#[tokio::test]
async fn callers_that_give_up_leave_the_line_and_no_slot_behind() {
    let hasher = Arc::new(measured(2).await);
    let each = hasher.hash_duration();
    let mut crowd = JoinSet::new();
    for _ in 0..40 {
        let hasher = hasher.clone();
        crowd.spawn(async move { hasher.hash(&password(RIGHT)).await });
    }
    tokio::time::sleep(each / 2).await;
    crowd.shutdown().await;
    // Two hashes at most had begun; those behind them, worth 19 rounds, must cost nothing.
    let began = Instant::now();
    for _ in 0..3 {
        hasher.verify(&password(RIGHT), None).await.unwrap();
    }
    assert!(began.elapsed() < each * 12, "{:?} for three, {each:?} each", began.elapsed());
}

#[tokio::test(flavor = "current_thread")]
async fn hashing_leaves_the_async_thread_free() {
    let hasher = Arc::new(hasher(1));
    let work = tokio::spawn({
        let hasher = hasher.clone();
        async move {
            for _ in 0..5 {
                hasher.hash(&password(RIGHT)).await.unwrap();
            }
        }
    });
    let mut longest = Duration::ZERO;
    while !work.is_finished() {
        let began = Instant::now();
        tokio::time::sleep(Duration::from_millis(1)).await;
        longest = longest.max(began.elapsed());
    }
    work.await.unwrap();
    let each = hasher.hash_duration();
    assert!(longest < each * 3, "the thread stood still for {longest:?}; one hash takes {each:?}");
}
