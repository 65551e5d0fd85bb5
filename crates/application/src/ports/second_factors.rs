//! What the use cases need from the storage of second factors.

use async_trait::async_trait;
use holdfast_domain::{Timestamp, UserId, second_factors::TimeStep};

use super::{Sealed, StoreError, TokenHash};

/// The second factor of one account. It is pending until it is confirmed, and only then counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The account; it has one at most.
    pub owner: UserId,
    /// The secret of its codes.
    pub secret: Sealed,
    /// When its enrolment began. Tells it from an earlier one of the account.
    pub created_at: Timestamp,
    /// Since when it counts; absent while it is pending.
    pub confirmed_at: Option<Timestamp>,
    /// The period of the last code that was accepted; absent while it is pending.
    pub last_step: Option<TimeStep>,
}

/// Second factors and their recovery codes, always of one account.
///
/// - No call MUST ever read or write what belongs to another account than the one it names.
/// - Every field MUST come back as it went in, times to the microsecond.
#[async_trait]
pub trait SecondFactorRepository: Send + Sync {
    /// The account's factor, pending or not.
    async fn find(&self, owner: UserId) -> Result<Option<SecondFactor>, StoreError>;

    /// Stores a pending factor in the place of an earlier pending one.
    ///
    /// - It MUST change nothing and answer false where one counts already.
    /// - An owner without an account MUST be `OwnerMissing`.
    async fn enrol(&self, factor: &SecondFactor) -> Result<bool, StoreError>;

    /// Lets the pending factor that was enrolled at `created_at` count from `at` on, with `step` as the period of the last
    /// code.
    ///
    /// - It MUST change nothing and answer false where there is none, another one, or one that counts already.
    async fn confirm(
        &self,
        owner: UserId,
        created_at: Timestamp,
        step: TimeStep,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Notes that the code of the period `step` was accepted.
    ///
    /// - It MUST change nothing and answer false unless the factor of `created_at` is there and counts, and `step` is later
    ///   than the last one.
    /// - Of any number of callers at the same moment with one `step`, exactly one MUST succeed.
    async fn accept(&self, owner: UserId, created_at: Timestamp, step: TimeStep) -> Result<bool, StoreError>;

    /// Replaces the sealed secret `old` by `new`. It MUST change nothing and answer false where another one is stored.
    async fn reseal(&self, owner: UserId, old: &Sealed, new: &Sealed) -> Result<bool, StoreError>;

    /// Removes the factor, pending or not, and its recovery codes with it. False when there was none.
    async fn remove(&self, owner: UserId) -> Result<bool, StoreError>;

    /// Adds recovery codes. They MUST go with the account's factor; without one they MUST be `OwnerMissing`.
    async fn insert_recovery_codes(&self, owner: UserId, codes: &[TokenHash]) -> Result<(), StoreError>;

    /// Removes all recovery codes of the account.
    async fn remove_recovery_codes(&self, owner: UserId) -> Result<(), StoreError>;

    /// Uses a recovery code up.
    ///
    /// - Of any number of callers at the same moment, exactly one MUST succeed.
    /// - It MUST answer false for a code that the account does not have, or not any more.
    async fn redeem_recovery_code(&self, owner: UserId, code: TokenHash) -> Result<bool, StoreError>;

    /// How many recovery codes are left.
    async fn recovery_codes_left(&self, owner: UserId) -> Result<u64, StoreError>;
}
