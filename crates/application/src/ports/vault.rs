//! Encryption of what must be read again, and must not be readable in a copy of the database.

use holdfast_domain::UserId;
use zeroize::Zeroizing;

use super::Cause;

/// What a seal leaves: it can be stored anywhere, and only whoever has the key reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key opens it. It tells nothing about the key.
    pub key_id: String,
    /// What was sealed, encrypted and authenticated.
    pub ciphertext: Vec<u8>,
}

/// What was sealed.
pub struct Opened {
    /// As it went in, wiped from memory when dropped.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// Whether it was sealed with an earlier key: seal it anew.
    pub outdated: bool,
}

/// Why something was neither sealed nor opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No key is configured: nothing can be sealed.
    #[error("no encryption key is configured")]
    Off,
    /// It was sealed with a key that is not loaded.
    #[error("the encryption key {key_id} is not loaded (ENCRYPTION_KEY, ENCRYPTION_PREVIOUS_KEYS)")]
    KeyMissing {
        /// The key's id.
        key_id: String,
    },
    /// It is not what was sealed for this account, or the system failed.
    #[error("a secret could not be sealed or opened")]
    Failed(#[source] Cause),
}

/// Seals secrets of accounts.
///
/// - What was sealed for one account MUST NOT open for another.
/// - What was changed in any bit MUST NOT open.
/// - Two seals of one secret MUST differ.
/// - What was sealed with an earlier key that is loaded MUST open, and MUST be told to be outdated.
pub trait Vault: Send + Sync {
    /// Encrypts `plaintext` for the account under the key of today.
    fn seal(&self, owner: UserId, plaintext: &[u8]) -> Result<Sealed, VaultError>;

    /// What was sealed for the account.
    fn open(&self, owner: UserId, sealed: &Sealed) -> Result<Opened, VaultError>;
}
