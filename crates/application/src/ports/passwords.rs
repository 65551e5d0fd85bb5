//! Hashing and verification of passwords.

use std::time::Duration;

use async_trait::async_trait;
use holdfast_domain::users::{Password, PasswordHash};

use super::Cause;

/// Why no answer about a password could be given.
#[derive(Debug, thiserror::Error)]
pub enum PasswordsError {
    /// More work is queued than can be done in time. Nothing was done.
    #[error("too many passwords are being checked; try again in {} s", .retry_after.as_secs())]
    Busy {
        /// When it is worth another try.
        retry_after: Duration,
    },
    /// The hasher failed.
    #[error("the password hasher failed")]
    Failed(#[source] Cause),
}

/// What a verification showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The right password, and the hash is as strong as new ones are.
    Match,
    /// The right password under a weaker hash: make a new one now.
    MatchOutdated,
    /// The wrong password, or a hash that cannot be understood.
    Mismatch,
}

/// The password hasher.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// A new hash with a fresh salt.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError>;

    /// Compares in constant time. With no hash (an unknown or passwordless account) it does the work of one
    /// verification against a hash that no password fits, so that the time taken tells nothing.
    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordsError>;
}
