//! What proves links in mails, in the failing store: every call of the other store, under the plan.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId, users::LinkPurpose},
    ports::{OneTimeToken, OneTimeTokenRepository, PendingLink, StoreError, TokenHash},
};

use super::{Failing, Inner};

#[async_trait]
impl<R: Inner> OneTimeTokenRepository for Failing<R> {
    async fn insert(&self, token: &OneTimeToken) -> Result<(), StoreError> {
        self.call(self.inner.repositories().one_time_tokens().insert(token)).await
    }

    async fn issued(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        self.call(self.inner.repositories().one_time_tokens().issued(owner, purpose, since)).await
    }

    async fn pending(&self, owner: UserId, at: Timestamp) -> Result<Vec<PendingLink>, StoreError> {
        self.call(self.inner.repositories().one_time_tokens().pending(owner, at)).await
    }

    async fn find(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        hash: TokenHash,
        at: Timestamp,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        self.call(self.inner.repositories().one_time_tokens().find(owner, purpose, hash, at)).await
    }

    async fn redeem(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        hash: TokenHash,
        at: Timestamp,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        self.call(self.inner.repositories().one_time_tokens().redeem(owner, purpose, hash, at)).await
    }

    async fn supersede(&self, owner: UserId, purpose: LinkPurpose, at: Timestamp) -> Result<(), StoreError> {
        self.call(self.inner.repositories().one_time_tokens().supersede(owner, purpose, at)).await
    }

    async fn revoke_all(&self, owner: UserId, at: Timestamp) -> Result<(), StoreError> {
        self.call(self.inner.repositories().one_time_tokens().revoke_all(owner, at)).await
    }

    async fn forget(&self, owner: UserId, until: Timestamp) -> Result<(), StoreError> {
        self.call(self.inner.repositories().one_time_tokens().forget(owner, until)).await
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().one_time_tokens().sweep(until, limit)).await
    }
}
