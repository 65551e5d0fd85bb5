//! What the use cases need to agree, over several instances, on who does something that one of them should do.

use async_trait::async_trait;
use holdfast_domain::Timestamp;
use uuid::Uuid;

use super::StoreError;

/// Leases: something that one holder has until a certain time, and for longer if they take it again.
///
/// - Two leases with different names MUST NOT know of each other.
#[async_trait]
pub trait LeaseRepository: Send + Sync {
    /// Takes the lease at `at`, until `until`, for `holder`: it is nobody's, or was theirs already, or the time of who had it is
    /// up. False, and nothing is changed, where somebody else has it.
    ///
    /// - Of any number of callers at the same moment who are different holders, at most one MUST hear true.
    /// - An end that lies more than twice as far ahead as the one asked for MUST NOT count: a clock that has been set back since
    ///   wrote it, and nobody is kept out by that.
    async fn take(
        &self,
        name: &str,
        holder: Uuid,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives the lease back, which is nobody's from then on.
    ///
    /// - Where `holder` does not have it, somebody else's lease MUST stay as it is.
    async fn give_back(&self, name: &str, holder: Uuid) -> Result<(), StoreError>;
}
