//! Units of work, and calls outside of them.

use std::{sync::Arc, time::Duration};

use holdfast_application::{
    domain::{
        SessionId, TaskId, TokenId, UserId,
        sessions::{EndReason, EventKind, Rotation, Session},
        tasks::{Revision, Task},
        users::{Account, Email},
    },
    ports::{Deleted, Repositories, Store, StoreError, TaskChanges, TaskFilter, Unique, UnitOfWork, Updated},
};

use super::Fresh;
use crate::{
    fixtures::{LIFETIMES, account, at, event, session, task},
    ids::unique,
    passwords::PlainPasswords,
};

/// One row of each kind that belong together.
struct Rows {
    account: Account,
    task: Task,
    session: Session,
}

impl Rows {
    fn new() -> Self {
        let account = account().build();
        let owner = account.user.id;
        Self { account, task: task(owner).build(), session: session(owner) }
    }

    fn owner(&self) -> UserId {
        self.account.user.id
    }

    async fn insert(&self, door: &(impl Repositories + ?Sized)) {
        door.users().insert(&self.account).await.unwrap();
        door.tasks().insert(&self.task).await.unwrap();
        door.sessions().insert(&self.session).await.unwrap();
        door.audit().append(&event(self.owner(), EventKind::SignedUp, at(0))).await.unwrap();
    }

    /// How many of the four rows are there, counted by every call that could see them.
    async fn seen(&self, door: &(impl Repositories + ?Sized)) -> [bool; 7] {
        let (owner, address) = (self.owner(), self.account.user.email.as_str());
        [
            door.users().find(owner).await.unwrap().is_some(),
            door.users().find_by_email(address).await.unwrap().is_some(),
            door.tasks().find(owner, self.task.id).await.unwrap().is_some(),
            door.tasks().count(owner, &TaskFilter::default()).await.unwrap() == 1,
            door.tasks().list(owner, &super::reference::everything()).await.unwrap().len() == 1,
            door.sessions().find(owner, self.session.id).await.unwrap().is_some(),
            door.audit().latest(owner, None, 10).await.unwrap().len() == 1,
        ]
    }
}

fn rotation(session: &Session) -> Rotation {
    session.rotate(TokenId::new(unique()), "k2".into(), LIFETIMES, at(1)).unwrap()
}

/// Used directly, each call runs alone and is atomic: what it wrote MUST be visible to every caller once it returns.
pub async fn a_call_outside_is_visible_to_every_caller_once_it_returns(fresh: &Fresh) {
    for _ in 0..20 {
        let rows = Arc::new(Rows::new());
        rows.insert(&*fresh.store).await;
        let callers: Vec<_> = (0..4)
            .map(|_| {
                let (store, rows) = (fresh.store.clone(), rows.clone());
                tokio::spawn(async move { rows.seen(&*store).await })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), [true; 7]);
        }
    }
}

/// Its own writes MUST be visible within it.
pub async fn its_own_writes_are_visible_within_it(fresh: &Fresh) {
    let rows = Rows::new();
    let owner = rows.owner();
    let work = fresh.store.begin().await.unwrap();
    rows.insert(&*work).await;
    assert_eq!(rows.seen(&*work).await, [true; 7]);

    let done = TaskChanges { completed: Some(true), ..TaskChanges::default() };
    let updated = work.tasks().update(owner, rows.task.id, &done, Some(Revision::FIRST), at(1)).await;
    let Updated::Done(updated) = updated.unwrap() else { unreachable!("its own task is missing") };
    assert_eq!(work.tasks().find(owner, rows.task.id).await.unwrap(), Some(updated));
    let rotated = work.sessions().rotate(&rotation(&rows.session)).await.unwrap();
    assert!(rotated.is_some());
    assert_eq!(work.sessions().find(owner, rows.session.id).await.unwrap(), rotated);
    assert_eq!(work.tasks().delete(owner, rows.task.id, None).await.unwrap(), Deleted::Done);
    assert_eq!(work.tasks().find(owner, rows.task.id).await.unwrap(), None);
    work.commit().await.unwrap();
}

/// They MUST NOT be visible outside before `commit`.
pub async fn its_writes_are_invisible_outside_before_commit(fresh: &Fresh) {
    let (old, new) = (Rows::new(), Rows::new());
    old.insert(&*fresh.store).await;
    let work = fresh.store.begin().await.unwrap();
    new.insert(&*work).await;
    assert!(work.sessions().rotate(&rotation(&old.session)).await.unwrap().is_some());
    assert_eq!(work.tasks().delete(old.owner(), old.task.id, None).await.unwrap(), Deleted::Done);
    assert_eq!(new.seen(&*fresh.store).await, [false; 7]);
    assert_eq!(old.seen(&*fresh.store).await, [true; 7]);
    let outside = fresh.store.sessions().find(old.owner(), old.session.id).await.unwrap();
    assert_eq!(outside, Some(old.session));
    work.commit().await.unwrap();
}

/// Makes the writes durable and visible, all at once.
pub async fn a_commit_makes_all_writes_visible(fresh: &Fresh) {
    let rows = Rows::new();
    let work = fresh.store.begin().await.unwrap();
    rows.insert(&*work).await;
    work.commit().await.unwrap();
    assert_eq!(rows.seen(&*fresh.store).await, [true; 7]);
}

/// Dropping it without `commit` MUST roll everything back.
pub async fn dropping_it_rolls_everything_back(fresh: &Fresh) {
    let (old, new) = (Rows::new(), Rows::new());
    old.insert(&*fresh.store).await;
    let work = fresh.store.begin().await.unwrap();
    new.insert(&*work).await;
    work.tasks().delete(old.owner(), old.task.id, None).await.unwrap();
    work.sessions().end(old.owner(), old.session.id, EndReason::SignedOut, at(1)).await.unwrap();
    drop(work);
    assert_eq!(new.seen(&*fresh.store).await, [false; 7]);
    assert_eq!(old.seen(&*fresh.store).await, [true; 7]);
    let live = fresh.store.sessions().find(old.owner(), old.session.id).await.unwrap();
    assert_eq!(live, Some(old.session));
    // What was rolled back stands in nobody's way.
    new.insert(&*fresh.store).await;
    assert_eq!(new.seen(&*fresh.store).await, [true; 7]);
}

/// `commit` MUST NOT report success after a call failed: here, with a duplicate.
pub async fn a_duplicate_spends_it(fresh: &Fresh) {
    let (old, new) = (Rows::new(), Rows::new());
    old.insert(&*fresh.store).await;

    let work = fresh.store.begin().await.unwrap();
    new.insert(&*work).await;
    let again = work.tasks().insert(&old.task).await;
    assert!(matches!(again, Err(StoreError::Duplicate(Unique::Id))), "{again:?}");
    assert!(work.commit().await.is_err());
    assert_eq!(new.seen(&*fresh.store).await, [false; 7]);

    let work = fresh.store.begin().await.unwrap();
    let mut taken = account().build();
    taken.user.email = Email::stored(old.account.user.email.as_str().to_uppercase());
    let again = work.users().insert(&taken).await;
    assert!(matches!(again, Err(StoreError::Duplicate(Unique::Email))), "{again:?}");
    // Whether a later call answers or fails, it saves nothing.
    let _later = work.tasks().insert(&task(old.owner()).build()).await;
    assert!(work.commit().await.is_err());
    assert_eq!(old.seen(&*fresh.store).await, [true; 7]);
}

/// `commit` MUST NOT report success after a call failed: here, with an owner that does not exist.
pub async fn a_missing_owner_spends_it(fresh: &Fresh) {
    let rows = Rows::new();
    let work = fresh.store.begin().await.unwrap();
    rows.insert(&*work).await;
    let orphan = work.sessions().insert(&session(UserId::new(unique()))).await;
    assert!(matches!(orphan, Err(StoreError::OwnerMissing)), "{orphan:?}");
    assert!(work.commit().await.is_err());
    assert_eq!(rows.seen(&*fresh.store).await, [false; 7]);
}

/// … with anything but a compare-and-set that did not apply.
pub async fn a_comparison_that_fails_does_not_spend_it(fresh: &Fresh) {
    let (old, new) = (Rows::new(), Rows::new());
    let (owner, nobody) = (old.owner(), UserId::new(unique()));
    old.insert(&*fresh.store).await;
    let (stale, changes) = (Some(Revision::new(9)), TaskChanges::default());

    let work = fresh.store.begin().await.unwrap();
    let lost = Rotation { expected: TokenId::new(unique()), ..rotation(&old.session) };
    assert_eq!(work.sessions().rotate(&lost).await.unwrap(), None);
    assert!(!work.sessions().end(nobody, old.session.id, EndReason::SignedOut, at(1)).await.unwrap());
    assert_eq!(work.sessions().end_all(nobody, None, EndReason::SignedOut, at(1)).await.unwrap(), []);
    assert_eq!(work.sessions().find(owner, SessionId::new(unique())).await.unwrap(), None);
    let update = work.tasks().update(owner, old.task.id, &changes, stale, at(1)).await.unwrap();
    assert_eq!(update, Updated::Stale);
    assert_eq!(work.tasks().delete(owner, old.task.id, stale).await.unwrap(), Deleted::Stale);
    assert_eq!(work.tasks().delete(owner, TaskId::new(unique()), None).await.unwrap(), Deleted::Missing);
    let (wrong, other) = (PlainPasswords::hashed("wrong"), PlainPasswords::hashed("other"));
    assert!(!work.users().replace_hash(owner, &wrong, &other).await.unwrap());
    assert!(!work.users().record_sign_in(nobody, at(1)).await.unwrap());
    new.insert(&*work).await;
    work.commit().await.unwrap();
    assert_eq!(new.seen(&*fresh.store).await, [true; 7]);
}

/// Several writes that happen together or not at all, also when many do so at the same time.
pub async fn parallel_ones_all_commit(fresh: &Fresh) {
    let owner = fresh.member().await;
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let store = fresh.store.clone();
            tokio::spawn(async move {
                let work = store.begin().await.unwrap();
                work.tasks().insert(&task(owner).build()).await.unwrap();
                work.audit().append(&event(owner, EventKind::SignedIn, at(0))).await.unwrap();
                work.commit().await.unwrap();
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(fresh.store.tasks().count(owner, &TaskFilter::default()).await.unwrap(), 16);
    assert_eq!(fresh.store.audit().latest(owner, None, 100).await.unwrap().len(), 16);
}

/// A unit of work is `Send`: it may end on another task than it began on.
pub async fn it_may_be_committed_by_another_task(fresh: &Fresh) {
    let rows = Rows::new();
    let work: Box<dyn UnitOfWork> = fresh.store.begin().await.unwrap();
    rows.insert(&*work).await;
    tokio::spawn(async move { work.commit().await }).await.unwrap().unwrap();
    assert_eq!(rows.seen(&*fresh.store).await, [true; 7]);
}

/// A caller that goes away in the middle of a call MUST leave nothing behind that hinders the others.
pub async fn an_abandoned_call_leaves_the_store_usable(fresh: &Fresh) {
    let owner = fresh.member().await;
    let store: Arc<dyn Store> = fresh.store.clone();
    for round in 0..30 {
        let store = store.clone();
        let call = async move {
            let work = store.begin().await.unwrap();
            work.tasks().insert(&task(owner).build()).await.unwrap();
            tokio::task::yield_now().await;
            work.tasks().insert(&task(owner).build()).await.unwrap();
        };
        let patience = Duration::from_micros(round * 50);
        let _abandoned = tokio::time::timeout(patience, call).await;
    }
    assert_eq!(store.tasks().count(owner, &TaskFilter::default()).await.unwrap(), 0);
    store.tasks().insert(&task(owner).build()).await.unwrap();
    assert_eq!(store.tasks().count(owner, &TaskFilter::default()).await.unwrap(), 1);
}

/// One round trip, to know whether the store answers.
pub async fn a_ping_is_answered(fresh: &Fresh) {
    fresh.store.ping().await.unwrap();
}

/// A store that writes MUST say so.
pub async fn a_store_that_writes_says_so(fresh: &Fresh) {
    fresh.store.check_writes().await.unwrap();
    fresh.member().await;
    fresh.store.check_writes().await.unwrap();
}
