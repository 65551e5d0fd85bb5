//! A password hasher that hashes nothing, so that tests of accounts are fast.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{Passwords, PasswordsError, Verification},
};

const TODAY: &str = "plain:";
const OUTDATED: &str = "outdated:";

/// Keeps passwords readable behind a prefix, and counts what it is asked.
#[derive(Debug, Default)]
pub struct PlainPasswords {
    hashes: AtomicUsize,
    verifications: AtomicUsize,
}

impl PlainPasswords {
    /// What `hash` makes of `password`.
    pub fn hashed(password: &str) -> PasswordHash {
        PasswordHash::new(format!("{TODAY}{password}"))
    }

    /// A hash of `password` that is weaker than today's.
    pub fn outdated(password: &str) -> PasswordHash {
        PasswordHash::new(format!("{OUTDATED}{password}"))
    }

    /// How many hashes were made.
    pub fn hashes(&self) -> usize {
        self.hashes.load(Ordering::SeqCst)
    }

    /// How many verifications were done, those against no hash included.
    pub fn verifications(&self) -> usize {
        self.verifications.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Passwords for PlainPasswords {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        self.hashes.fetch_add(1, Ordering::SeqCst);
        Ok(Self::hashed(password.expose()))
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordsError> {
        self.verifications.fetch_add(1, Ordering::SeqCst);
        let (hash, password) = (hash.map(PasswordHash::expose).unwrap_or_default(), password.expose());
        Ok(if hash.strip_prefix(TODAY) == Some(password) {
            Verification::Match
        } else if hash.strip_prefix(OUTDATED) == Some(password) {
            Verification::MatchOutdated
        } else {
            Verification::Mismatch
        })
    }
}
