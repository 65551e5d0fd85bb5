//! A store that does as another one does, except for the one call that a test wants to go wrong.

mod idempotency;
mod one_time_tokens;
mod personal_tokens;
mod repositories;
mod second_factors;
mod throttle;

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use holdfast_application::ports::{
    AuditRepository, IdempotencyRepository, LeaseRepository, LegacyTokenRepository, OneTimeTokenRepository,
    PersonalTokenRepository, Repositories, SecondFactorRepository, SessionRepository, Store, StoreError,
    TaskRepository, ThrottleRepository, UnitOfWork, UserRepository, WriteOutage,
};

type Interlude = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What becomes of the chosen call.
enum Fault {
    /// It fails and does nothing.
    Refused(StoreError),
    /// It does its work, and the answer is lost.
    AnswerLost(StoreError),
    /// It succeeds, but something else happens first.
    Preceded(Interlude),
}

#[derive(Default)]
struct Plan {
    calls: usize,
    fault: Option<(usize, Fault)>,
}

/// The calls so far and the one that goes wrong, shared with the units of work.
#[derive(Clone, Default)]
struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Fault> {
        let mut plan = self.plan();
        plan.calls += 1;
        let due = plan.fault.as_ref().is_some_and(|(call, _)| *call == plan.calls);
        if due { plan.fault.take().map(|(_, fault)| fault) } else { None }
    }

    async fn around<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.next() {
            None => call.await,
            Some(Fault::Refused(error)) => Err(error),
            Some(Fault::AnswerLost(error)) => call.await.and(Err(error)),
            Some(Fault::Preceded(interlude)) => {
                interlude.await;
                call.await
            }
        }
    }
}

/// Counts the calls of another store, `begin`, `ping`, `commit` and those inside units of work included, and lets one
/// of them go wrong. Clones share the count.
#[derive(Clone)]
pub struct FailingStore(Failing<Arc<dyn Store>>);

impl FailingStore {
    /// Does as `inner` does until told otherwise.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self(Failing { inner, faults: Faults::default(), spent: Arc::default() })
    }

    /// How many calls were made so far.
    pub fn calls(&self) -> usize {
        self.0.faults.plan().calls
    }

    /// The `n`-th call from now fails and does nothing; 1 is the next one.
    pub fn fail_nth(&self, n: usize, error: StoreError) {
        self.arm(n, Fault::Refused(error));
    }

    /// The next call fails and does nothing.
    pub fn fail_next(&self, error: StoreError) {
        self.fail_nth(1, error);
    }

    /// The `n`-th call from now does its work and fails all the same, as when a connection breaks before the answer.
    pub fn lose_answer_of_nth(&self, n: usize, error: StoreError) {
        self.arm(n, Fault::AnswerLost(error));
    }

    /// Runs `interlude` just before the `n`-th call from now: somebody else's call in an unlucky moment.
    pub fn before_nth(&self, n: usize, interlude: impl Future<Output = ()> + Send + 'static) {
        self.arm(n, Fault::Preceded(Box::pin(interlude)));
    }

    /// Whether the armed call has not come yet.
    pub fn is_armed(&self) -> bool {
        self.0.faults.plan().fault.is_some()
    }

    fn arm(&self, n: usize, fault: Fault) {
        let mut plan = self.0.faults.plan();
        plan.fault = Some((plan.calls + n, fault));
    }
}

/// The repositories of `inner`, each call under the plan.
#[derive(Clone)]
struct Failing<R> {
    inner: R,
    faults: Faults,
    /// A call has failed, which ends a unit of work.
    spent: Arc<AtomicBool>,
}

/// What has repositories, behind whatever pointer.
trait Inner: Send + Sync {
    fn repositories(&self) -> &dyn Repositories;
}

impl Inner for Arc<dyn Store> {
    fn repositories(&self) -> &dyn Repositories {
        &**self
    }
}

impl Inner for Box<dyn UnitOfWork> {
    fn repositories(&self) -> &dyn Repositories {
        &**self
    }
}

impl<R: Inner> Failing<R> {
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let answer = self.faults.around(call).await;
        if answer.is_err() {
            self.spent.store(true, Ordering::SeqCst);
        }
        answer
    }
}

impl Repositories for FailingStore {
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
impl Store for FailingStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let Failing { inner, faults, .. } = &self.0;
        let inner = faults.around(inner.begin()).await?;
        Ok(Box::new(Failing { inner, faults: faults.clone(), spent: Arc::default() }))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.faults.around(self.0.inner.ping()).await
    }

    async fn check_writes(&self) -> Result<(), WriteOutage> {
        let Failing { inner, faults, .. } = &self.0;
        let answered = faults.around(async { Ok(inner.check_writes().await) }).await;
        answered.unwrap_or(Err(WriteOutage::Unreachable))
    }
}

impl Repositories for Failing<Box<dyn UnitOfWork>> {
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
impl UnitOfWork for Failing<Box<dyn UnitOfWork>> {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { inner, faults, spent } = *self;
        if spent.load(Ordering::SeqCst) {
            return Err(StoreError::Unexpected("an earlier call of this unit of work failed".into()));
        }
        faults.around(inner.commit()).await
    }
}
