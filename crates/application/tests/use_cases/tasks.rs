//! One task at a time.

use holdfast_application::{
    Actor, Patch,
    domain::{
        SessionId, TaskId,
        tasks::{Description, Priority, Revision, Task, TaskDraft, Title},
        users::Role,
    },
    ports::{Clock, StoreError, TaskChanges},
    tasks::TaskError,
};
use holdfast_testkit::{
    fixtures::{at, owner},
    ids::unique,
};

use crate::world::{ADA, World};

fn draft(title: &str) -> TaskDraft {
    TaskDraft {
        title: Title::new(title).unwrap(),
        description: Some(Description::new("words".into()).unwrap()),
        due: Some(at(90)),
        priority: Priority::UrgentImportant,
        completed: false,
    }
}

async fn ada(world: &World) -> Actor {
    world.actor(&world.sign_up(ADA).await).await
}

fn is_not_found<T>(answer: &Result<T, TaskError>) -> bool {
    matches!(answer, Err(TaskError::NotFound))
}

#[tokio::test]
async fn a_task_is_made_as_drafted_and_shown_as_made() {
    let world = World::new();
    let ada = ada(&world).await;
    world.clock.set(at(5));
    let made = world.services.tasks.create(ada, draft("Call mum")).await.unwrap();
    assert_eq!(made, Task::create(made.id, ada.user, draft("Call mum"), at(5)));
    assert_eq!(world.services.tasks.show(ada, made.id).await.unwrap(), made);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_the_time() {
    let world = World::new();
    let ada = ada(&world).await;
    let made = world.services.tasks.create(ada, draft("Call mum")).await.unwrap();
    world.clock.set(at(5));
    let changes = TaskChanges { due: Patch::Clear, ..TaskChanges::default() };
    let updated = world.services.tasks.update(ada, made.id, &changes, Some(made.revision)).await.unwrap();
    let expected = Task { due: None, revision: Revision::new(2), updated_at: at(5), ..made };
    assert_eq!(updated, expected);
    assert_eq!(world.services.tasks.show(ada, updated.id).await.unwrap(), expected);
}

#[tokio::test]
async fn completing_twice_counts_two_revisions() {
    let world = World::new();
    let ada = ada(&world).await;
    let made = world.services.tasks.create(ada, draft("Call mum")).await.unwrap();
    for (completed, revision) in [(true, 2), (true, 3), (false, 4)] {
        let task = world.services.tasks.complete(ada, made.id, completed, None).await.unwrap();
        assert_eq!((task.completed, task.revision), (completed, Revision::new(revision)));
    }
}

#[tokio::test]
async fn a_revision_that_has_passed_is_stale() {
    let world = World::new();
    let ada = ada(&world).await;
    let made = world.services.tasks.create(ada, draft("Call mum")).await.unwrap();
    let current = world.services.tasks.complete(ada, made.id, true, Some(made.revision)).await.unwrap();
    let tasks = &world.services.tasks;
    let nothing = TaskChanges::default();
    let stale = Some(made.revision);
    assert!(matches!(tasks.update(ada, made.id, &nothing, stale).await, Err(TaskError::Stale)));
    assert!(matches!(tasks.complete(ada, made.id, true, stale).await, Err(TaskError::Stale)));
    assert!(matches!(tasks.delete(ada, made.id, stale).await, Err(TaskError::Stale)));
    assert_eq!(tasks.show(ada, made.id).await.unwrap(), current);
    tasks.delete(ada, made.id, Some(current.revision)).await.unwrap();
    assert!(is_not_found(&tasks.delete(ada, made.id, stale).await));
}

#[tokio::test]
async fn a_strangers_task_is_answered_as_a_missing_one() {
    let world = World::new();
    let ada = ada(&world).await;
    let stranger = world.actor(&world.sign_up("bob@example.com").await).await;
    let admin = Actor { role: Role::Admin, ..stranger };
    let made = world.services.tasks.create(ada, draft("Secret")).await.unwrap();
    let (tasks, nothing) = (&world.services.tasks, TaskChanges::default());
    for (actor, id) in [(stranger, made.id), (admin, made.id), (ada, TaskId::new(unique()))] {
        for expected in [None, Some(made.revision), Some(Revision::new(9))] {
            assert!(is_not_found(&tasks.update(actor, id, &nothing, expected).await));
            assert!(is_not_found(&tasks.complete(actor, id, true, expected).await));
            assert!(is_not_found(&tasks.delete(actor, id, expected).await));
        }
        assert!(is_not_found(&tasks.show(actor, id).await));
    }
    assert_eq!(tasks.show(ada, made.id).await.unwrap(), made);
}

#[tokio::test]
async fn a_task_of_an_account_that_is_gone_is_not_made() {
    let world = World::new();
    let actor = Actor { user: owner(), session: Some(SessionId::new(unique())), role: Role::User };
    let refused = world.services.tasks.create(actor, draft("Orphan")).await;
    assert!(matches!(refused, Err(TaskError::AccountGone)), "{refused:?}");
}

#[tokio::test]
async fn a_store_that_fails_is_reported_and_changes_nothing() {
    let world = World::new();
    let ada = ada(&world).await;
    let made = world.services.tasks.create(ada, draft("Call mum")).await.unwrap();
    let tasks = &world.services.tasks;
    let gone = || StoreError::Unavailable("gone".into());
    let is_reported = |error: TaskError| matches!(error, TaskError::Store(StoreError::Unavailable(_)));

    world.faults.fail_next(gone());
    assert!(is_reported(tasks.create(ada, draft("Another")).await.unwrap_err()));
    world.faults.fail_next(gone());
    assert!(is_reported(tasks.show(ada, made.id).await.unwrap_err()));
    world.faults.fail_next(gone());
    assert!(is_reported(tasks.complete(ada, made.id, true, None).await.unwrap_err()));
    world.faults.fail_next(gone());
    assert!(is_reported(tasks.delete(ada, made.id, None).await.unwrap_err()));
    assert_eq!(tasks.show(ada, made.id).await.unwrap(), made);
    assert_eq!(world.clock.now(), at(0));
}

#[tokio::test]
async fn health_is_one_call_of_the_store() {
    let world = World::new();
    world.services.health.database().await.unwrap();
    assert_eq!(world.faults.calls(), 1);
    world.faults.fail_next(StoreError::Unavailable("gone".into()));
    assert!(world.services.health.database().await.is_err());
}
