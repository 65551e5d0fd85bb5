//! Failed attempts at passwords, in memory.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        Timestamp,
        throttle::{Counter, Counters, Limits, Network, Principal},
    },
    ports::{StoreError, ThrottleRepository},
};

use super::{Access, Rows, tables::Tables};

/// Counters of each principal: for a network, or for all networks together that are not known.
pub(super) type CounterKey = (Principal, Option<Network>);

#[async_trait]
impl<A: Access> ThrottleRepository for Rows<A> {
    async fn count(
        &self,
        principal: Principal,
        network: &Network,
        limits: &Limits,
        at: Timestamp,
    ) -> Result<Counters, StoreError> {
        let count = |tables: &mut Tables| {
            let Ok(counted) = limits.count(&counters(tables, principal, network), at) else {
                return Ok(Counters::default());
            };
            let Counters { network: here, account } = counted;
            let [of_network, of_all] = keys(principal, network);
            tables.throttles.extend(here.map(|counter| (of_network, counter)));
            tables.throttles.extend(account.map(|counter| (of_all, counter)));
            Ok(counted)
        };
        self.0.write(count).await
    }

    async fn find(&self, principal: Principal, network: &Network) -> Result<Counters, StoreError> {
        self.0.read(|tables| counters(tables, principal, network))
    }

    async fn fail(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
    ) -> Result<(), StoreError> {
        let fail = |tables: &mut Tables| {
            change(tables, principal, network, counted, Counter::failed);
            Ok(())
        };
        self.0.write(fail).await
    }

    async fn give_back(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let give_back = |tables: &mut Tables| {
            change(tables, principal, network, counted, |stored, counted| stored.given_back(counted, at));
            Ok(())
        };
        self.0.write(give_back).await
    }

    async fn clear(&self, principal: Principal, network: &Network, at: Timestamp) -> Result<(), StoreError> {
        let [of_network, _] = keys(principal, network);
        let clear = |tables: &mut Tables| {
            tables.throttles.insert(of_network, Counter::cleared(at));
            Ok(())
        };
        self.0.write(clear).await
    }

    async fn forget(&self, principal: Principal) -> Result<(), StoreError> {
        let forget = |tables: &mut Tables| {
            tables.throttles.retain(|(of, _), _| *of != principal);
            Ok(())
        };
        self.0.write(forget).await
    }

    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let sweep = |tables: &mut Tables| {
            let expired = tables.throttles.iter().filter(|(_, counter)| counter.expires_at() <= at);
            let mut expired: Vec<(Timestamp, CounterKey)> =
                expired.map(|(key, counter)| (counter.expires_at(), key.clone())).collect();
            expired.sort();
            expired.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            for (_, key) in &expired {
                tables.throttles.remove(key);
            }
            Ok(expired.len() as u64)
        };
        self.0.write(sweep).await
    }
}

/// Changes those of the two counters that an attempt was counted in and that are still there.
fn change(
    tables: &mut Tables,
    principal: Principal,
    network: &Network,
    counted: &Counters,
    change: impl Fn(&Counter, &Counter) -> Counter,
) {
    let Counters { network: here, account } = *counted;
    for (key, counted) in keys(principal, network).into_iter().zip([here, account]) {
        if let (Some(stored), Some(counted)) = (tables.throttles.get_mut(&key), counted) {
            *stored = change(stored, &counted);
        }
    }
}

fn keys(principal: Principal, network: &Network) -> [CounterKey; 2] {
    [(principal, Some(network.clone())), (principal, None)]
}

fn counters(tables: &Tables, principal: Principal, network: &Network) -> Counters {
    let [network, account] = keys(principal, network).map(|key| tables.throttles.get(&key).copied());
    Counters { network, account }
}
