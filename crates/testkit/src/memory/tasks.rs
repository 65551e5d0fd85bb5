//! Tasks in memory.

use std::cmp::Ordering;

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        TaskId, Timestamp, UserId,
        tasks::{Revision, Task},
    },
    ports::{
        Deleted, Direction, Position, SortKey, Start, StoreError, TaskChanges, TaskFilter, TaskOrder,
        TaskQuery, TaskRepository, Updated,
    },
};
use uuid::Uuid;

use super::{Access, Rows, tables::Tables};

#[async_trait]
impl<A: Access> TaskRepository for Rows<A> {
    async fn find(&self, owner: UserId, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.0.read(|tables| tables.tasks.get(&(owner, id)).cloned())
    }

    async fn list(&self, owner: UserId, query: &TaskQuery) -> Result<Vec<Task>, StoreError> {
        self.0.read(|tables| page(tables, owner, query))
    }

    async fn count(&self, owner: UserId, filter: &TaskFilter) -> Result<u64, StoreError> {
        self.0.read(|tables| matching(tables, owner, filter).count() as u64)
    }

    async fn insert(&self, task: &Task) -> Result<(), StoreError> {
        self.0.write(|tables| tables.insert_task(task)).await
    }

    async fn update(
        &self,
        owner: UserId,
        id: TaskId,
        changes: &TaskChanges,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        let update = |tables: &mut Tables| {
            Ok(match tables.tasks.get_mut(&(owner, id)) {
                None => Updated::Missing,
                Some(task) if expected.is_some_and(|revision| revision != task.revision) => Updated::Stale,
                Some(task) => {
                    changes.clone().apply(task, now);
                    Updated::Done(task.clone())
                }
            })
        };
        self.0.write(update).await
    }

    async fn delete(
        &self,
        owner: UserId,
        id: TaskId,
        expected: Option<Revision>,
    ) -> Result<Deleted, StoreError> {
        let delete = |tables: &mut Tables| {
            Ok(match tables.tasks.get(&(owner, id)) {
                None => Deleted::Missing,
                Some(task) if expected.is_some_and(|revision| revision != task.revision) => Deleted::Stale,
                Some(_) => {
                    tables.tasks.remove(&(owner, id));
                    Deleted::Done
                }
            })
        };
        self.0.write(delete).await
    }
}

fn page(tables: &Tables, owner: UserId, query: &TaskQuery) -> Vec<Task> {
    let TaskQuery { filter, order, start, limit } = query;
    let mut tasks: Vec<(Position, &Task)> =
        matching(tables, owner, filter).map(|task| (place(task, *order), task)).collect();
    tasks.sort_by(|(a, _), (b, _)| compare(a, b, order.direction));
    let skipped = match start {
        Start::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Start::After(position) => {
            tasks.partition_point(|(at, _)| compare(at, position, order.direction) != Ordering::Greater)
        }
    };
    let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
    tasks.into_iter().skip(skipped).take(limit).map(|(_, task)| task.clone()).collect()
}

fn matching<'a>(
    tables: &'a Tables,
    owner: UserId,
    filter: &'a TaskFilter,
) -> impl Iterator<Item = &'a Task> + use<'a> {
    let TaskFilter { priority, completed, due_after, due_before, text } = filter;
    let first = TaskId::new(Uuid::nil());
    let last = TaskId::new(Uuid::max());
    let own = tables.tasks.range((owner, first)..=(owner, last)).map(|(_, task)| task);
    own.filter(move |task| {
        priority.is_none_or(|priority| task.priority == priority)
            && completed.is_none_or(|completed| task.completed == completed)
            && due_after.is_none_or(|bound| task.due.is_some_and(|due| due >= bound))
            && due_before.is_none_or(|bound| task.due.is_some_and(|due| due < bound))
            && text.as_ref().is_none_or(|text| task.search_text().contains(text.as_str()))
    })
}

fn place(task: &Task, order: TaskOrder) -> Position {
    Position { key: SortKey::of(task, order.by), id: task.id }
}

fn compare(a: &Position, b: &Position, direction: Direction) -> Ordering {
    let keys = match (&a.key, &b.key) {
        (SortKey::Time(a), SortKey::Time(b)) => match (a, b) {
            (Some(a), Some(b)) => a.cmp(b),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        },
        (SortKey::Rank(a), SortKey::Rank(b)) => a.cmp(b),
        (SortKey::Text(a), SortKey::Text(b)) => a.cmp(b),
        (a, b) => unreachable!("the keys {a:?} and {b:?} belong to different orders"),
    };
    let upwards = keys.then(a.id.cmp(&b.id));
    match direction {
        Direction::Ascending => upwards,
        Direction::Descending => upwards.reverse(),
    }
}
