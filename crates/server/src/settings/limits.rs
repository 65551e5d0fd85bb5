//! How much work is taken on: password hashing. How fast clients may try is `throttling`'s.

use std::num::NonZero;

use validator::Validate;

use super::describe::Effective;
use super::reader::{Reader, whole_number};

/// Bounds on work.
#[derive(Debug, Clone, Validate)]
pub struct LimitSettings {
    /// Passwords hashed at the same time, 1–256.
    #[validate(range(min = 1, max = 256, code = "HASH_CONCURRENCY"))]
    pub hash_concurrency: u32,
}

impl LimitSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let section = Self {
            hash_concurrency: reader.parse("HASH_CONCURRENCY", whole_number).unwrap_or_else(half_the_cores),
        };
        reader.check(&section);
        section
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { hash_concurrency } = self;
        vec![("HASH_CONCURRENCY", Some(hash_concurrency.to_string()))]
    }
}

/// Hashing more at once than the cores can do only slows every other route. More than 512 cores count
/// as 512, whose half is the upper bound of the variable.
fn half_the_cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(cores / 2).unwrap_or(u32::MAX).clamp(1, 256)
}
