//! Updates and deletions of tasks.

use holdfast_application::{
    Patch,
    domain::{
        TaskId,
        tasks::{Description, Priority, Revision, Title},
    },
    ports::{Deleted, TaskChanges, Updated},
};

use super::Fresh;
use crate::{
    fixtures::{at, task},
    ids::unique,
};

fn title(text: &str) -> TaskChanges {
    TaskChanges { title: Some(Title::stored(text.to_owned())), ..TaskChanges::default() }
}

fn completed(completed: bool) -> TaskChanges {
    TaskChanges { completed: Some(completed), ..TaskChanges::default() }
}

fn description(description: Patch<Description>) -> TaskChanges {
    TaskChanges { description, ..TaskChanges::default() }
}

/// Does what [`TaskChanges::apply`] does, field by field and all together.
pub async fn an_update_does_what_the_changes_say(fresh: &Fresh) {
    let owner = fresh.member().await;
    let text = |text: &str| Description::stored(text.to_owned());
    let every = TaskChanges {
        title: Some(Title::stored("all".into())),
        description: Patch::Set(text("of")),
        due: Patch::Set(at(3)),
        priority: Some(Priority::UrgentNotImportant),
        completed: Some(true),
    };
    let wide = "\u{1f600}".repeat(300);
    let steps = [
        title("Nüw"),
        title(&wide),
        title(""),
        description(Patch::Set(text("words"))),
        description(Patch::Set(text(""))),
        description(Patch::Clear),
        description(Patch::Clear),
        TaskChanges { due: Patch::Set(at(9)), ..TaskChanges::default() },
        TaskChanges { due: Patch::Clear, ..TaskChanges::default() },
        TaskChanges { priority: Some(Priority::UrgentImportant), ..TaskChanges::default() },
        completed(true),
        completed(true),
        completed(false),
        every.clone(),
        TaskChanges { description: Patch::Clear, due: Patch::Clear, ..every },
    ];
    let mut model = task(owner).description("before").due(Some(at(1))).build();
    fresh.store.tasks().insert(&model).await.unwrap();
    let neighbour = task(owner).build();
    fresh.store.tasks().insert(&neighbour).await.unwrap();
    for (seconds, changes) in (10..).zip(steps) {
        let expected = seconds % 2 == 0;
        let expected = expected.then_some(model.revision);
        let updated = fresh.store.tasks().update(owner, model.id, &changes, expected, at(seconds)).await;
        changes.apply(&mut model, at(seconds));
        assert_eq!(updated.unwrap(), Updated::Done(model.clone()));
        let found = fresh.store.tasks().find(owner, model.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&model));
    }
    assert_eq!(fresh.store.tasks().find(owner, neighbour.id).await.unwrap(), Some(neighbour));
}

/// The revision grows by one and `updated_at` becomes `now`, even when nothing else changes.
pub async fn an_update_of_nothing_counts_a_revision(fresh: &Fresh) {
    let owner = fresh.member().await;
    let mut model = task(owner).description("").build();
    fresh.store.tasks().insert(&model).await.unwrap();
    // A clock may go back; the time is the caller's all the same.
    for now in [at(5), at(2)] {
        let nothing = TaskChanges::default();
        let updated = fresh.store.tasks().update(owner, model.id, &nothing, None, now).await.unwrap();
        nothing.apply(&mut model, now);
        assert_eq!(updated, Updated::Done(model.clone()));
    }
    assert_eq!(model.revision, Revision::new(3));
}

/// In one atomic step: changes to different fields at the same time MUST all survive, and each MUST count one
/// revision.
pub async fn disjoint_updates_at_the_same_time_all_survive(fresh: &Fresh) {
    const ROUNDS: i64 = 8;
    let owner = fresh.member().await;
    let task = task(owner).build();
    fresh.store.tasks().insert(&task).await.unwrap();
    let last = [
        title("written"),
        description(Patch::Set(Description::stored("at the same time".into()))),
        TaskChanges { due: Patch::Set(at(77)), ..TaskChanges::default() },
        TaskChanges { priority: Some(Priority::UrgentImportant), ..TaskChanges::default() },
        completed(true),
    ];
    let writers: Vec<_> = last
        .clone()
        .into_iter()
        .map(|changes| {
            let (store, id) = (fresh.store.clone(), task.id);
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    let updated = store.tasks().update(owner, id, &changes, None, at(9)).await.unwrap();
                    assert!(matches!(updated, Updated::Done(_)), "{updated:?}");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut model = task.clone();
    for changes in last {
        changes.apply(&mut model, at(9));
    }
    model.revision = Revision::new(1 + 5 * ROUNDS);
    assert_eq!(fresh.store.tasks().find(owner, task.id).await.unwrap(), Some(model));
}

/// With `expected`, only a task of that revision changes; any other MUST be `Stale`, and an absent one `Missing`.
pub async fn stale_and_missing_are_told_apart(fresh: &Fresh) {
    let owner = fresh.member().await;
    let task = task(owner).revision(5).build();
    fresh.store.tasks().insert(&task).await.unwrap();
    let tasks = fresh.store.tasks();
    let absent = TaskId::new(unique());
    for wrong in [4, 6, 0, -1, i64::MAX].map(|number| Some(Revision::new(number))) {
        let stale = tasks.update(owner, task.id, &completed(true), wrong, at(1)).await.unwrap();
        assert_eq!(stale, Updated::Stale);
        let missing = tasks.update(owner, absent, &completed(true), wrong, at(1)).await.unwrap();
        assert_eq!(missing, Updated::Missing);
    }
    assert_eq!(tasks.update(owner, absent, &completed(true), None, at(1)).await.unwrap(), Updated::Missing);
    assert_eq!(tasks.find(owner, task.id).await.unwrap().as_ref(), Some(&task));
    let done = tasks.update(owner, task.id, &completed(true), Some(task.revision), at(1)).await.unwrap();
    assert!(matches!(done, Updated::Done(_)), "{done:?}");
    let again = tasks.update(owner, task.id, &completed(true), Some(task.revision), at(1)).await.unwrap();
    assert_eq!(again, Updated::Stale);
}

/// Of many callers that expect the same revision, exactly one MUST change the task.
pub async fn one_of_many_updates_of_the_same_revision_succeeds(fresh: &Fresh) {
    let owner = fresh.member().await;
    let task = task(owner).build();
    fresh.store.tasks().insert(&task).await.unwrap();
    let callers: Vec<_> = (0..16)
        .map(|n| {
            let (store, id) = (fresh.store.clone(), task.id);
            let changes = title(&n.to_string());
            tokio::spawn(async move {
                store.tasks().update(owner, id, &changes, Some(Revision::FIRST), at(1)).await.unwrap()
            })
        })
        .collect();
    let mut done = Vec::new();
    for caller in callers {
        match caller.await.unwrap() {
            Updated::Done(task) => done.push(task),
            Updated::Stale => {}
            Updated::Missing => unreachable!("the task is there"),
        }
    }
    assert_eq!(done.len(), 1);
    assert_eq!(fresh.store.tasks().find(owner, task.id).await.unwrap(), done.pop());
}

/// Removes a task; with `expected`, only in that revision.
pub async fn a_deletion_checks_what_is_expected(fresh: &Fresh) {
    let owner = fresh.member().await;
    let (first, second) = (task(owner).revision(2).build(), task(owner).build());
    let tasks = fresh.store.tasks();
    tasks.insert(&first).await.unwrap();
    tasks.insert(&second).await.unwrap();
    assert_eq!(tasks.delete(owner, first.id, Some(Revision::FIRST)).await.unwrap(), Deleted::Stale);
    assert_eq!(tasks.find(owner, first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(tasks.delete(owner, first.id, Some(first.revision)).await.unwrap(), Deleted::Done);
    assert_eq!(tasks.find(owner, first.id).await.unwrap(), None);
    assert_eq!(tasks.delete(owner, first.id, Some(first.revision)).await.unwrap(), Deleted::Missing);
    assert_eq!(tasks.delete(owner, first.id, None).await.unwrap(), Deleted::Missing);
    assert_eq!(tasks.find(owner, second.id).await.unwrap().as_ref(), Some(&second));
    assert_eq!(tasks.delete(owner, second.id, None).await.unwrap(), Deleted::Done);
    // The id is free again.
    tasks.insert(&first).await.unwrap();
}

/// Of many callers that delete the same task, exactly one MUST be told that it did.
pub async fn one_of_many_deletions_succeeds(fresh: &Fresh) {
    let owner = fresh.member().await;
    let task = task(owner).build();
    fresh.store.tasks().insert(&task).await.unwrap();
    let callers: Vec<_> = (0..16)
        .map(|n| {
            let (store, id) = (fresh.store.clone(), task.id);
            let expected = (n % 2 == 0).then_some(Revision::FIRST);
            tokio::spawn(async move { store.tasks().delete(owner, id, expected).await.unwrap() })
        })
        .collect();
    let mut done = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Deleted::Done => done += 1,
            Deleted::Missing => {}
            Deleted::Stale => unreachable!("nobody changed the task"),
        }
    }
    assert_eq!(done, 1);
}
