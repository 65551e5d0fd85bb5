//! The door to storage: one implementation of every repository, on the pool or inside a transaction.

use std::sync::Arc;

use async_trait::async_trait;
use holdfast_application::ports::{
    AuditRepository, IdempotencyRepository, LeaseRepository, LegacyTokenRepository, OneTimeTokenRepository,
    PersonalTokenRepository, Repositories, SecondFactorRepository, SessionRepository, Store, StoreError,
    TaskRepository, ThrottleRepository, UnitOfWork, UserRepository, WriteOutage,
};
use sea_orm::ConnectionTrait;

use super::{
    DatabaseOptions,
    connections::{Call, Connections, LeasingPool, OpenTransaction, ReplicaState},
    error::store_error,
    figures::{CallFigures, Calls, PoolFigures},
};

/// The repositories on `C`: each statement alone on the pool, or all of them in one transaction.
#[derive(Clone)]
pub struct SeaOrm<C> {
    connections: C,
    calls: Arc<Calls>,
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
        let calls = Arc::new(Calls::new(connections.backend()));
        Ok(Self { connections, calls })
    }

    /// The same store, whose lists of tasks may come from a replica of its database. One that lags, fails, or turns out to be no
    /// replica changes nothing but who answers, and a list shows whatever was acknowledged before it, by any instance. No
    /// connection is opened yet.
    ///
    /// # Errors
    /// `Unavailable` for a URL that sqlx does not understand, `Unexpected` for a SQLite file.
    pub fn reading_from(self, replica: &DatabaseOptions) -> Result<Self, StoreError> {
        let Self { connections, calls } = self;
        Ok(Self { connections: connections.reading_from(replica).map_err(store_error)?, calls })
    }

    /// How the replica does; nothing where there is none.
    pub fn replica_state(&self) -> Option<ReplicaState> {
        self.connections.replica()
    }

    /// How the pool is used at the moment.
    pub fn pool_figures(&self) -> PoolFigures {
        self.connections.figures()
    }

    /// How long calls took since the process began, those in units of work among them.
    pub fn call_figures(&self) -> Vec<CallFigures> {
        self.calls.read()
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
        self.named("statement")
    }

    /// The same for the method of a port, under whose name it is measured.
    pub(super) fn named(&self, name: &'static str) -> Call<'_, C> {
        Call::start(&self.connections, self.calls.begin(name))
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
        let begun = self.calls.begin("unit.begin").note(self.connections.begin()).await;
        let connections = begun.map_err(store_error)?;
        Ok(Box::new(SeaOrm { connections, calls: self.calls.clone() }))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.named("store.ping").execute_unprepared("SELECT 1").await.map(|_| ()).map_err(store_error)
    }

    async fn check_writes(&self) -> Result<(), WriteOutage> {
        self.connections.check_writes().await
    }
}

#[async_trait]
impl UnitOfWork for SeaOrmUnitOfWork {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { connections, calls } = *self;
        calls.begin("unit.commit").note(connections.commit()).await.map_err(store_error)
    }
}
