//! Failed attempts at passwords, in the failing store: every call of the other store, under the plan.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        Timestamp,
        throttle::{Counters, Limits, Network, Principal},
    },
    ports::{StoreError, ThrottleRepository},
};

use super::{Failing, Inner};

#[async_trait]
impl<R: Inner> ThrottleRepository for Failing<R> {
    async fn count(
        &self,
        principal: Principal,
        network: &Network,
        limits: &Limits,
        at: Timestamp,
    ) -> Result<Counters, StoreError> {
        self.call(self.inner.repositories().throttle().count(principal, network, limits, at)).await
    }

    async fn find(&self, principal: Principal, network: &Network) -> Result<Counters, StoreError> {
        self.call(self.inner.repositories().throttle().find(principal, network)).await
    }

    async fn fail(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
    ) -> Result<(), StoreError> {
        self.call(self.inner.repositories().throttle().fail(principal, network, counted)).await
    }

    async fn give_back(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.call(self.inner.repositories().throttle().give_back(principal, network, counted, at)).await
    }

    async fn clear(&self, principal: Principal, network: &Network, at: Timestamp) -> Result<(), StoreError> {
        self.call(self.inner.repositories().throttle().clear(principal, network, at)).await
    }

    async fn forget(&self, principal: Principal) -> Result<(), StoreError> {
        self.call(self.inner.repositories().throttle().forget(principal)).await
    }

    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().throttle().sweep(at, limit)).await
    }
}
