//! Encryption of secrets that are stored: AES-256-GCM with a random nonce (NIST SP 800-38D §8.2.2), under a key that is derived
//! from the configured one (HKDF with SHA-256, RFC 5869), bound to the account. Where the configured keys come from is the
//! server's.

use std::fmt::{self, Write as _};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Salt},
};
use holdfast_application::{
    domain::UserId,
    ports::{Opened, Sealed, Vault, VaultError},
};
use zeroize::Zeroizing;

/// Separates these keys from every other use of the same secret.
const SALT: &[u8] = b"holdfast encryption of stored secrets v1";
const KEY_INFO: &[u8] = b"second factors: AES-256-GCM";
const ID_INFO: &[u8] = b"key id";
/// Stands before the account's id in what is authenticated with a secret.
const LABEL: &[u8] = b"holdfast second factor v1\0";
const ID_BYTES: usize = 8;

/// A key that seals and opens; never printed.
pub struct EncryptionKey {
    id: String,
    key: RandomizedNonceKey,
}

/// A key could not be derived: the system's cryptography failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no encryption key could be derived")]
pub struct CannotDerive;

impl From<Unspecified> for CannotDerive {
    fn from(Unspecified: Unspecified) -> Self {
        Self
    }
}

impl EncryptionKey {
    /// Takes any bytes: whether a secret is long and uncommon enough is judged by the settings.
    pub fn derive(secret: &[u8]) -> Result<Self, CannotDerive> {
        let root = Salt::new(HKDF_SHA256, SALT).extract(secret);
        let (mut key, mut id) = (Zeroizing::new([0; 32]), [0; 32]);
        root.expand(&[KEY_INFO], &AES_256_GCM)?.fill(key.as_mut_slice())?;
        root.expand(&[ID_INFO], &AES_256_GCM)?.fill(&mut id)?;
        let mut name = String::with_capacity(2 * ID_BYTES);
        for byte in &id[..ID_BYTES] {
            // Writing to a text does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        Ok(Self { id: name, key: RandomizedNonceKey::new(&AES_256_GCM, key.as_slice())? })
    }

    /// What sealed secrets call it: the same on every instance, and of no use for finding the key.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The encryption keys of a deployment. Every instance of it needs the same.
#[derive(Debug, Default)]
pub struct AesGcmVault {
    current: Option<EncryptionKey>,
    earlier: Vec<EncryptionKey>,
}

impl AesGcmVault {
    /// `current` seals, and nothing is sealed where it is absent; all of them open.
    pub fn new(current: Option<EncryptionKey>, earlier: Vec<EncryptionKey>) -> Self {
        Self { current, earlier }
    }

    /// What the key that seals is called; nothing where there is none.
    pub fn key_id(&self) -> Option<&str> {
        self.current.as_ref().map(EncryptionKey::id)
    }
}

impl Vault for AesGcmVault {
    fn seal(&self, owner: UserId, plaintext: &[u8]) -> Result<Sealed, VaultError> {
        let key = self.current.as_ref().ok_or(VaultError::Off)?;
        let mut encrypted = Zeroizing::new(plaintext.to_vec());
        let nonce =
            key.key.seal_in_place_append_tag(authenticated(owner), &mut *encrypted).map_err(failed)?;
        Ok(Sealed { key_id: key.id.clone(), ciphertext: [nonce.as_ref(), encrypted.as_slice()].concat() })
    }

    fn open(&self, owner: UserId, Sealed { key_id, ciphertext }: &Sealed) -> Result<Opened, VaultError> {
        let mut loaded = self.current.iter().chain(&self.earlier);
        let Some(key) = loaded.find(|key| key.id == *key_id) else {
            tracing::error!(
                key = key_id,
                "the secret of a second factor is sealed with a key that is not loaded: put it into ENCRYPTION_KEY or \
                 ENCRYPTION_PREVIOUS_KEYS"
            );
            return Err(VaultError::KeyMissing { key_id: key_id.clone() });
        };
        let (nonce, encrypted) =
            ciphertext.split_first_chunk::<NONCE_LEN>().ok_or_else(|| failed(Unspecified))?;
        let mut plaintext = Zeroizing::new(encrypted.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length =
            key.key.open_in_place(nonce, authenticated(owner), &mut plaintext).map_err(failed)?.len();
        plaintext.truncate(length);
        let outdated = self.current.as_ref().is_none_or(|current| current.id != *key_id);
        Ok(Opened { plaintext, outdated })
    }
}

fn authenticated(owner: UserId) -> Aad<Vec<u8>> {
    Aad::from([LABEL, owner.uuid().as_bytes()].concat())
}

fn failed(error: Unspecified) -> VaultError {
    VaultError::Failed(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> EncryptionKey {
        EncryptionKey::derive(secret.as_bytes()).unwrap()
    }

    fn owner(n: u128) -> UserId {
        UserId::new(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn a_sealed_secret_opens_for_its_account_alone_and_two_seals_differ() {
        let vault = AesGcmVault::new(Some(key("a")), Vec::new());
        let [first, second] = [(); 2].map(|()| vault.seal(owner(1), b"twenty secret bytes!").unwrap());
        assert_ne!(first.ciphertext, second.ciphertext);
        assert_eq!(first.ciphertext.len(), 12 + 20 + 16, "nonce, secret, tag");
        for sealed in [&first, &second] {
            let Opened { plaintext, outdated } = vault.open(owner(1), sealed).unwrap();
            assert_eq!((plaintext.as_slice(), outdated), (b"twenty secret bytes!".as_slice(), false));
            assert!(matches!(vault.open(owner(2), sealed), Err(VaultError::Failed(_))));
        }
    }

    #[test]
    fn nothing_that_was_changed_or_cut_opens() {
        let vault = AesGcmVault::new(Some(key("a")), Vec::new());
        let Sealed { key_id, ciphertext } = vault.seal(owner(1), b"twenty secret bytes!").unwrap();
        for at in 0..ciphertext.len() * 8 {
            let mut changed = ciphertext.clone();
            changed[at / 8] ^= 1 << (at % 8);
            let changed = Sealed { key_id: key_id.clone(), ciphertext: changed };
            assert!(matches!(vault.open(owner(1), &changed), Err(VaultError::Failed(_))), "bit {at}");
        }
        for length in 0..ciphertext.len() {
            let cut = Sealed { key_id: key_id.clone(), ciphertext: ciphertext[..length].to_vec() };
            assert!(matches!(vault.open(owner(1), &cut), Err(VaultError::Failed(_))), "{length}");
        }
    }

    #[test]
    fn earlier_keys_open_and_tell_that_they_are_outdated() {
        let sealed = AesGcmVault::new(Some(key("old")), Vec::new()).seal(owner(1), b"secret").unwrap();
        let rotated = AesGcmVault::new(Some(key("new")), vec![key("older"), key("old")]);
        let Opened { plaintext, outdated } = rotated.open(owner(1), &sealed).unwrap();
        assert_eq!((plaintext.as_slice(), outdated), (b"secret".as_slice(), true));
        let given_up = AesGcmVault::new(None, vec![key("old")]);
        assert!(given_up.open(owner(1), &sealed).unwrap().outdated);
        assert!(matches!(given_up.seal(owner(1), b"secret"), Err(VaultError::Off)));
        let lost = AesGcmVault::new(Some(key("new")), Vec::new());
        let missing = lost.open(owner(1), &sealed).map(|_| ()).unwrap_err();
        assert!(matches!(&missing, VaultError::KeyMissing { key_id } if *key_id == sealed.key_id));
        assert!(missing.to_string().contains("ENCRYPTION_KEY"));
    }

    #[test]
    fn a_key_is_named_alike_everywhere_and_shows_nothing_of_itself() {
        assert_eq!(key("a").id(), key("a").id());
        assert_ne!(key("a").id(), key("b").id());
        assert_eq!(key("a").id().len(), 16);
        assert!(!format!("{:?}", key("top secret")).contains("top secret"));
    }
}
