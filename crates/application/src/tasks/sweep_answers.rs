//! Forgetting answers that are not repeated any more.

use super::{TaskError, Tasks};
use crate::idempotency::KEPT_FOR;

/// How many answers one sweep forgets at most, so that none of them is long in anybody's way.
const BATCH: u64 = 1_000;

impl Tasks {
    /// Forgets answers that were kept for [`KEPT_FOR`], the oldest first; answers how many. To be called from time to time,
    /// on any number of instances.
    pub async fn sweep_answers(&self) -> Result<u64, TaskError> {
        let forgotten = self.clock.now().minus(KEPT_FOR);
        Ok(self.store.idempotency().sweep(forgotten, BATCH).await?)
    }
}
