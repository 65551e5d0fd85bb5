//! What the use cases need from the storage of sessions.

use async_trait::async_trait;
use holdfast_domain::{
    SessionId, Timestamp, UserId,
    sessions::{EndReason, Rotation, Session},
};

use super::StoreError;

/// A session that ended before its time, as the instances tell each other; also a place in the order of
/// [`SessionRepository::ended`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndedSession {
    /// When it ended, by the clock of the instance that ended it.
    pub at: Timestamp,
    /// Its account.
    pub owner: UserId,
    /// The session.
    pub id: SessionId,
}

/// Sessions, always of one account, apart from [`SessionRepository::ended`] and [`SessionRepository::sweep`].
///
/// - No call MUST ever read or write a session of another account than the one it names.
/// - A session that has ended MUST be kept until a minute after its `absolute_expires_at`, unless its account is deleted: until
///   then an instance that starts may find a token of it, which it takes for good where no row says otherwise. One that has
///   not ended may go a minute after `Session::expires_at`. Whoever removes rows keeps to this.
/// - Every field MUST come back as it went in, times to the microsecond, and the reason of an end also where only a newer
///   version knows it.
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// The session, live or not.
    async fn find(&self, owner: UserId, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The sessions of the account, live or not, in the order of their ids; those behind `after` where it is given, `limit`
    /// at most.
    ///
    /// - Ids MUST compare by their bytes.
    async fn list(
        &self,
        owner: UserId,
        after: Option<SessionId>,
        limit: u64,
    ) -> Result<Vec<Session>, StoreError>;

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

    /// The sessions of all accounts that ended at `since` or later, in the order of [`EndedSession`]: by time, account and
    /// id; those behind `after` where it is given, `limit` at most.
    ///
    /// - It MUST see what was committed before the call, by any instance: it is how they learn of each other's ends.
    /// - Sessions that have not ended MUST NOT be among them, whether or not they have expired.
    /// - Its cost MUST grow with what it answers, not with the sessions that there are.
    async fn ended(
        &self,
        since: Timestamp,
        after: Option<EndedSession>,
        limit: u64,
    ) -> Result<Vec<EndedSession>, StoreError>;

    /// Removes sessions that were over at `until` according to `Session::over_from`, `limit` at most; answers how many.
    ///
    /// - One that was not over at `until` MUST stay.
    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError>;
}
