//! Leases, in memory.

use async_trait::async_trait;
use holdfast_application::{
    domain::Timestamp,
    ports::{LeaseRepository, StoreError},
};
use uuid::Uuid;

use super::{Access, Rows, tables::Tables};

#[async_trait]
impl<A: Access> LeaseRepository for Rows<A> {
    async fn take(
        &self,
        name: &str,
        holder: Uuid,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let latest = until.plus(until.since(at));
        let take = |tables: &mut Tables| {
            let held = tables.leases.get(name);
            let free = held.is_none_or(|(by, end)| *by == holder || *end <= at || *end > latest);
            if free {
                tables.leases.insert(name.to_owned(), (holder, until));
            }
            Ok(free)
        };
        self.0.write(take).await
    }

    async fn give_back(&self, name: &str, holder: Uuid) -> Result<(), StoreError> {
        let give_back = |tables: &mut Tables| {
            tables.leases.retain(|held, (by, _)| held != name || *by != holder);
            Ok(())
        };
        self.0.write(give_back).await
    }
}
