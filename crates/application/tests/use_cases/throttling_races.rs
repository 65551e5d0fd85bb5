//! Attempts that run for the same slot from several networks: who is counted for the network alone is not let through.

use async_trait::async_trait;
use holdfast_application::{
    auth::{AuthError, SignIn},
    domain::{
        Timestamp,
        sessions::Client,
        throttle::{Counters, Limits, Network, Principal},
    },
    ports::{
        AuditRepository, IdempotencyRepository, LeaseRepository, LegacyTokenRepository,
        OneTimeTokenRepository, PasswordsError, PersonalTokenRepository, Repositories,
        SecondFactorRepository, SessionRepository, Store, StoreError, TaskRepository, ThrottleRepository,
        UnitOfWork, UserRepository, WriteOutage,
    },
};
use holdfast_testkit::{MemoryStore, fixtures::PASSWORD};

use crate::world::{ADA, World, sign_in};

/// A store in which somebody elsewhere always takes the account's slot at the same moment.
struct Raced(MemoryStore);

#[async_trait]
impl ThrottleRepository for Raced {
    async fn count(
        &self,
        principal: Principal,
        network: &Network,
        limits: &Limits,
        at: Timestamp,
    ) -> Result<Counters, StoreError> {
        let Counters { network: here, account } =
            self.0.throttle().count(principal, network, limits, at).await?;
        let lost = Counters { network: None, account };
        self.0.throttle().give_back(principal, network, &lost, at).await?;
        Ok(Counters { network: here, account: None })
    }

    async fn find(&self, principal: Principal, network: &Network) -> Result<Counters, StoreError> {
        self.0.throttle().find(principal, network).await
    }

    async fn fail(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
    ) -> Result<(), StoreError> {
        self.0.throttle().fail(principal, network, counted).await
    }

    async fn give_back(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.throttle().give_back(principal, network, counted, at).await
    }

    async fn clear(&self, principal: Principal, network: &Network, at: Timestamp) -> Result<(), StoreError> {
        self.0.throttle().clear(principal, network, at).await
    }

    async fn forget(&self, principal: Principal) -> Result<(), StoreError> {
        self.0.throttle().forget(principal).await
    }

    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.0.throttle().sweep(at, limit).await
    }
}

macro_rules! as_they_are {
    ($($name:ident: $repository:ident),+ $(,)?) => {
        impl Repositories for Raced {
            $(fn $name(&self) -> &dyn $repository { self.0.$name() })+

            fn throttle(&self) -> &dyn ThrottleRepository {
                self
            }
        }
    };
}

as_they_are! {
    tasks: TaskRepository,
    users: UserRepository,
    sessions: SessionRepository,
    legacy_tokens: LegacyTokenRepository,
    idempotency: IdempotencyRepository,
    one_time_tokens: OneTimeTokenRepository,
    personal_tokens: PersonalTokenRepository,
    second_factors: SecondFactorRepository,
    audit: AuditRepository,
    leases: LeaseRepository,
}

#[async_trait]
impl Store for Raced {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        self.0.begin().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.ping().await
    }

    async fn check_writes(&self) -> Result<(), WriteOutage> {
        self.0.check_writes().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_counted_for_its_network_alone_is_not_verified_and_gives_that_back() {
    let world = World::new();
    let ada = world.sign_up(ADA).await;
    let services = world.services_over(Raced(world.rows.clone()));
    let client = Client { ip_prefix: Some("198.18.7.0/24".to_owned()), ..Client::default() };
    let verified = world.passwords.verifications();
    let wish = SignIn { client: client.clone(), ..sign_in(ADA, PASSWORD) };
    let refused = services.auth.sign_in(wish).await;
    assert!(matches!(refused, Err(AuthError::Passwords(PasswordsError::Busy { .. }))), "{refused:?}");
    assert_eq!(world.passwords.verifications(), verified);
    let principal = Principal::account(ada.user.id);
    let Counters { network, account } =
        world.rows.throttle().find(principal, &Network::of(&client)).await.unwrap();
    assert_eq!([network, account].map(|counter| counter.map_or(0, |counter| counter.failures)), [0, 0]);
}

#[tokio::test]
async fn a_known_network_needs_no_slot_of_the_account() {
    let world = World::new();
    world.sign_up(ADA).await;
    world.sign_in(ADA, PASSWORD).await.unwrap();
    let services = world.services_over(Raced(world.rows.clone()));
    services.auth.sign_in(sign_in(ADA, PASSWORD)).await.unwrap();
}
