//! The security history in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        UserId,
        sessions::{AuthEvent, Client},
    },
    ports::{AuditRepository, StoreError},
};

use super::{Access, Rows};

#[async_trait]
impl<A: Access> AuditRepository for Rows<A> {
    async fn append(&self, event: &AuthEvent) -> Result<(), StoreError> {
        // The history has no place for a device, here as in the databases.
        let client = Client { device: None, ..event.client.clone() };
        let event = AuthEvent { client, ..event.clone() };
        self.0.write(|tables| tables.insert_event(&event)).await
    }

    async fn latest(&self, user: UserId, limit: u64) -> Result<Vec<AuthEvent>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.read(|tables| {
            let mut events: Vec<AuthEvent> =
                tables.events.values().filter(|event| event.user == user).cloned().collect();
            events.sort_by_key(|event| Reverse((event.at, event.id)));
            events.truncate(limit);
            events
        })
    }
}
