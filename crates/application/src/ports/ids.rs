//! Fresh identifiers.

use uuid::Uuid;

/// Makes identifiers.
pub trait Ids: Send + Sync {
    /// A UUID that was never handed out before; later ones sort behind earlier ones, as far as clocks allow
    /// (version 7, RFC 9562).
    fn next(&self) -> Uuid;
}
