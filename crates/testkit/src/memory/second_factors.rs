//! Second factors and recovery codes in memory.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId, second_factors::TimeStep},
    ports::{Sealed, SecondFactor, SecondFactorRepository, StoreError, TokenHash},
};

use super::{Access, Rows, tables::Tables};

#[async_trait]
impl<A: Access> SecondFactorRepository for Rows<A> {
    async fn find(&self, owner: UserId) -> Result<Option<SecondFactor>, StoreError> {
        self.0.read(|tables| tables.second_factors.get(&owner).cloned())
    }

    async fn enrol(&self, factor: &SecondFactor) -> Result<bool, StoreError> {
        let enrol = |tables: &mut Tables| {
            tables.owner_exists(factor.owner)?;
            let current = tables.second_factors.get(&factor.owner);
            if current.is_some_and(|current| current.confirmed_at.is_some()) {
                return Ok(false);
            }
            tables.second_factors.insert(factor.owner, factor.clone());
            Ok(true)
        };
        self.0.write(enrol).await
    }

    async fn confirm(
        &self,
        owner: UserId,
        created_at: Timestamp,
        step: TimeStep,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let confirm = |tables: &mut Tables| {
            let pending = of(tables, owner, created_at).filter(|factor| factor.confirmed_at.is_none());
            Ok(pending
                .map(|factor| (factor.confirmed_at, factor.last_step) = (Some(at), Some(step)))
                .is_some())
        };
        self.0.write(confirm).await
    }

    async fn accept(&self, owner: UserId, created_at: Timestamp, step: TimeStep) -> Result<bool, StoreError> {
        let accept = |tables: &mut Tables| {
            let counts = of(tables, owner, created_at).filter(|factor| factor.confirmed_at.is_some());
            let earlier = counts.filter(|factor| factor.last_step.is_some_and(|last| last < step));
            Ok(earlier.map(|factor| factor.last_step = Some(step)).is_some())
        };
        self.0.write(accept).await
    }

    async fn reseal(&self, owner: UserId, old: &Sealed, new: &Sealed) -> Result<bool, StoreError> {
        let reseal = |tables: &mut Tables| {
            let found = tables.second_factors.get_mut(&owner).filter(|factor| factor.secret == *old);
            Ok(found.map(|factor| factor.secret = new.clone()).is_some())
        };
        self.0.write(reseal).await
    }

    async fn remove(&self, owner: UserId) -> Result<bool, StoreError> {
        self.0.write(|tables| Ok(tables.remove_second_factor(owner))).await
    }

    async fn insert_recovery_codes(&self, owner: UserId, codes: &[TokenHash]) -> Result<(), StoreError> {
        let insert = |tables: &mut Tables| {
            if !tables.second_factors.contains_key(&owner) {
                return Err(StoreError::OwnerMissing);
            }
            tables.recovery_codes.extend(codes.iter().map(|code| (owner, *code)));
            Ok(())
        };
        self.0.write(insert).await
    }

    async fn remove_recovery_codes(&self, owner: UserId) -> Result<(), StoreError> {
        let remove = |tables: &mut Tables| {
            tables.recovery_codes.retain(|(of, _)| *of != owner);
            Ok(())
        };
        self.0.write(remove).await
    }

    async fn redeem_recovery_code(&self, owner: UserId, code: TokenHash) -> Result<bool, StoreError> {
        self.0.write(|tables| Ok(tables.recovery_codes.remove(&(owner, code)))).await
    }

    async fn recovery_codes_left(&self, owner: UserId) -> Result<u64, StoreError> {
        self.0.read(|tables| tables.recovery_codes.iter().filter(|(of, _)| *of == owner).count() as u64)
    }
}

fn of(tables: &mut Tables, owner: UserId, created_at: Timestamp) -> Option<&mut SecondFactor> {
    tables.second_factors.get_mut(&owner).filter(|factor| factor.created_at == created_at)
}
