//! Requests that may be repeated, in the failing store: every call of the other store, under the plan.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId},
    idempotency::IdempotencyKey,
    ports::{Claim, IdempotencyRecord, IdempotencyRepository, StoreError},
};

use super::{Failing, Inner};

#[async_trait]
impl<R: Inner> IdempotencyRepository for Failing<R> {
    async fn find(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
        forgotten: Timestamp,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.call(self.inner.repositories().idempotency().find(owner, key, forgotten)).await
    }

    async fn claim(&self, record: &IdempotencyRecord, forgotten: Timestamp) -> Result<Claim, StoreError> {
        self.call(self.inner.repositories().idempotency().claim(record, forgotten)).await
    }

    async fn sweep(&self, forgotten: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().idempotency().sweep(forgotten, limit)).await
    }
}
