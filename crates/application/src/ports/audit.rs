//! What the use cases need from the storage of the security history.

use std::ops::Range;

use async_trait::async_trait;
use holdfast_domain::{EventId, Timestamp, UserId, sessions::AuthEvent};

use super::StoreError;

/// A place in a history, between the entry with this time and id and those that are older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPosition {
    /// The time of the entry.
    pub at: Timestamp,
    /// The id of the entry.
    pub id: EventId,
}

impl EventPosition {
    /// The place behind this entry.
    pub fn behind(event: &AuthEvent) -> Self {
        Self { at: event.at, id: event.id }
    }
}

/// A place in the history of all accounts together, at the entry with this time, id and account. An id is unique together with its
/// account alone, and so the account is part of the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrailPosition {
    /// The time of the entry.
    pub at: Timestamp,
    /// The id of the entry.
    pub id: EventId,
    /// Its account.
    pub user: UserId,
}

impl TrailPosition {
    /// The place of this entry.
    pub fn of(event: &AuthEvent) -> Self {
        Self { at: event.at, id: event.id, user: event.user }
    }
}

/// An account that was deleted, as the instances tell each other; also a place in the order of
/// [`AuditRepository::deletions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeletedAccount {
    /// When it was deleted, by the clock of the instance that did it.
    pub at: Timestamp,
    /// The account.
    pub user: UserId,
}

/// The security history. Entries are added and never changed; they outlive the account.
///
/// - An entry about the deletion of an account MUST be kept for 31 days, longer than any token lives: an instance that starts
///   learns by it which tokens are not good any more. Whoever removes entries keeps to this.
#[async_trait]
pub trait AuditRepository: Send + Sync {
    /// Adds an entry. The account need not exist any more.
    async fn append(&self, event: &AuthEvent) -> Result<(), StoreError>;

    /// The newest entries of one account, newest first, `limit` at most; where a position is given, those behind it.
    ///
    /// - It MUST show entries of no other account; ties of time MUST go by id, the larger first.
    /// - Behind a position MUST be exactly what is older, or as old with a smaller id, also when no entry is there.
    /// - A kind that only a newer version knows MUST come back by its name.
    async fn latest(
        &self,
        user: UserId,
        behind: Option<EventPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError>;

    /// The entries of all accounts from within `times` (its end excluded), in the order of [`TrailPosition`], the oldest first; those
    /// behind `after` where it is given, `limit` at most. For administration alone: it is no owner's view.
    ///
    /// - Behind a position MUST be exactly what lies behind it in that order, also when no entry is there.
    /// - A kind that only a newer version knows MUST come back by its name.
    /// - Its cost MUST grow with what it answers, not with the entries that there are.
    async fn between(
        &self,
        times: Range<Timestamp>,
        after: Option<TrailPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError>;

    /// The accounts that were deleted at `since` or later according to their history, in the order of [`DeletedAccount`]:
    /// by time and account; those behind `after` where it is given, `limit` at most.
    ///
    /// - It MUST see what was committed before the call, by any instance.
    /// - Entries of another kind MUST NOT count.
    /// - Its cost MUST grow with what it answers, not with the entries that there are.
    async fn deletions(
        &self,
        since: Timestamp,
        after: Option<DeletedAccount>,
        limit: u64,
    ) -> Result<Vec<DeletedAccount>, StoreError>;

    /// Removes entries of all accounts from `until` or before, the oldest first, `limit` at most; answers how many.
    ///
    /// - A later entry MUST stay.
    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError>;
}
