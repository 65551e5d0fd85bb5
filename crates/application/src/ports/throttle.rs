//! What the use cases need from the storage of failed attempts at passwords.

use async_trait::async_trait;
use holdfast_domain::{
    Timestamp,
    throttle::{Counters, Limits, Network, Principal},
};

use super::StoreError;

/// Failed attempts, counted for a principal: for each network, and for all networks together that are not known. All instances
/// count together.
///
/// - No call MUST ever read or write what is counted for another principal than the one it names, or for another network;
///   [`ThrottleRepository::sweep`] alone names none.
/// - Times MUST come back to the microsecond.
#[async_trait]
pub trait ThrottleRepository: Send + Sync {
    /// Counts an attempt that begins at `at`, and answers the counters that it went into, as they are then.
    ///
    /// - It MUST do what `Limits::count` does with the counters that are there, and MUST answer no counter and change nothing
    ///   where that refuses.
    /// - Of any number of callers at the same moment no more MUST be counted than of as many one after the other. Where callers
    ///   from several networks run for the same slot, one may be counted for its network alone: it is refused, too, and gives
    ///   that back.
    async fn count(
        &self,
        principal: Principal,
        network: &Network,
        limits: &Limits,
        at: Timestamp,
    ) -> Result<Counters, StoreError>;

    /// The counters as they are.
    async fn find(&self, principal: Principal, network: &Network) -> Result<Counters, StoreError>;

    /// Notes that an attempt, which was counted as `counted`, has failed: it is not under way any more.
    ///
    /// - It MUST do what `Counter::failed` does with each of the counters that are given, and MUST leave alone one that is not
    ///   there any more.
    async fn fail(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
    ) -> Result<(), StoreError>;

    /// Takes back what an attempt was counted as at `at`: it was no failure.
    ///
    /// - It MUST do what `Counter::given_back` does with each of the counters that are given, and MUST leave alone one that is
    ///   not there any more.
    async fn give_back(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Notes a success at `at`: the network's counter MUST be `Counter::cleared`, also where there was none. The counter of
    /// networks that are not known MUST stay as it is.
    async fn clear(&self, principal: Principal, network: &Network, at: Timestamp) -> Result<(), StoreError>;

    /// Forgets everything about the principal, whose account goes.
    async fn forget(&self, principal: Principal) -> Result<(), StoreError>;

    /// Forgets counters that have expired at `at`, `limit` at most; answers how many.
    ///
    /// - A counter whose `expires_at` lies after `at` MUST stay.
    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError>;
}
