//! Second factors in the failing store: every call of the other store, under the plan.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId, second_factors::TimeStep},
    ports::{Sealed, SecondFactor, SecondFactorRepository, StoreError, TokenHash},
};

use super::{Failing, Inner};

#[async_trait]
impl<R: Inner> SecondFactorRepository for Failing<R> {
    async fn find(&self, owner: UserId) -> Result<Option<SecondFactor>, StoreError> {
        self.call(self.inner.repositories().second_factors().find(owner)).await
    }

    async fn enrol(&self, factor: &SecondFactor) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().second_factors().enrol(factor)).await
    }

    async fn confirm(
        &self,
        owner: UserId,
        created_at: Timestamp,
        step: TimeStep,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().second_factors().confirm(owner, created_at, step, at)).await
    }

    async fn accept(&self, owner: UserId, created_at: Timestamp, step: TimeStep) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().second_factors().accept(owner, created_at, step)).await
    }

    async fn reseal(&self, owner: UserId, old: &Sealed, new: &Sealed) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().second_factors().reseal(owner, old, new)).await
    }

    async fn remove(&self, owner: UserId) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().second_factors().remove(owner)).await
    }

    async fn insert_recovery_codes(&self, owner: UserId, codes: &[TokenHash]) -> Result<(), StoreError> {
        self.call(self.inner.repositories().second_factors().insert_recovery_codes(owner, codes)).await
    }

    async fn remove_recovery_codes(&self, owner: UserId) -> Result<(), StoreError> {
        self.call(self.inner.repositories().second_factors().remove_recovery_codes(owner)).await
    }

    async fn redeem_recovery_code(&self, owner: UserId, code: TokenHash) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().second_factors().redeem_recovery_code(owner, code)).await
    }

    async fn recovery_codes_left(&self, owner: UserId) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().second_factors().recovery_codes_left(owner)).await
    }
}
