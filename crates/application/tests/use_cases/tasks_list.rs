//! Lists of tasks, their totals and their cursors.

use holdfast_application::{
    Actor, Classify, ErrorKind,
    domain::{
        TaskId,
        tasks::{Priority, Task},
    },
    ports::{Direction, Repositories as _, SortBy, TaskFilter, TaskOrder},
    tasks::{ListTasks, PageStart, TaskError, TaskPage},
};
use holdfast_testkit::fixtures::{at, task};

use crate::world::{ADA, World};

const NEWEST: TaskOrder = TaskOrder { by: SortBy::CreatedAt, direction: Direction::Descending };

fn first_page(limit: u64) -> ListTasks {
    ListTasks { filter: TaskFilter::default(), order: NEWEST, start: PageStart::Offset(0), limit }
}

fn after(cursor: &str, list: &ListTasks) -> ListTasks {
    ListTasks { start: PageStart::Cursor(cursor.to_owned()), ..list.clone() }
}

async fn list(world: &World, actor: Actor, list: &ListTasks) -> Result<TaskPage, TaskError> {
    world.services.tasks.list(actor, list.clone()).await
}

/// Ada with so many tasks, newest first, every third one urgent and important.
async fn ada_with(world: &World, count: u64) -> (Actor, Vec<Task>) {
    let ada = world.actor(&world.sign_up(ADA).await).await;
    let mut tasks = Vec::new();
    for n in (0..count).rev() {
        let priority = if n % 3 == 0 { Priority::UrgentImportant } else { Priority::UrgentNotImportant };
        let task = task(ada.user).title(&format!("Task {n}")).priority(priority).created_at(at(n)).build();
        world.rows.tasks().insert(&task).await.unwrap();
        tasks.push(task);
    }
    (ada, tasks)
}

#[tokio::test]
async fn cursors_lead_through_all_pages_and_the_total_stays() {
    for count in [0, 1, 4, 5, 6, 12] {
        let world = World::new();
        let (ada, tasks) = ada_with(&world, count).await;
        let wish = first_page(5);
        let (mut walked, mut page) = (Vec::new(), list(&world, ada, &wish).await.unwrap());
        loop {
            assert_eq!(page.total, count);
            walked.extend(page.tasks);
            let Some(cursor) = page.next_cursor else { break };
            assert!((walked.len() as u64) < count, "a cursor leads nowhere");
            page = list(&world, ada, &after(&cursor, &wish)).await.unwrap();
        }
        assert_eq!(walked, tasks);
    }
}

#[tokio::test]
async fn an_offset_skips_and_the_total_counts_all_the_same() {
    let world = World::new();
    let (ada, tasks) = ada_with(&world, 7).await;
    for (offset, more) in [(0, true), (2, true), (4, false), (6, false), (7, false), (u64::MAX, false)] {
        let wish = ListTasks { start: PageStart::Offset(offset), ..first_page(3) };
        let page = list(&world, ada, &wish).await.unwrap();
        let skipped = tasks.iter().skip(usize::try_from(offset).unwrap()).take(3);
        assert_eq!(page.tasks, skipped.cloned().collect::<Vec<_>>(), "{offset}");
        assert_eq!((page.total, page.next_cursor.is_some()), (7, more), "{offset}");
    }
}

#[tokio::test]
async fn a_filter_narrows_page_and_total() {
    let world = World::new();
    let (ada, tasks) = ada_with(&world, 10).await;
    let filter = TaskFilter { priority: Some(Priority::UrgentImportant), ..TaskFilter::default() };
    let wish = ListTasks { filter, ..first_page(3) };
    let page = list(&world, ada, &wish).await.unwrap();
    let matching: Vec<Task> =
        tasks.into_iter().filter(|task| task.priority == Priority::UrgentImportant).collect();
    assert_eq!((page.total, page.tasks), (4, matching[..3].to_vec()));
    let rest = list(&world, ada, &after(&page.next_cursor.unwrap(), &wish)).await.unwrap();
    assert_eq!((rest.total, rest.tasks, rest.next_cursor), (4, matching[3..].to_vec(), None));
}

#[tokio::test]
async fn a_list_shows_its_owners_tasks_alone() {
    let world = World::new();
    ada_with(&world, 3).await;
    let bob = world.actor(&world.sign_up("bob@example.com").await).await;
    let page = list(&world, bob, &first_page(10)).await.unwrap();
    assert_eq!(page, TaskPage { tasks: vec![], total: 0, next_cursor: None });
}

#[tokio::test]
async fn a_cursor_is_refused_for_another_owner_filter_or_order() {
    let world = World::new();
    let (ada, _) = ada_with(&world, 6).await;
    let bob = world.actor(&world.sign_up("bob@example.com").await).await;
    let wish = first_page(2);
    let cursor = list(&world, ada, &wish).await.unwrap().next_cursor.unwrap();
    let good = after(&cursor, &wish);
    assert!(list(&world, ada, &good).await.is_ok());
    // The size of the page is the caller's to change.
    assert!(list(&world, ada, &ListTasks { limit: 4, ..good.clone() }).await.is_ok());

    let filter = TaskFilter { completed: Some(false), ..TaskFilter::default() };
    let upwards = TaskOrder { direction: Direction::Ascending, ..NEWEST };
    let by_title = TaskOrder { by: SortBy::Title, ..NEWEST };
    for (actor, wish) in [
        (bob, good.clone()),
        (ada, ListTasks { filter, ..good.clone() }),
        (ada, ListTasks { order: upwards, ..good.clone() }),
        (ada, ListTasks { order: by_title, ..good.clone() }),
        (ada, after("", &wish)),
        (ada, after("garbage", &wish)),
        (ada, after(&cursor[1..], &wish)),
        (ada, after(&format!("{cursor}A"), &wish)),
    ] {
        let refused = list(&world, actor, &wish).await.unwrap_err();
        assert!(matches!(refused, TaskError::Cursor(_)), "{wish:?}: {refused:?}");
        assert_eq!(refused.kind(), ErrorKind::Malformed);
    }
}

#[tokio::test]
async fn a_cursor_survives_the_deletion_of_its_task() {
    let world = World::new();
    let (ada, tasks) = ada_with(&world, 6).await;
    let wish = first_page(2);
    let cursor = list(&world, ada, &wish).await.unwrap().next_cursor.unwrap();
    world.services.tasks.delete(ada, tasks[1].id, None).await.unwrap();
    let page = list(&world, ada, &after(&cursor, &wish)).await.unwrap();
    assert_eq!((page.tasks, page.total), (tasks[2..4].to_vec(), 5));
}

#[tokio::test]
async fn a_first_page_that_holds_everything_costs_one_call() {
    let world = World::new();
    let (ada, _) = ada_with(&world, 3).await;
    let before = world.faults.calls();
    assert_eq!(list(&world, ada, &first_page(3)).await.unwrap().total, 3);
    assert_eq!(world.faults.calls(), before + 1);
    assert_eq!(list(&world, ada, &first_page(2)).await.unwrap().total, 3);
    assert_eq!(world.faults.calls(), before + 3);
}

#[tokio::test]
async fn ties_in_any_order_are_walked_without_loss() {
    let world = World::new();
    let ada = world.actor(&world.sign_up(ADA).await).await;
    let mut ids: Vec<TaskId> = Vec::new();
    for n in 0..9_u64 {
        let due = (n % 3 != 0).then(|| at(1));
        let task = task(ada.user).due(due).build();
        world.rows.tasks().insert(&task).await.unwrap();
        ids.push(task.id);
    }
    ids.sort();
    for by in [SortBy::CreatedAt, SortBy::UpdatedAt, SortBy::Due, SortBy::Priority, SortBy::Title] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let wish = ListTasks { order: TaskOrder { by, direction }, ..first_page(2) };
            let (mut walked, mut page) = (Vec::new(), list(&world, ada, &wish).await.unwrap());
            loop {
                walked.extend(page.tasks.iter().map(|task| task.id));
                let Some(cursor) = page.next_cursor else { break };
                page = list(&world, ada, &after(&cursor, &wish)).await.unwrap();
            }
            walked.sort();
            assert_eq!(walked, ids, "{by:?} {direction:?}");
        }
    }
}
