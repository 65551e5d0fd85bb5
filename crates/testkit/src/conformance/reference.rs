//! What lists must show, computed in plain Rust from the words of the port and not from any adapter.

use holdfast_application::domain::UserId;
use holdfast_application::{
    domain::{Timestamp, tasks::Task},
    ports::{Direction, Position, SortBy, SortKey, Start, TaskFilter, TaskOrder, TaskQuery, TaskRepository},
};

/// All orders there are.
pub(super) const ORDERS: [TaskOrder; 10] = {
    const fn up(by: SortBy) -> TaskOrder {
        TaskOrder { by, direction: Direction::Ascending }
    }
    const fn down(by: SortBy) -> TaskOrder {
        TaskOrder { by, direction: Direction::Descending }
    }
    [
        up(SortBy::CreatedAt),
        down(SortBy::CreatedAt),
        up(SortBy::UpdatedAt),
        down(SortBy::UpdatedAt),
        up(SortBy::Due),
        down(SortBy::Due),
        up(SortBy::Priority),
        down(SortBy::Priority),
        up(SortBy::Title),
        down(SortBy::Title),
    ]
};

/// More tasks than any case makes.
const ALL: u64 = 10_000;

/// The query for all tasks in the order of their creation.
pub(super) fn everything() -> TaskQuery {
    all_of(&TaskFilter::default(), ORDERS[0])
}

/// The query for all matching tasks in one page.
pub(super) fn all_of(filter: &TaskFilter, order: TaskOrder) -> TaskQuery {
    TaskQuery { filter: filter.clone(), order, start: Start::Offset(0), limit: ALL }
}

/// The matching tasks in their order.
pub(super) fn expected(tasks: &[Task], filter: &TaskFilter, order: TaskOrder) -> Vec<Task> {
    let mut tasks: Vec<Task> = tasks.iter().filter(|task| matches(task, filter)).cloned().collect();
    tasks.sort_by_cached_key(|task| {
        let latest = i64::MAX;
        let micros = |at: Timestamp| at.micros();
        let (number, text): (i64, Vec<char>) = match order.by {
            SortBy::CreatedAt => (micros(task.created_at), vec![]),
            SortBy::UpdatedAt => (micros(task.updated_at), vec![]),
            SortBy::Due => (task.due.map_or(latest, micros), vec![]),
            SortBy::Priority => (i64::from(task.priority.rank()), vec![]),
            SortBy::Title => (0, task.title.as_str().chars().take(255).collect()),
        };
        (number, text, *task.id.uuid().as_bytes())
    });
    if order.direction == Direction::Descending {
        tasks.reverse();
    }
    tasks
}

/// Whether the filter lets the task through.
pub(super) fn matches(task: &Task, filter: &TaskFilter) -> bool {
    let TaskFilter { priority, completed, due_after, due_before, text } = filter;
    if priority.is_some_and(|priority| priority != task.priority)
        || completed.is_some_and(|completed| completed != task.completed)
    {
        return false;
    }
    let in_time = match (task.due, due_after, due_before) {
        (_, None, None) => true,
        (None, _, _) => false,
        (Some(due), after, before) => {
            after.is_none_or(|after| after <= due) && before.is_none_or(|before| due < before)
        }
    };
    in_time && text.as_deref().is_none_or(|text| task.search_text().contains(text))
}

/// All matching tasks, page after page by position.
pub(super) async fn walk_by_position(
    tasks: &dyn TaskRepository,
    owner: UserId,
    filter: &TaskFilter,
    order: TaskOrder,
    limit: u64,
) -> Vec<Task> {
    let mut walked: Vec<Task> = Vec::new();
    let mut start = Start::Offset(0);
    loop {
        let query = TaskQuery { filter: filter.clone(), order, start, limit };
        let page = tasks.list(owner, &query).await.unwrap();
        assert!(page.len() as u64 <= limit, "a page of {} although {limit} were wanted", page.len());
        let Some(last) = page.last() else { return walked };
        start = Start::After(behind(last, order));
        walked.extend(page);
        assert!(walked.len() as u64 <= ALL, "the pages do not end");
    }
}

/// All matching tasks, page after page by offset.
pub(super) async fn walk_by_offset(
    tasks: &dyn TaskRepository,
    owner: UserId,
    filter: &TaskFilter,
    order: TaskOrder,
    limit: u64,
) -> Vec<Task> {
    let mut walked: Vec<Task> = Vec::new();
    loop {
        let start = Start::Offset(walked.len() as u64);
        let query = TaskQuery { filter: filter.clone(), order, start, limit };
        let page = tasks.list(owner, &query).await.unwrap();
        if page.is_empty() {
            return walked;
        }
        walked.extend(page);
        assert!(walked.len() as u64 <= ALL, "the pages do not end");
    }
}

/// The place just behind `task`.
pub(super) fn behind(task: &Task, order: TaskOrder) -> Position {
    Position { key: SortKey::of(task, order.by), id: task.id }
}
