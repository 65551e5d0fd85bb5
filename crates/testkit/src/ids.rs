//! Identifiers that count up, for tests whose answers must not depend on chance; and ones that never repeat, for
//! tests that share a database.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use holdfast_application::ports::Ids;
use uuid::Uuid;

/// Hands out version-7 UUIDs that count up from 1 in their last digits.
#[derive(Debug)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    /// The UUID that is handed out as number `n`, which is below 2^48.
    pub const fn nth(n: u64) -> Uuid {
        Uuid::from_u128(0x0194_1f29_7c00_7000_8000_0000_0000_0000 + n as u128)
    }
}

impl Default for SequentialIds {
    fn default() -> Self {
        Self(AtomicU64::new(1))
    }
}

impl Ids for SequentialIds {
    fn next(&self) -> Uuid {
        Self::nth(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A UUID that no other test draws, in this process or in one that shares its database.
pub fn unique() -> Uuid {
    // The keys of a hasher are the randomness that the standard library has to give.
    static SEED: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let n = DRAWN.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u64_pair(SEED.0.hash_one(n), SEED.1.hash_one(n))
}
