//! A store that tells this instance's memory what ends in it, and the log what its history says. Every service works on it,
//! so that no use case can forget to: whatever ends a session, before its caller hears of it, no token of that session is
//! accepted here any more; and the log tells nothing that is rolled back.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use holdfast_domain::{
    SessionId, Timestamp, UserId,
    sessions::{AuthEvent, EndReason, EventKind, Rotation, Session},
};

use super::{Revocations, revocations::Ends};
use crate::{
    history,
    measure::{ByName, Counter},
    ports::{
        AuditRepository, Clock, DeletedAccount, EndedSession, EventPosition, IdempotencyRepository,
        LeaseRepository, LegacyTokenRepository, OneTimeTokenRepository, PersonalTokenRepository,
        Repositories, SecondFactorRepository, SessionRepository, Store, StoreError, TaskRepository,
        ThrottleRepository, TrailPosition, UnitOfWork, UserRepository, WriteOutage,
    },
    undisturbed::undisturbed,
};

/// Does as another store does, and notes in [`Revocations`] the sessions that end and the accounts that are deleted. An
/// account counts as deleted when its history says so, which is what other instances read, too.
pub type DenyingStore = Denying<Arc<dyn Store>>;

/// The repositories of a store or of a unit of work.
pub struct Denying<R> {
    inner: R,
    watch: Watch,
}

impl DenyingStore {
    /// Watches over `inner`. What its history says is counted in `events`, by kind.
    pub fn new(
        inner: Arc<dyn Store>,
        revocations: Arc<Revocations>,
        clock: Arc<dyn Clock>,
        events: Arc<ByName<Counter>>,
    ) -> Self {
        Self { inner, watch: Watch { revocations, clock, events, unit: None } }
    }
}

/// Where ends are noted.
struct Watch {
    revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
    events: Arc<ByName<Counter>>,
    /// What has happened in a unit of work so far, which counts from its commit on; nothing for calls that run alone.
    unit: Option<Mutex<Unit>>,
}

/// What waits for the commit of a unit of work.
#[derive(Default)]
struct Unit {
    ends: Ends,
    events: Vec<AuthEvent>,
}

impl Watch {
    /// Before a call that ends sessions of the account: one that runs alone may happen without its caller ever hearing so.
    fn before(&self, user: UserId) {
        if self.unit.is_none() {
            self.revocations.expect(&Ends::account(user), self.clock.now());
        }
    }

    fn after(&self, ends: Ends) {
        match &self.unit {
            None => self.revocations.confirm(&ends, self.clock.now()),
            Some(unit) => {
                let Unit { ends: noted, .. } = &mut *unit.lock().unwrap_or_else(PoisonError::into_inner);
                noted.sessions.extend(ends.sessions);
                noted.accounts.extend(ends.accounts);
            }
        }
    }

    fn after_sessions(&self, owner: UserId, ended: &[SessionId]) {
        self.after(Ends { sessions: ended.iter().map(|id| (owner, *id)).collect(), accounts: Vec::new() });
    }

    /// An entry of the history that was stored.
    fn stored(&self, event: &AuthEvent) {
        match &self.unit {
            None => history::log(event, &self.events),
            Some(unit) => {
                unit.lock().unwrap_or_else(PoisonError::into_inner).events.push(event.clone());
            }
        }
    }

    /// What was seen to have ended is over here as well. Within a unit of work it may be the unit's own doing.
    fn seen(&self, session: &Session) {
        if let (None, Some((at, _))) = (&self.unit, &session.ended) {
            self.revocations.learn_sessions(&[EndedSession {
                at: *at,
                owner: session.owner,
                id: session.id,
            }]);
        }
    }
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

#[async_trait]
impl<R: Inner> SessionRepository for Denying<R> {
    async fn find(&self, owner: UserId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let found = self.inner.repositories().sessions().find(owner, id).await?;
        if let Some(session) = &found {
            self.watch.seen(session);
        }
        Ok(found)
    }

    async fn list(
        &self,
        owner: UserId,
        after: Option<SessionId>,
        limit: u64,
    ) -> Result<Vec<Session>, StoreError> {
        self.inner.repositories().sessions().list(owner, after, limit).await
    }

    async fn live(&self, owner: UserId, at: Timestamp, limit: u64) -> Result<Vec<Session>, StoreError> {
        self.inner.repositories().sessions().live(owner, at, limit).await
    }

    async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        self.inner.repositories().sessions().insert(session).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Option<Session>, StoreError> {
        self.inner.repositories().sessions().rotate(rotation).await
    }

    async fn end(
        &self,
        owner: UserId,
        id: SessionId,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.watch.before(owner);
        let ended = self.inner.repositories().sessions().end(owner, id, reason, at).await?;
        // Where nothing was left to end, somebody else has ended it: it is over all the same.
        self.watch.after_sessions(owner, &[id]);
        Ok(ended)
    }

    async fn end_all(
        &self,
        owner: UserId,
        except: Option<SessionId>,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.watch.before(owner);
        let ended = self.inner.repositories().sessions().end_all(owner, except, reason, at).await?;
        self.watch.after_sessions(owner, &ended);
        Ok(ended)
    }

    async fn end_surplus(
        &self,
        owner: UserId,
        keep: u64,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.watch.before(owner);
        let ended = self.inner.repositories().sessions().end_surplus(owner, keep, at).await?;
        self.watch.after_sessions(owner, &ended);
        Ok(ended)
    }

    async fn ended(
        &self,
        since: Timestamp,
        after: Option<EndedSession>,
        limit: u64,
    ) -> Result<Vec<EndedSession>, StoreError> {
        self.inner.repositories().sessions().ended(since, after, limit).await
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.inner.repositories().sessions().sweep(until, limit).await
    }
}

#[async_trait]
impl<R: Inner> AuditRepository for Denying<R> {
    async fn append(&self, event: &AuthEvent) -> Result<(), StoreError> {
        let deletes = event.kind.known() == Some(EventKind::AccountDeleted);
        if deletes {
            self.watch.before(event.user);
        }
        self.inner.repositories().audit().append(event).await?;
        self.watch.stored(event);
        if deletes {
            self.watch.after(Ends::account(event.user));
        }
        Ok(())
    }

    async fn latest(
        &self,
        user: UserId,
        behind: Option<EventPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        self.inner.repositories().audit().latest(user, behind, limit).await
    }

    async fn between(
        &self,
        times: Range<Timestamp>,
        after: Option<TrailPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        self.inner.repositories().audit().between(times, after, limit).await
    }

    async fn deletions(
        &self,
        since: Timestamp,
        after: Option<DeletedAccount>,
        limit: u64,
    ) -> Result<Vec<DeletedAccount>, StoreError> {
        self.inner.repositories().audit().deletions(since, after, limit).await
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.inner.repositories().audit().sweep(until, limit).await
    }
}

impl<R: Inner> Repositories for Denying<R> {
    fn tasks(&self) -> &dyn TaskRepository {
        self.inner.repositories().tasks()
    }

    fn users(&self) -> &dyn UserRepository {
        self.inner.repositories().users()
    }

    fn sessions(&self) -> &dyn SessionRepository {
        self
    }

    fn legacy_tokens(&self) -> &dyn LegacyTokenRepository {
        self.inner.repositories().legacy_tokens()
    }

    fn idempotency(&self) -> &dyn IdempotencyRepository {
        self.inner.repositories().idempotency()
    }

    fn one_time_tokens(&self) -> &dyn OneTimeTokenRepository {
        self.inner.repositories().one_time_tokens()
    }

    fn personal_tokens(&self) -> &dyn PersonalTokenRepository {
        self.inner.repositories().personal_tokens()
    }

    fn second_factors(&self) -> &dyn SecondFactorRepository {
        self.inner.repositories().second_factors()
    }

    fn throttle(&self) -> &dyn ThrottleRepository {
        self.inner.repositories().throttle()
    }

    fn audit(&self) -> &dyn AuditRepository {
        self
    }

    fn leases(&self) -> &dyn LeaseRepository {
        self.inner.repositories().leases()
    }
}

#[async_trait]
impl Store for DenyingStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let Denying { inner, watch: Watch { revocations, clock, events, unit: _ } } = self;
        let inner = inner.begin().await?;
        let unit = Some(Mutex::default());
        let watch =
            Watch { revocations: revocations.clone(), clock: clock.clone(), events: events.clone(), unit };
        Ok(Box::new(Denying { inner, watch }))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn check_writes(&self) -> Result<(), WriteOutage> {
        self.inner.check_writes().await
    }
}

#[async_trait]
impl UnitOfWork for Denying<Box<dyn UnitOfWork>> {
    /// Notes the ends before the commit is sent, because its answer may be lost. A commit that was begun goes on when its caller
    /// goes away, so that what it did is noted and logged all the same.
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { inner, watch: Watch { revocations, clock, events: counters, unit } } = *self;
        let unit = unit.map(Mutex::into_inner).map(|unit| unit.unwrap_or_else(PoisonError::into_inner));
        let Unit { ends, events } = unit.unwrap_or_default();
        revocations.expect(&ends, clock.now());
        undisturbed(async move {
            inner.commit().await?;
            revocations.confirm(&ends, clock.now());
            for event in &events {
                history::log(event, &counters);
            }
            Ok(())
        })
        .await
    }
}
