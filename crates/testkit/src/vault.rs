//! A vault that hides nothing, whose keys come and go as a test wants.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_application::{
    domain::UserId,
    ports::{Opened, Sealed, Vault, VaultError},
};

/// Keeps secrets readable behind the id of their account. Clones share their keys.
#[derive(Debug, Clone)]
pub struct PlainVault(Arc<Mutex<Keys>>);

/// The ids of the keys that are loaded.
#[derive(Debug)]
struct Keys {
    current: Option<String>,
    previous: Vec<String>,
}

impl Default for PlainVault {
    /// With one key.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Keys { current: Some("k1".to_owned()), previous: Vec::new() })))
    }
}

impl PlainVault {
    /// From now on this key seals, or none does, and these open as well.
    pub fn load(&self, current: Option<&str>, previous: &[&str]) {
        let previous = previous.iter().map(|key| (*key).to_owned()).collect();
        *self.keys() = Keys { current: current.map(str::to_owned), previous };
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for PlainVault {
    fn seal(&self, owner: UserId, plaintext: &[u8]) -> Result<Sealed, VaultError> {
        let key_id = self.keys().current.clone().ok_or(VaultError::Off)?;
        Ok(Sealed { key_id, ciphertext: [owner.uuid().as_bytes(), plaintext].concat() })
    }

    fn open(&self, owner: UserId, Sealed { key_id, ciphertext }: &Sealed) -> Result<Opened, VaultError> {
        let keys = self.keys();
        let outdated = keys.current.as_ref() != Some(key_id);
        if outdated && !keys.previous.contains(key_id) {
            return Err(VaultError::KeyMissing { key_id: key_id.clone() });
        }
        let plaintext = ciphertext.strip_prefix(owner.uuid().as_bytes());
        let plaintext = plaintext.ok_or_else(|| VaultError::Failed("sealed for somebody else".into()))?;
        Ok(Opened { plaintext: plaintext.to_vec().into(), outdated })
    }
}
