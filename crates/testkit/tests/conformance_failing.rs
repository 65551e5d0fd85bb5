//! The failing store keeps what the storage ports promise until it is told to fail, and then fails as told.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::sync::Arc;

use holdfast_application::{
    domain::UserId,
    ports::{Repositories, Store, StoreError, Unique},
};
use holdfast_testkit::{
    FailingStore, MemoryStore,
    conformance::Fresh,
    fixtures::{account, session, task},
    store_conformance,
};

async fn fresh_failing() -> Option<Fresh> {
    let memory = Arc::new(MemoryStore::default());
    Some(Fresh::new(Arc::new(FailingStore::new(memory.clone())), ()).adopting(memory))
}

store_conformance!(fresh_failing);

/// A failing store over a memory store with one account.
async fn with_owner() -> (FailingStore, MemoryStore, UserId) {
    let memory = MemoryStore::default();
    let account = account().build();
    memory.users().insert(&account).await.unwrap();
    (FailingStore::new(Arc::new(memory.clone())), memory, account.user.id)
}

fn gone() -> StoreError {
    StoreError::Unavailable("gone".into())
}

#[tokio::test]
async fn the_chosen_call_fails_once_and_does_nothing() {
    let (store, memory, owner) = with_owner().await;
    let task = task(owner).build();
    store.fail_nth(2, StoreError::Duplicate(Unique::Id));
    store.ping().await.unwrap();
    let failed = store.tasks().insert(&task).await;
    assert!(matches!(failed, Err(StoreError::Duplicate(Unique::Id))), "{failed:?}");
    assert_eq!(memory.tasks().find(owner, task.id).await.unwrap(), None);
    store.tasks().insert(&task).await.unwrap();
    assert_eq!((store.calls(), store.is_armed()), (3, false));
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_has_done_its_work() {
    let (store, memory, owner) = with_owner().await;
    let task = task(owner).build();
    store.lose_answer_of_nth(1, gone());
    assert!(store.tasks().insert(&task).await.is_err());
    assert_eq!(memory.tasks().find(owner, task.id).await.unwrap(), Some(task));
}

#[tokio::test]
async fn a_unit_of_work_in_which_a_call_failed_cannot_be_committed() {
    let (store, memory, owner) = with_owner().await;
    let (task, session) = (task(owner).build(), session(owner));
    for n in 1..=4 {
        store.fail_nth(n, gone());
        let attempt = async {
            let work = store.begin().await?;
            work.tasks().insert(&task).await?;
            let _ignored = work.sessions().insert(&session).await;
            work.commit().await
        };
        assert!(attempt.await.is_err(), "call {n}");
        assert_eq!(memory.tasks().find(owner, task.id).await.unwrap(), None);
        assert_eq!(memory.sessions().find(owner, session.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_interlude_comes_just_before_its_call() {
    let (store, memory, owner) = with_owner().await;
    let task = task(owner).build();
    let (other, same) = (memory.clone(), task.clone());
    store.before_nth(1, async move { other.tasks().insert(&same).await.unwrap() });
    let failed = store.tasks().insert(&task).await;
    assert!(matches!(failed, Err(StoreError::Duplicate(Unique::Id))), "{failed:?}");
}
