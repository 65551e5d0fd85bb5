//! The store that the services work on keeps what the storage ports promise, and notes what ends in it, however it is
//! called.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{sync::Arc, time::Duration};

use holdfast_application::{
    auth::{DenyingStore, Revocations, Verdict},
    domain::{
        SessionId, UserId,
        sessions::{EndReason, EventKind, Session},
    },
    ports::{Repositories, Store, StoreError},
};
use holdfast_testkit::{
    FailingStore, FixedClock, MemoryStore,
    conformance::Fresh,
    fixtures::{account, at, event, session},
    store_conformance,
};

async fn fresh_denying() -> Option<Fresh> {
    let memory = Arc::new(MemoryStore::default());
    let World { store, .. } = World::over(memory.clone());
    Some(Fresh::new(Arc::new(store), ()).adopting(memory))
}

store_conformance!(fresh_denying);

struct World {
    store: DenyingStore,
    revocations: Arc<Revocations>,
}

impl World {
    /// Knows everything up to now.
    fn over(inner: Arc<dyn Store>) -> Self {
        let revocations = Arc::new(Revocations::new(Duration::from_hours(24)));
        revocations.learned(at(0));
        let clock = Arc::new(FixedClock::default());
        Self { store: DenyingStore::new(inner, revocations.clone(), clock, Arc::default()), revocations }
    }

    fn judge(&self, user: UserId, id: SessionId) -> Verdict {
        self.revocations.judge(user, id, at(0))
    }

    async fn two_sessions(&self) -> (UserId, SessionId, SessionId) {
        let account = account().build();
        self.store.users().insert(&account).await.unwrap();
        let (older, newer) = (session(account.user.id), session(account.user.id));
        let newer = Session { last_used_at: at(1), ..newer };
        for session in [&older, &newer] {
            self.store.sessions().insert(session).await.unwrap();
        }
        (account.user.id, older.id, newer.id)
    }
}

/// Each way to end the older one of two sessions.
async fn end(way: usize, on: &dyn Repositories, user: UserId, older: SessionId, newer: SessionId) -> bool {
    let (sessions, reason) = (on.sessions(), EndReason::SignedOut);
    match way {
        0 => sessions.end(user, older, reason, at(0)).await.is_ok(),
        1 => sessions.end_all(user, Some(newer), reason, at(0)).await.is_ok(),
        _ => sessions.end_surplus(user, 1, at(0)).await.is_ok(),
    }
}

#[tokio::test]
async fn a_call_that_runs_alone_is_noted_with_its_answer() {
    for way in 0..3 {
        let world = World::over(Arc::new(MemoryStore::default()));
        let (user, older, newer) = world.two_sessions().await;
        assert!(end(way, &world.store, user, older, newer).await);
        assert_eq!(world.judge(user, older), Verdict::Ended);
        assert_ne!(world.judge(user, newer), Verdict::Ended);
    }
}

#[tokio::test]
async fn a_call_that_runs_alone_and_is_never_answered_leaves_the_row_to_decide() {
    for way in 0..3 {
        let faults = FailingStore::new(Arc::new(MemoryStore::default()));
        let world = World::over(Arc::new(faults.clone()));
        let (user, older, newer) = world.two_sessions().await;
        faults.lose_answer_of_nth(1, StoreError::Unavailable("gone".into()));
        assert!(!end(way, &world.store, user, older, newer).await);
        assert_eq!(world.judge(user, older), Verdict::Unknown);
    }
}

#[tokio::test]
async fn a_unit_of_work_is_noted_when_it_is_committed_and_not_before() {
    for way in 0..3 {
        let world = World::over(Arc::new(MemoryStore::default()));
        let (user, older, newer) = world.two_sessions().await;
        for commits in [false, true] {
            let work = world.store.begin().await.unwrap();
            assert!(end(way, &*work, user, older, newer).await);
            assert!(work.sessions().find(user, older).await.unwrap().unwrap().ended.is_some());
            assert_eq!(world.judge(user, older), Verdict::Live, "nothing is committed");
            if commits {
                work.commit().await.unwrap();
            }
        }
        assert_eq!((world.judge(user, older), world.judge(user, newer)), (Verdict::Ended, Verdict::Live));
    }
}

#[tokio::test]
async fn an_account_whose_deletion_is_written_down_is_for_its_rows_to_tell() {
    let world = World::over(Arc::new(MemoryStore::default()));
    let (user, older, _) = world.two_sessions().await;
    let written = |kind| event(user, kind, at(0));
    world.store.audit().append(&written(EventKind::SignedOut)).await.unwrap();
    let work = world.store.begin().await.unwrap();
    work.audit().append(&written(EventKind::AccountDeleted)).await.unwrap();
    drop(work);
    assert_eq!(world.judge(user, older), Verdict::Live);
    world.store.audit().append(&written(EventKind::AccountDeleted)).await.unwrap();
    assert_eq!(world.judge(user, older), Verdict::Unknown);
}

#[tokio::test]
async fn health_is_that_of_the_store_beneath() {
    let failing = FailingStore::new(Arc::new(MemoryStore::default()));
    let World { store, .. } = World::over(Arc::new(failing.clone()));
    store.ping().await.unwrap();
    store.check_writes().await.unwrap();
    failing.fail_next(StoreError::Unavailable("gone".into()));
    assert!(store.ping().await.is_err());
    failing.fail_next(StoreError::Unavailable("gone".into()));
    assert!(store.check_writes().await.is_err());
}
