//! Personal access tokens, in the failing store: every call of the other store, under the plan.

use async_trait::async_trait;
use holdfast_application::{
    domain::{PersonalTokenId, Timestamp, UserId, personal_tokens::PersonalToken},
    ports::{PersonalTokenBearer, PersonalTokenRepository, StoreError, TokenHash},
};

use super::{Failing, Inner};

#[async_trait]
impl<R: Inner> PersonalTokenRepository for Failing<R> {
    async fn insert(&self, token: &PersonalToken, hash: TokenHash) -> Result<(), StoreError> {
        self.call(self.inner.repositories().personal_tokens().insert(token, hash)).await
    }

    async fn bearer(
        &self,
        owner: UserId,
        id: PersonalTokenId,
    ) -> Result<Option<PersonalTokenBearer>, StoreError> {
        self.call(self.inner.repositories().personal_tokens().bearer(owner, id)).await
    }

    async fn list(&self, owner: UserId) -> Result<Vec<PersonalToken>, StoreError> {
        self.call(self.inner.repositories().personal_tokens().list(owner)).await
    }

    async fn record_use(
        &self,
        owner: UserId,
        id: PersonalTokenId,
        at: Timestamp,
        unless_after: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().personal_tokens().record_use(owner, id, at, unless_after)).await
    }

    async fn delete(&self, owner: UserId, id: PersonalTokenId) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().personal_tokens().delete(owner, id)).await
    }

    async fn delete_all(&self, owner: UserId) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().personal_tokens().delete_all(owner)).await
    }

    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().personal_tokens().sweep(at, limit)).await
    }
}
