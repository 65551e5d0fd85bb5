//! Secrets that count up: different each time, and the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_application::ports::{NoRandomness, Randomness};

/// Hands out secrets that count up from 1 in their last bytes.
#[derive(Debug, Default)]
pub struct CountedSecrets(AtomicU64);

impl Randomness for CountedSecrets {
    fn secret(&self) -> Result<[u8; 32], NoRandomness> {
        let mut secret = [0; 32];
        secret[24..].copy_from_slice(&(self.0.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes());
        Ok(secret)
    }
}
