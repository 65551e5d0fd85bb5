//! Chance: secrets that nobody can guess.

use super::Cause;

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandomness(#[source] pub Cause);

/// Draws secrets.
pub trait Randomness: Send + Sync {
    /// 256 bits from a cryptographically secure source. They MUST NOT be derived from anything that could be known or drawn
    /// again.
    fn secret(&self) -> Result<[u8; 32], NoRandomness>;
}
