//! Pages, counts and filters.

use std::collections::BTreeSet;

use holdfast_application::{
    domain::{
        TaskId, Timestamp, UserId,
        tasks::{Priority, Task},
    },
    ports::{Start, TaskFilter, TaskOrder, TaskQuery},
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{
    Fresh,
    reference::{ORDERS, all_of, behind, everything, expected, walk_by_offset, walk_by_position},
};
use crate::fixtures::{at, ends_of_time, micros, task};

async fn insert(fresh: &Fresh, tasks: &[Task]) {
    for task in tasks {
        fresh.store.tasks().insert(task).await.unwrap();
    }
}

/// An owner with tasks of every kind, many of them tied.
async fn mixture(fresh: &Fresh, count: u8) -> (UserId, Vec<Task>) {
    let owner = fresh.member().await;
    let dues = [None, Some(at(1)), Some(at(2)), Some(at(3))];
    let tasks: Vec<Task> = (0..count)
        .map(|n| {
            let steps = u64::from(n);
            task(owner)
                .title(["write", "read", "Read more"][usize::from(n % 3)])
                .due(dues[usize::from(n / 2 % 4)])
                .priority(Priority::ALL[usize::from(n / 3 % 4)])
                .completed(n % 5 < 2)
                .created_at(at(steps / 4))
                .updated_at(at(steps * 7 % 10))
                .build()
        })
        .collect();
    insert(fresh, &tasks).await;
    (owner, tasks)
}

fn filters() -> Vec<TaskFilter> {
    let bounds = [(None, None), (Some(at(2)), None), (None, Some(at(2))), (Some(at(1)), Some(at(3)))];
    let mut filters = Vec::new();
    for priority in [None].into_iter().chain(Priority::ALL.map(Some)) {
        for completed in [None, Some(true), Some(false)] {
            for (due_after, due_before) in bounds {
                for text in [None, Some("read".to_owned())] {
                    filters.push(TaskFilter { priority, completed, due_after, due_before, text });
                }
            }
        }
    }
    filters
}

/// The list MUST show what the filter says, and the count how many tasks match on all pages together.
pub async fn count_equals_list_under_every_filter(fresh: &Fresh) {
    let (owner, tasks) = mixture(fresh, 60).await;
    for (n, filter) in filters().iter().enumerate() {
        let order = ORDERS[n % ORDERS.len()];
        let expected = expected(&tasks, filter, order);
        let listed = fresh.store.tasks().list(owner, &all_of(filter, order)).await.unwrap();
        assert_eq!(listed, expected, "{filter:?}");
        let count = fresh.store.tasks().count(owner, filter).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
    }
}

/// Due at `due_after` or later and before `due_before`, to the microsecond; without a due time no bound matches.
pub async fn due_bounds_include_the_first_and_exclude_the_last(fresh: &Fresh) {
    let owner = fresh.member().await;
    let [first, last] = ends_of_time();
    let next = |at: Timestamp| micros(at.micros() + 1);
    let dues = [first, micros(-1), micros(0), at(5), next(at(5)), last];
    let mut tasks: Vec<Task> = dues.iter().map(|due| task(owner).due(Some(*due)).build()).collect();
    tasks.push(task(owner).build());
    insert(fresh, &tasks).await;
    let bounds = dues.map(Some).into_iter().chain([None]);
    for due_after in bounds.clone() {
        for due_before in bounds.clone() {
            let filter = TaskFilter { due_after, due_before, ..TaskFilter::default() };
            let expected = expected(&tasks, &filter, ORDERS[4]);
            let listed = fresh.store.tasks().list(owner, &all_of(&filter, ORDERS[4])).await.unwrap();
            assert_eq!(listed, expected, "{filter:?}");
            assert_eq!(fresh.store.tasks().count(owner, &filter).await.unwrap(), expected.len() as u64);
        }
    }
}

/// Pages that follow each other by position MUST show every task that is there throughout exactly once, whatever is
/// inserted or deleted meanwhile.
pub async fn pages_by_position_show_each_task_once_despite_writes(fresh: &Fresh) {
    for order in ORDERS {
        let (owner, tasks) = mixture(fresh, 30).await;
        let mut throughout: BTreeSet<TaskId> = tasks.iter().map(|task| task.id).collect();
        let mut shown: Vec<TaskId> = Vec::new();
        let mut start = Start::Offset(0);
        for round in 0.. {
            let query = TaskQuery { start, order, limit: 4, ..everything() };
            let page = fresh.store.tasks().list(owner, &query).await.unwrap();
            let Some(last) = page.last() else { break };
            shown.extend(page.iter().map(|task| task.id));
            start = Start::After(behind(last, order));
            // The first and the last task of the page go, and so does one that may not have been shown.
            let unseen = tasks.iter().rev().nth(round * 2).map_or(last.id, |task| task.id);
            for id in [page[0].id, last.id, unseen] {
                fresh.store.tasks().delete(owner, id, None).await.unwrap();
                throughout.remove(&id);
            }
            if round < 6 {
                insert(fresh, &[task(owner).build(), task(owner).title("read").due(Some(at(2))).build()])
                    .await;
            }
        }
        let once: BTreeSet<TaskId> = shown.iter().copied().collect();
        assert_eq!(once.len(), shown.len(), "{order:?}: a task was shown twice");
        assert!(throughout.is_subset(&once), "{order:?}: a task was not shown");
    }
}

/// A position is a place, whether or not its task still exists or ever did.
pub async fn a_position_holds_after_its_task_is_gone(fresh: &Fresh) {
    for order in ORDERS {
        let (owner, tasks) = mixture(fresh, 12).await;
        let sorted = expected(&tasks, &TaskFilter::default(), order);
        for (n, task) in sorted.iter().enumerate() {
            fresh.store.tasks().delete(owner, task.id, None).await.unwrap();
            let start = Start::After(behind(task, order));
            let query = TaskQuery { start, order, ..everything() };
            let rest = fresh.store.tasks().list(owner, &query).await.unwrap();
            assert_eq!(rest, sorted[n + 1..], "{order:?} behind number {n}");
        }
    }
}

/// An offset past the end MUST give an empty page, however large it is.
pub async fn an_offset_past_the_end_is_an_empty_page(fresh: &Fresh) {
    let (owner, tasks) = mixture(fresh, 5).await;
    let past = [5, 6, u64::from(u32::MAX), i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX];
    for order in ORDERS {
        for offset in past {
            let query = TaskQuery { start: Start::Offset(offset), order, ..everything() };
            assert_eq!(fresh.store.tasks().list(owner, &query).await.unwrap(), [], "{order:?} {offset}");
        }
        let query = TaskQuery { start: Start::Offset(4), order, ..everything() };
        let last = fresh.store.tasks().list(owner, &query).await.unwrap();
        assert_eq!(last, expected(&tasks, &TaskFilter::default(), order)[4..]);
    }
}

/// How many at most: the limit MUST hold from either start.
pub async fn a_page_has_at_most_its_limit(fresh: &Fresh) {
    let (owner, tasks) = mixture(fresh, 9).await;
    for order in ORDERS {
        let sorted = expected(&tasks, &TaskFilter::default(), order);
        for limit in [0_usize, 1, 3, 8, 9, 10, 101] {
            for (start, from) in [(Start::Offset(2), 2), (Start::After(behind(&sorted[1], order)), 2)] {
                let query = TaskQuery { start, order, limit: limit as u64, ..everything() };
                let page = fresh.store.tasks().list(owner, &query).await.unwrap();
                assert_eq!(page, sorted[from..(from + limit).min(9)], "{order:?} {limit}");
            }
        }
    }
}

/// What one generated walk is about.
#[derive(Debug, Clone)]
struct Walk {
    tasks: Vec<(u64, Sketch)>,
    filter: TaskFilter,
    order: TaskOrder,
    limit: u64,
}

/// The parts of a task that lists look at, from few values, so that ties are many.
#[derive(Debug, Clone)]
struct Sketch {
    title: &'static str,
    due: Option<Timestamp>,
    priority: Priority,
    completed: bool,
    times: (u64, u64),
}

fn some_due() -> impl Strategy<Value = Timestamp> {
    let [first, last] = ends_of_time();
    select(vec![first, micros(-1), at(0), micros(at(0).micros() + 1), at(1), last])
}

fn walks() -> impl Strategy<Value = Walk> {
    let titles = ["", "a", "A", "ab", "ä", "%", "\u{ff61}", "𝄞"];
    let priorities = Priority::ALL.to_vec();
    let sketch = (
        select(titles.to_vec()),
        option::of(some_due()),
        select(priorities.clone()),
        any::<bool>(),
        (0..3_u64, 0..3_u64),
    )
        .prop_map(|(title, due, priority, completed, times)| Sketch {
            title,
            due,
            priority,
            completed,
            times,
        });
    let text = option::weighted(0.3, select(vec!["", "a", "%", "\u{1d11e}"]));
    let filter = (
        option::weighted(0.2, select(priorities)),
        option::weighted(0.2, any::<bool>()),
        option::weighted(0.2, some_due()),
        option::weighted(0.2, some_due()),
        text,
    )
        .prop_map(|(priority, completed, due_after, due_before, text)| TaskFilter {
            priority,
            completed,
            due_after,
            due_before,
            text: text.map(str::to_owned),
        });
    (vec((any::<u64>(), sketch), 0..40), filter, select(ORDERS.to_vec()), 1..8_u64)
        .prop_map(|(tasks, filter, order, limit)| Walk { tasks, filter, order, limit })
}

async fn holds(fresh: &Fresh, walk: Walk) -> Result<(), TestCaseError> {
    let Walk { tasks, filter, order, limit } = walk;
    let owner = fresh.member().await;
    let made = (0..).zip(tasks).map(|(n, (high, sketch))| {
        let Sketch { title, due, priority, completed, times: (created, updated) } = sketch;
        let id = TaskId::new(Uuid::from_u64_pair(high, n));
        let made = task(owner).id(id).title(title).due(due).priority(priority).completed(completed);
        made.created_at(at(created)).updated_at(at(updated)).build()
    });
    let made: Vec<Task> = made.collect();
    insert(fresh, &made).await;
    let tasks = fresh.store.tasks();
    let expected = expected(&made, &filter, order);
    prop_assert_eq!(&walk_by_position(tasks, owner, &filter, order, limit).await, &expected);
    prop_assert_eq!(&walk_by_offset(tasks, owner, &filter, order, limit).await, &expected);
    prop_assert_eq!(tasks.count(owner, &filter).await.unwrap(), expected.len() as u64);
    Ok(())
}

/// Of any tasks, under any filter and in any order, pages of any size MUST put together exactly what the port says.
#[expect(clippy::unused_async, reason = "every case is async; this one waits inside the test runner")]
pub async fn any_walk_gives_the_reference_order(fresh: &Fresh) {
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 64, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let handle = Handle::current();
    let walked =
        tokio::task::block_in_place(|| runner.run(&walks(), |walk| handle.block_on(holds(fresh, walk))));
    walked.unwrap();
}
