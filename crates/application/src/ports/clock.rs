//! The time.

use holdfast_domain::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC. May jump, as wall clocks do.
    fn now(&self) -> Timestamp;
}
