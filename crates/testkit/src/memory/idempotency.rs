//! Requests that were carried out and may be repeated, in memory.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId},
    idempotency::IdempotencyKey,
    ports::{Claim, IdempotencyRecord, IdempotencyRepository, StoreError},
};

use super::{Access, Rows, tables::Tables};

#[async_trait]
impl<A: Access> IdempotencyRepository for Rows<A> {
    async fn find(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
        forgotten: Timestamp,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.0.read(|tables| {
            let record = tables.answered.get(&(owner, key.clone()));
            record.filter(|record| record.created_at > forgotten).cloned()
        })
    }

    /// One unit of work writes at a time, so that nobody meets a key in flight.
    async fn claim(&self, record: &IdempotencyRecord, forgotten: Timestamp) -> Result<Claim, StoreError> {
        let claim = |tables: &mut Tables| {
            tables.owner_exists(record.owner)?;
            let place = (record.owner, record.key.clone());
            if let Some(kept) = tables.answered.get(&place).filter(|kept| kept.created_at > forgotten) {
                return Ok(Claim::Taken(kept.clone()));
            }
            tables.answered.insert(place, record.clone());
            Ok(Claim::Won)
        };
        self.0.write(claim).await
    }

    async fn sweep(&self, forgotten: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let sweep = |tables: &mut Tables| {
            let mut swept = 0;
            tables.answered.retain(|_, record| {
                let goes = swept < limit && record.created_at <= forgotten;
                swept += u64::from(goes);
                !goes
            });
            Ok(swept)
        };
        self.0.write(sweep).await
    }
}
