//! The security history in memory.

use std::{cmp::Reverse, ops::Range};

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        Timestamp, UserId,
        sessions::{AuthEvent, Client, EventKind},
    },
    ports::{AuditRepository, DeletedAccount, EventPosition, StoreError, TrailPosition},
};

use super::{Access, Rows, tables::sweep};

#[async_trait]
impl<A: Access> AuditRepository for Rows<A> {
    async fn append(&self, event: &AuthEvent) -> Result<(), StoreError> {
        // The history has no place for a device, here as in the databases.
        let client = Client { device: None, ..event.client.clone() };
        let event = AuthEvent { client, ..event.clone() };
        self.0.write(|tables| tables.insert_event(&event)).await
    }

    async fn latest(
        &self,
        user: UserId,
        behind: Option<EventPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.read(|tables| {
            let own = tables.events.values().filter(|event| event.user == user);
            let older = own.filter(|event| {
                behind.is_none_or(|EventPosition { at, id }| (event.at, event.id) < (at, id))
            });
            let mut events: Vec<AuthEvent> = older.cloned().collect();
            events.sort_by_key(|event| Reverse((event.at, event.id)));
            events.truncate(limit);
            events
        })
    }

    async fn between(
        &self,
        times: Range<Timestamp>,
        after: Option<TrailPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.read(|tables| {
            let within = tables.events.values().filter(|event| times.contains(&event.at));
            let later = within.filter(|event| after.is_none_or(|after| TrailPosition::of(event) > after));
            let mut events: Vec<AuthEvent> = later.cloned().collect();
            events.sort_by_key(TrailPosition::of);
            events.truncate(limit);
            events
        })
    }

    async fn deletions(
        &self,
        since: Timestamp,
        after: Option<DeletedAccount>,
        limit: u64,
    ) -> Result<Vec<DeletedAccount>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.read(|tables| {
            let deletions = tables
                .events
                .values()
                .filter(|event| event.kind.known() == Some(EventKind::AccountDeleted))
                .map(|event| DeletedAccount { at: event.at, user: event.user });
            let mut deleted: Vec<_> =
                deletions.filter(|account| account.at >= since && Some(*account) > after).collect();
            deleted.sort_unstable();
            deleted.truncate(limit);
            deleted
        })
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.0.write(|tables| Ok(sweep(&mut tables.events, until, limit, |event| event.at))).await
    }
}
