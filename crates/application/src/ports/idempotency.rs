//! What the use cases need from the storage of requests that are safe to repeat.

use async_trait::async_trait;
use holdfast_domain::{Timestamp, UserId};

use super::StoreError;
use crate::idempotency::{Fingerprint, IdempotencyKey, KeptAnswer};

/// A request that was carried out, and what it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Whose request it was.
    pub owner: UserId,
    /// Its name among the owner's requests.
    pub key: IdempotencyKey,
    /// What it was.
    pub fingerprint: Fingerprint,
    /// What it was answered.
    pub answer: KeptAnswer,
    /// When it was carried out.
    pub created_at: Timestamp,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The record is written, and the effect is the caller's to write in the same unit of work.
    Won,
    /// The key belongs to this request, which was carried out.
    Taken(IdempotencyRecord),
    /// The key belongs to a request whose unit of work has not ended. The caller's own is spent.
    InFlight,
}

/// Requests that were carried out, by their owner and key.
///
/// - No call MUST ever read or write a record of another owner than the one it names; two owners MAY use one key.
///   [`IdempotencyRepository::sweep`] alone names none.
/// - Keys MUST compare exactly, by every character and its case.
/// - A record made at `forgotten` or before MUST count as none, whether or not it is still there.
/// - A record MUST go with its owner's account.
#[async_trait]
pub trait IdempotencyRepository: Send + Sync {
    /// The record of this key, every field as it went in.
    async fn find(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
        forgotten: Timestamp,
    ) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// Writes the record, unless there is one of its owner and key. Call it first in the unit of work that has the
    /// effect: the two are then kept or lost together.
    ///
    /// - Of any number of claims of one key at the same moment, at most one MUST be `Won` and kept.
    /// - While a unit of work that won the key has not ended, nobody else's claim MUST be `Won` or `Taken`: it waits
    ///   for the end, and MAY give up with `InFlight` after half a second.
    /// - Once that unit of work was rolled back, the key MUST be free.
    /// - `Taken` MUST NOT spend the unit of work.
    /// - An owner without an account MUST be `OwnerMissing`.
    async fn claim(&self, record: &IdempotencyRecord, forgotten: Timestamp) -> Result<Claim, StoreError>;

    /// Removes records made at `forgotten` or before, `limit` at most; answers how many.
    ///
    /// - A record made after `forgotten` MUST stay.
    async fn sweep(&self, forgotten: Timestamp, limit: u64) -> Result<u64, StoreError>;
}
