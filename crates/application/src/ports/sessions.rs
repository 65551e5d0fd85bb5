//! What the use cases need from the storage of sessions.

use async_trait::async_trait;
use holdfast_domain::{
    SessionId, Timestamp, UserId,
    sessions::{EndReason, Rotation, Session},
};

use super::StoreError;

/// Sessions, always of one account.
///
/// - No call MUST ever read or write a session of another account than the one it names.
/// - Every field MUST come back as it went in, times to the microsecond.
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// The session, live or not.
    async fn find(&self, owner: UserId, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The sessions of the account that are live at `at`, `limit` at most.
    ///
    /// - One that has ended or expired at `at` MUST NOT be among them.
    /// - The one used last MUST come first; ties MUST go by id, the larger first.
    async fn live(&self, owner: UserId, at: Timestamp, limit: u64) -> Result<Vec<Session>, StoreError>;

    /// Adds a session. An owner without an account MUST be `OwnerMissing`.
    async fn insert(&self, session: &Session) -> Result<(), StoreError>;

    /// Does what `Session::rotated` does as one compare-and-set, and answers the session as it is then.
    ///
    /// - It MUST change nothing and answer `None` unless `expected` is the current token of a session that is neither
    ///   ended nor expired at the rotation's time.
    /// - Of any number of callers at the same moment with the same `expected`, exactly one MUST succeed.
    async fn rotate(&self, rotation: &Rotation) -> Result<Option<Session>, StoreError>;

    /// Ends a session that has not ended yet. False when there was nothing to end; an earlier end MUST stay.
    async fn end(
        &self,
        owner: UserId,
        id: SessionId,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends all sessions of the account that have not ended yet, `except` one; answers which.
    async fn end_all(
        &self,
        owner: UserId,
        except: Option<SessionId>,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Ends the live sessions of the account beyond the `keep` that were used last; answers which.
    ///
    /// - Of sessions used at the same time those with the larger id MUST stay.
    /// - Sessions that have ended or expired at `at` MUST neither count nor change.
    async fn end_surplus(
        &self,
        owner: UserId,
        keep: u64,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;
}
