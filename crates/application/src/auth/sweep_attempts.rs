//! Forgetting what is over of failed attempts at passwords.

use super::{Auth, AuthError};

/// How many counters one sweep forgets at most, so that none of them is long in anybody's way.
const BATCH: u64 = 5_000;

impl Auth {
    /// Forgets counters that have expired. To be called from time to time, on any number of instances: addresses that nobody
    /// has are counted, too, so that there would be ever more.
    pub async fn sweep_attempts(&self) -> Result<u64, AuthError> {
        Ok(self.store.throttle().sweep(self.clock.now(), BATCH).await?)
    }
}
