//! A store in memory that keeps the promises of the ports as PostgreSQL does: constraints, owners, order, units of
//! work. It is for tests; nothing survives the last clone.
//!
//! One writer at a time: a unit of work is the writer from `begin` to its end, other writes wait. Reads never wait;
//! outside a unit of work they see what was committed last.

mod audit;
mod idempotency;
mod leases;
mod legacy_tokens;
mod one_time_tokens;
mod personal_tokens;
mod second_factors;
mod sessions;
mod tables;
mod tasks;
mod throttle;
mod users;

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        UserId,
        users::{Account, LinkedAccount},
    },
    ports::{
        AuditRepository, IdempotencyRepository, LeaseRepository, LegacyTokenRepository,
        OneTimeTokenRepository, PersonalTokenRepository, Repositories, SecondFactorRepository,
        SessionRepository, Store, StoreError, TaskRepository, ThrottleRepository, UnitOfWork, UserRepository,
        WriteOutage,
    },
};
use tokio::sync::OwnedMutexGuard;

use crate::conformance::Adopt;
use tables::Tables;

/// A write that waits this long for the writer before it has deadlocked with its own test.
const WRITER_WAIT: Duration = Duration::from_secs(10);

/// The store. Clones share their rows.
#[derive(Clone, Default)]
pub struct MemoryStore(Rows<Committed>);

/// The repositories over one way of reaching the rows.
#[derive(Clone, Default)]
struct Rows<A>(A);

/// How a repository reaches the rows: alone, or inside a unit of work.
trait Access: Send + Sync {
    fn read<T>(&self, query: impl FnOnce(&Tables) -> T + Send) -> Result<T, StoreError>;

    /// `change` leaves the rows as they were when it fails.
    fn write<T: Send>(
        &self,
        change: impl FnOnce(&mut Tables) -> Result<T, StoreError> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;
}

/// What everybody sees, and the permission to change it.
#[derive(Clone, Default)]
struct Committed {
    tables: Arc<RwLock<Arc<Tables>>>,
    writer: Arc<tokio::sync::Mutex<()>>,
}

impl Committed {
    async fn writer(&self) -> Result<OwnedMutexGuard<()>, StoreError> {
        tokio::time::timeout(WRITER_WAIT, self.writer.clone().lock_owned())
            .await
            .map_err(|elapsed| StoreError::Unavailable(elapsed.into()))
    }

    fn snapshot(&self) -> Arc<Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, tables: Arc<Tables>) {
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = tables;
    }
}

impl Access for Committed {
    fn read<T>(&self, query: impl FnOnce(&Tables) -> T + Send) -> Result<T, StoreError> {
        Ok(query(&self.snapshot()))
    }

    async fn write<T: Send>(
        &self,
        change: impl FnOnce(&mut Tables) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let _writer = self.writer().await?;
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut tables))
    }
}

/// A copy of the rows that becomes what everybody sees at commit, or is forgotten.
struct Working {
    state: Mutex<State>,
    committed: Committed,
    /// Held to the end, so that nothing is committed in between and lost at commit.
    _writer: OwnedMutexGuard<()>,
}

struct State {
    tables: Arc<Tables>,
    /// A call has failed: as on PostgreSQL, nothing works from then on.
    spent: bool,
}

fn spent() -> StoreError {
    StoreError::Unexpected("an earlier call of this unit of work failed".into())
}

impl Access for Working {
    fn read<T>(&self, query: impl FnOnce(&Tables) -> T + Send) -> Result<T, StoreError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.spent { Err(spent()) } else { Ok(query(&state.tables)) }
    }

    async fn write<T: Send>(
        &self,
        change: impl FnOnce(&mut Tables) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.spent {
            return Err(spent());
        }
        let changed = change(Arc::make_mut(&mut state.tables));
        state.spent = changed.is_err();
        changed
    }
}

impl<A: Access> Repositories for Rows<A> {
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

impl Repositories for MemoryStore {
    fn tasks(&self) -> &dyn TaskRepository {
        &self.0
    }

    fn users(&self) -> &dyn UserRepository {
        &self.0
    }

    fn sessions(&self) -> &dyn SessionRepository {
        &self.0
    }

    fn legacy_tokens(&self) -> &dyn LegacyTokenRepository {
        &self.0
    }

    fn idempotency(&self) -> &dyn IdempotencyRepository {
        &self.0
    }

    fn one_time_tokens(&self) -> &dyn OneTimeTokenRepository {
        &self.0
    }

    fn personal_tokens(&self) -> &dyn PersonalTokenRepository {
        &self.0
    }

    fn second_factors(&self) -> &dyn SecondFactorRepository {
        &self.0
    }

    fn throttle(&self) -> &dyn ThrottleRepository {
        &self.0
    }

    fn audit(&self) -> &dyn AuditRepository {
        &self.0
    }

    fn leases(&self) -> &dyn LeaseRepository {
        &self.0
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let Self(Rows(committed)) = self;
        let writer = committed.writer().await?;
        let state = Mutex::new(State { tables: committed.snapshot(), spent: false });
        Ok(Box::new(Rows(Working { state, committed: committed.clone(), _writer: writer })))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn check_writes(&self) -> Result<(), WriteOutage> {
        Ok(())
    }
}

#[async_trait]
impl UnitOfWork for Rows<Working> {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self(Working { state, committed, _writer }) = *self;
        let State { tables, spent: failed } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if failed {
            return Err(spent());
        }
        committed.replace(tables);
        Ok(())
    }
}

#[async_trait]
impl Adopt for MemoryStore {
    async fn adopt(&self, account: &Account) -> Result<(), StoreError> {
        self.0.0.write(|tables| tables.insert_account(account, false)).await
    }

    async fn link(&self, owner: UserId, link: &LinkedAccount) -> Result<(), StoreError> {
        self.0.0.write(|tables| tables.insert_link(owner, link)).await
    }
}
