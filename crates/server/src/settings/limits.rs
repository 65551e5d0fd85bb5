//! How much work is taken on: password hashing and throttling. The single limits of the throttle
//! stand in the web and application crates.

use std::num::NonZero;

use validator::Validate;

use super::describe::Effective;
use super::environment::Environment;
use super::reader::{Reader, whole_number};

/// Bounds on work.
#[derive(Debug, Clone, Validate)]
pub struct LimitSettings {
    /// Passwords hashed at the same time, 1–256.
    #[validate(range(min = 1, max = 256, code = "HASH_CONCURRENCY"))]
    pub hash_concurrency: u32,
    /// Whether clients are throttled.
    pub rate_limit: bool,
}

impl LimitSettings {
    pub(super) fn read(reader: &mut Reader, environment: Environment) -> Self {
        let section = Self {
            hash_concurrency: reader.parse("HASH_CONCURRENCY", whole_number).unwrap_or_else(half_the_cores),
            rate_limit: reader.boolean("RATE_LIMIT"),
        };
        reader.check(&section);
        if !section.rate_limit {
            if environment.is_strict() {
                reader.fault_expecting(
                    "RATE_LIMIT",
                    format!("is off in {}", environment.as_str()),
                    "on (off is for load tests in development)",
                );
            } else {
                reader.warn(
                    "RATE_LIMIT",
                    "is off: nothing is throttled, passwords can be guessed without delay",
                );
            }
        }
        section
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { hash_concurrency, rate_limit } = self;
        let switch = if *rate_limit { "on" } else { "off" };
        vec![
            ("HASH_CONCURRENCY", Some(hash_concurrency.to_string())),
            ("RATE_LIMIT", Some(switch.to_owned())),
        ]
    }
}

/// Hashing more at once than the cores can do only slows every other route. More than 512 cores count
/// as 512, whose half is the upper bound of the variable.
fn half_the_cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(cores / 2).unwrap_or(u32::MAX).clamp(1, 256)
}
