//! The door to storage: one implementation of every repository, on the pool or inside a transaction.

use async_trait::async_trait;
use holdfast_application::ports::{
    AuditRepository, IdempotencyRepository, LeaseRepository, LegacyTokenRepository, OneTimeTokenRepository,
    PersonalTokenRepository, Repositories, SecondFactorRepository, SessionRepository, Store, StoreError,
    TaskRepository, ThrottleRepository, UnitOfWork, UserRepository, WriteOutage,
};
use sea_orm::ConnectionTrait;

use super::{
    DatabaseOptions,
    connections::{Call, Connections, LeasingPool, OpenTransaction},
    error::store_error,
};

/// The repositories on `C`: each statement alone on the pool, or all of them in one transaction.
#[derive(Clone)]
pub struct SeaOrm<C> {
    connections: C,
}

/// The store.
pub type SeaOrmStore = SeaOrm<LeasingPool>;
/// A unit of work of [`SeaOrmStore`].
pub type SeaOrmUnitOfWork = SeaOrm<OpenTransaction>;

impl SeaOrmStore {
    /// The store on a database that is migrated already. PostgreSQL need not be up yet: each call connects when it
    /// must. A SQLite file is opened at once.
    ///
    /// Connections belong to the tokio runtime that this is called on. The store may be used from any other one as
    /// well, as long as that one lives.
    ///
    /// # Errors
    /// `Unavailable` for a URL that sqlx does not understand or a file that cannot be opened.
    pub async fn connect(options: DatabaseOptions) -> Result<Self, StoreError> {
        let connections = LeasingPool::build(&options).await.map_err(store_error)?;
        Ok(Self { connections })
    }

    /// Gives the current thread, one of [`DatabaseOptions::workers`] that each run a runtime of one thread, its part of the
    /// connections to PostgreSQL: an answer on one of them wakes no other thread.
    pub fn settle(&self) {
        self.connections.settle();
    }
}

impl<C: Connections> SeaOrm<C> {
    /// Begins one call, for queries of SeaORM's. All statements that run on it share its deadline of 1.4 s.
    pub fn call(&self) -> Call<'_, C> {
        Call::start(&self.connections)
    }
}

impl<C: Connections> Repositories for SeaOrm<C> {
    fn tasks(&self) -> &dyn TaskRepository {
        self
    }

    fn users(&self) -> &dyn UserRepository {
        self
    }

    fn sessions(&self) -> &dyn SessionRepository {
        self
    }

    fn legacy_tokens(&self) -> &dyn LegacyTokenRepository {
        self
    }

    fn idempotency(&self) -> &dyn IdempotencyRepository {
        self
    }

    fn one_time_tokens(&self) -> &dyn OneTimeTokenRepository {
        self
    }

    fn personal_tokens(&self) -> &dyn PersonalTokenRepository {
        self
    }

    fn second_factors(&self) -> &dyn SecondFactorRepository {
        self
    }

    fn throttle(&self) -> &dyn ThrottleRepository {
        self
    }

    fn audit(&self) -> &dyn AuditRepository {
        self
    }

    fn leases(&self) -> &dyn LeaseRepository {
        self
    }
}

#[async_trait]
impl Store for SeaOrmStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let connections = self.connections.begin().await.map_err(store_error)?;
        Ok(Box::new(SeaOrm { connections }))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.call().execute_unprepared("SELECT 1").await.map(|_| ()).map_err(store_error)
    }

    async fn check_writes(&self) -> Result<(), WriteOutage> {
        self.connections.check_writes().await
    }
}

#[async_trait]
impl UnitOfWork for SeaOrmUnitOfWork {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.connections.commit().await.map_err(store_error)
    }
}
