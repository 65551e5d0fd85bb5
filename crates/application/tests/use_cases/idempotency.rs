//! Creates that are safe to repeat.

use std::time::Duration;

use holdfast_application::{
    Actor,
    domain::tasks::{Priority, Task, TaskDraft, Title},
    idempotency::{Attempt, Fingerprint, IdempotencyKey, KEPT_FOR, KeptAnswer, Settled},
    ports::{Clock as _, Repositories as _, StoreError, TaskFilter},
    tasks::TaskError,
};

use crate::world::{ADA, World};

pub(crate) fn draft() -> TaskDraft {
    let title = Title::new("Call mum").unwrap();
    TaskDraft {
        title,
        description: None,
        due: None,
        priority: Priority::NotUrgentNotImportant,
        completed: false,
    }
}

/// A request for [`draft`] under `key`.
pub(crate) fn attempt(key: &str) -> Attempt {
    Attempt { key: IdempotencyKey::new(key.to_owned()).unwrap(), fingerprint: Fingerprint([7; 32]) }
}

/// An answer that shows which task it is about.
pub(crate) fn answer(task: Task) -> KeptAnswer {
    let (location, etag) = (Some(task.id.to_string()), Some(task.revision.number().to_string()));
    KeptAnswer { status: 201, location, etag, body: task.title.into_string().into_bytes() }
}

pub(crate) async fn count(world: &World, actor: Actor) -> u64 {
    world.rows.tasks().count(actor.user, &TaskFilter::default()).await.unwrap()
}

async fn ada(world: &World) -> Actor {
    world.actor(&world.sign_up(ADA).await).await
}

async fn create(world: &World, actor: Actor, key: &str) -> Result<Settled, TaskError> {
    world.services.tasks.create_once(actor, draft(), attempt(key), answer).await
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_time_and_makes_nothing() {
    let world = World::new();
    let ada = ada(&world).await;
    let first = create(&world, ada, "k").await.unwrap();
    assert!(!first.replayed);
    let id = first.answer.location.as_ref().unwrap().parse().unwrap();
    assert_eq!(answer(world.services.tasks.show(ada, id).await.unwrap()), first.answer);
    let replay = Settled { replayed: true, ..first.clone() };
    assert_eq!(create(&world, ada, "k").await.unwrap(), replay);
    assert_eq!(count(&world, ada).await, 1);
    world.services.tasks.complete(ada, id, true, None).await.unwrap();
    assert_eq!(create(&world, ada, "k").await.unwrap(), replay, "as it was then, not as it is now");
    world.services.tasks.delete(ada, id, None).await.unwrap();
    assert_eq!(create(&world, ada, "k").await.unwrap(), replay, "also when the task is gone");
    assert_eq!(count(&world, ada).await, 0);
    assert_ne!(create(&world, ada, "another").await.unwrap().answer, first.answer);
    assert_eq!(count(&world, ada).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_owner() {
    let world = World::new();
    let ada = ada(&world).await;
    create(&world, ada, "k").await.unwrap();
    let other = Attempt { fingerprint: Fingerprint([8; 32]), ..attempt("k") };
    let refused = world.services.tasks.create_once(ada, draft(), other, answer).await;
    assert!(matches!(refused, Err(TaskError::KeyReused)), "{refused:?}");
    assert_eq!(count(&world, ada).await, 1);
    let bob = world.actor(&world.sign_up("bob@example.com").await).await;
    assert!(!create(&world, bob, "k").await.unwrap().replayed);
    assert_eq!(count(&world, bob).await, 1);
}

#[tokio::test]
async fn a_key_is_good_for_another_request_after_a_day() {
    let world = World::new();
    let ada = ada(&world).await;
    let first = create(&world, ada, "k").await.unwrap();
    let end = world.clock.now().plus(KEPT_FOR);
    world.clock.set(end.minus(Duration::from_micros(1)));
    assert!(create(&world, ada, "k").await.unwrap().replayed);
    world.clock.set(end);
    let second = create(&world, ada, "k").await.unwrap();
    assert!(!second.replayed && second.answer != first.answer);
    assert_eq!(create(&world, ada, "k").await.unwrap(), Settled { replayed: true, ..second });
    assert_eq!(count(&world, ada).await, 2);
}

#[tokio::test]
async fn who_comes_second_by_a_hair_gets_the_answer_of_the_first() {
    let world = World::new();
    let ada = ada(&world).await;
    let other = world.services_with(holdfast_testkit::PlainPasswords::default());
    world.faults.before_nth(1, async move {
        other.tasks.create_once(ada, draft(), attempt("k"), answer).await.unwrap();
    });
    assert!(create(&world, ada, "k").await.unwrap().replayed);
    assert_eq!(count(&world, ada).await, 1);
}

#[tokio::test]
async fn a_repeat_is_answered_although_the_store_takes_no_writes() {
    let world = World::new();
    let ada = ada(&world).await;
    let first = create(&world, ada, "k").await.unwrap();
    world.faults.fail_next(StoreError::Unavailable("full".into()));
    assert_eq!(create(&world, ada, "k").await.unwrap(), Settled { replayed: true, ..first });
    world.faults.fail_next(StoreError::Unavailable("full".into()));
    let refused = create(&world, ada, "another").await;
    assert!(matches!(refused, Err(TaskError::Store(StoreError::Unavailable(_)))), "{refused:?}");
}

#[tokio::test]
async fn a_store_that_took_its_time_to_fail_is_not_asked_once_more() {
    let world = World::new();
    let ada = ada(&world).await;
    for (waited, looks) in [(Duration::from_millis(100), 1), (Duration::from_millis(1_100), 0)] {
        let (clock, faults) = (world.clock.clone(), world.faults.clone());
        let before = world.faults.calls();
        world.faults.before_nth(1, async move {
            clock.advance(waited);
            faults.fail_next(StoreError::Unavailable("silent".into()));
        });
        let refused = create(&world, ada, "k").await;
        assert!(matches!(refused, Err(TaskError::Store(StoreError::Unavailable(_)))), "{refused:?}");
        // begin, and the claim that fails
        assert_eq!(world.faults.calls() - before, 2 + looks, "{waited:?}");
    }
}

#[tokio::test]
async fn a_create_without_a_key_asks_the_store_once() {
    let world = World::new();
    let ada = ada(&world).await;
    let before = world.faults.calls();
    world.services.tasks.create(ada, draft()).await.unwrap();
    assert_eq!(world.faults.calls() - before, 1);
}

#[tokio::test]
async fn an_account_that_is_gone_creates_nothing() {
    let world = World::new();
    let ada = ada(&world).await;
    world.rows.users().delete(ada.user).await.unwrap();
    assert!(matches!(create(&world, ada, "k").await, Err(TaskError::AccountGone)));
}
