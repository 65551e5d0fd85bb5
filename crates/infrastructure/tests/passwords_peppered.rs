//! Peppers: what is in a hash of one, what verifies under which, and what a rotation replaces.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use argon2::{Algorithm, Argon2, Params, Version, password_hash::phc::PasswordHash as Phc};
use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{Passwords, Verification},
};
use holdfast_infrastructure::passwords::{Argon2Passwords, PasswordOptions, Pepper, Peppers};

const RIGHT: &str = "correct horse battery staple";
const OLD: &str = "old-pepper-0123456789-abcdefghijklmnop";
const NEW: &str = "new-pepper-0123456789-abcdefghijklmnop";

fn pepper(secret: &str) -> Pepper {
    Pepper::new(secret.as_bytes().to_vec())
}

fn hasher(current: Option<&str>, earlier: &[&str]) -> Argon2Passwords {
    let earlier = earlier.iter().copied().map(pepper).collect();
    let peppers = Peppers::new(current.map(pepper), earlier);
    Argon2Passwords::new(PasswordOptions { concurrency: 1, peppers }).unwrap()
}

async fn hash(current: Option<&str>) -> PasswordHash {
    hasher(current, &[]).hash(&Password::new(RIGHT.to_owned())).await.unwrap()
}

async fn judged(hasher: &Argon2Passwords, password: &str, hash: &PasswordHash) -> Verification {
    hasher.verify(&Password::new(password.to_owned()), Some(hash)).await.unwrap()
}

#[tokio::test]
async fn a_pepper_is_the_secret_input_of_argon2_and_named_beside_the_parameters() {
    let hash = hash(Some(NEW)).await;
    let named = format!("$argon2id$v=19$m=19456,t=2,p=1,keyid={}$", pepper(NEW).id());
    assert!(hash.expose().starts_with(&named), "{}", hash.expose());
    let phc = Phc::new(hash.expose()).unwrap();
    let params = Params::new(19_456, 2, 1, None).unwrap();
    let argon2 =
        Argon2::new_with_secret(NEW.as_bytes(), Algorithm::Argon2id, Version::V0x13, params).unwrap();
    let mut expected = [0; 32];
    argon2.hash_password_into(RIGHT.as_bytes(), &phc.salt.unwrap(), &mut expected).unwrap();
    assert_eq!(phc.hash.unwrap().as_bytes(), expected);
}

#[test]
fn the_name_of_a_pepper_is_its_own_and_shows_nothing_of_it() {
    assert_eq!(pepper(NEW).id(), pepper(NEW).id());
    assert_ne!(pepper(NEW).id(), pepper(OLD).id());
    let told = format!("{:?}", Peppers::new(Some(pepper(NEW)), vec![pepper(OLD)]));
    assert!(told.contains(&pepper(OLD).id()) && !told.contains("old-pepper"), "{told}");
    assert!(!told.contains(&format!("{:?}", OLD.as_bytes())), "{told}");
}

#[tokio::test]
async fn hashes_without_the_live_pepper_are_outdated() {
    use Verification::{Match, MatchOutdated, Mismatch};
    let (plain, old, new) = (hash(None).await, hash(Some(OLD)).await, hash(Some(NEW)).await);
    let cases = [
        ("introduced", hasher(Some(NEW), &[]), [MatchOutdated, Mismatch, Match]),
        ("rotated", hasher(Some(NEW), &[OLD]), [MatchOutdated, MatchOutdated, Match]),
        ("rotated back", hasher(Some(OLD), &[NEW]), [MatchOutdated, Match, MatchOutdated]),
        ("given up", hasher(None, &[NEW, OLD]), [Match, MatchOutdated, MatchOutdated]),
        ("lost", hasher(None, &[]), [Match, Mismatch, Mismatch]),
    ];
    for (case, hasher, expected) in cases {
        for (hash, expected) in [&plain, &old, &new].into_iter().zip(expected) {
            assert_eq!(judged(&hasher, RIGHT, hash).await, expected, "{case}");
            assert_eq!(judged(&hasher, "wrong", hash).await, Mismatch, "{case}");
        }
    }
}

#[tokio::test]
async fn another_name_on_a_hash_does_not_make_it_fit() {
    let new = hash(Some(NEW)).await;
    let renamed = new.expose().replace(&pepper(NEW).id(), &pepper(OLD).id());
    let stripped = new.expose().replace(&format!(",keyid={}", pepper(NEW).id()), "");
    let both = hasher(Some(NEW), &[OLD]);
    for forged in [renamed, stripped] {
        assert_ne!(forged, new.expose());
        assert_eq!(judged(&both, RIGHT, &PasswordHash::new(forged)).await, Verification::Mismatch);
    }
}

#[tokio::test]
async fn hashes_of_the_fastapi_backend_know_no_pepper_and_are_outdated() {
    let bcrypt = PasswordHash::new("$2b$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m".to_owned());
    let judged = judged(&hasher(Some(NEW), &[]), RIGHT, &bcrypt).await;
    assert_eq!(judged, Verification::MatchOutdated);
}

/// Everything that is logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_pepper_that_is_not_loaded_is_named_in_the_log_and_no_secret_is() {
    const LOST: &str = "lost-pepper-0123456789-abcdefghijklmno";
    let log = Log::default();
    let ear = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || ear.clone()).finish();
    // Hashing runs on threads of its own. No other test here installs one.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let lost = hash(Some(LOST)).await;
    assert_eq!(judged(&hasher(Some(NEW), &[OLD]), RIGHT, &lost).await, Verification::Mismatch);
    let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line =
        told.lines().find(|line| line.contains(&pepper(LOST).id())).unwrap_or_else(|| panic!("{told}"));
    assert!(line.contains("WARN") && line.contains("PASSWORD_PREVIOUS_PEPPERS"), "{line}");
    for secret in [LOST, NEW, OLD, RIGHT, lost.expose()] {
        assert!(!told.contains(secret), "{told}");
    }
}
