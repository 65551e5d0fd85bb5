//! What the use cases need from the storage of tasks.

use async_trait::async_trait;
use holdfast_domain::{
    TaskId, Timestamp, UserId,
    tasks::{Description, Priority, Revision, Task, Title},
};

use super::StoreError;
use crate::Patch;

/// Which tasks of an owner. Absent members do not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskFilter {
    /// Exactly this priority.
    pub priority: Option<Priority>,
    /// Done, or not done.
    pub completed: Option<bool>,
    /// Due at this point or later; tasks without a due time do not match.
    pub due_after: Option<Timestamp>,
    /// Due before this point; tasks without a due time do not match.
    pub due_before: Option<Timestamp>,
    /// A folded text that the task's `search_text` contains, taken literally.
    pub text: Option<String>,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortBy {
    /// Time of creation.
    CreatedAt,
    /// Time of the last write.
    UpdatedAt,
    /// Due time; an absent one counts as later than every time.
    Due,
    /// Rank.
    Priority,
    /// `Title::sort_key` by code point.
    Title,
}

/// Upwards or downwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The order of a list. Ties are broken by id in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskOrder {
    /// The key.
    pub by: SortBy,
    /// Its direction.
    pub direction: Direction,
}

/// The value of a task under a sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKey {
    /// For the three times; absent only for `SortBy::Due`.
    Time(Option<Timestamp>),
    /// For `SortBy::Priority`.
    Rank(i16),
    /// For `SortBy::Title`.
    Text(String),
}

impl SortKey {
    /// The key of `task` under `by`.
    pub fn of(task: &Task, by: SortBy) -> Self {
        match by {
            SortBy::CreatedAt => Self::Time(Some(task.created_at)),
            SortBy::UpdatedAt => Self::Time(Some(task.updated_at)),
            SortBy::Due => Self::Time(task.due),
            SortBy::Priority => Self::Rank(task.priority.rank()),
            SortBy::Title => Self::Text(task.title.sort_key().to_owned()),
        }
    }
}

/// A place in an order: just behind one task, whether or not that task still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The task's key; its variant fits the order.
    pub key: SortKey,
    /// The task's id.
    pub id: TaskId,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After this many tasks.
    Offset(u64),
    /// Behind this place.
    After(Position),
}

/// One page of one owner's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskQuery {
    /// Which tasks.
    pub filter: TaskFilter,
    /// In which order.
    pub order: TaskOrder,
    /// From where.
    pub start: Start,
    /// How many at most.
    pub limit: u64,
}

/// What changes about a task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskChanges {
    /// A new title.
    pub title: Option<Title>,
    /// The description, kept, cleared or set.
    pub description: Patch<Description>,
    /// The due time, kept, cleared or set.
    pub due: Patch<Timestamp>,
    /// A new priority.
    pub priority: Option<Priority>,
    /// Done or not done.
    pub completed: Option<bool>,
}

impl TaskChanges {
    /// Carries the changes out on `task`: the revision grows by one and `updated_at` becomes `now`, even when nothing
    /// else changes.
    pub fn apply(self, task: &mut Task, now: Timestamp) {
        let Self { title, description, due, priority, completed } = self;
        if let Some(title) = title {
            task.title = title;
        }
        description.apply(&mut task.description);
        due.apply(&mut task.due);
        task.priority = priority.unwrap_or(task.priority);
        task.completed = completed.unwrap_or(task.completed);
        task.revision = task.revision.next();
        task.updated_at = now;
    }
}

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// Done; the task as it is now.
    Done(Task),
    /// The owner has no such task.
    Missing,
    /// The task has another revision than the caller expected.
    Stale,
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// Done.
    Done,
    /// The owner has no such task.
    Missing,
    /// The task has another revision than the caller expected.
    Stale,
}

/// Tasks, always of one owner.
///
/// - No call MUST ever read or write a row of another owner than the one it names, and it MUST answer for somebody
///   else's task as for a missing one.
/// - Every field MUST come back as it went in: texts of any Unicode but U+0000, times to the microsecond in the
///   years 1 to 9999, absent and empty told apart.
#[async_trait]
pub trait TaskRepository: Send + Sync {
    /// The task, if this owner has it.
    async fn find(&self, owner: UserId, id: TaskId) -> Result<Option<Task>, StoreError>;

    /// One page.
    ///
    /// - The order MUST be total: by the key, ties by id, both in the query's direction; ids compare by their bytes.
    /// - An absent due time MUST sort behind all others ascending and before them descending.
    /// - Titles MUST sort by code point, priorities by rank.
    /// - `text` MUST be found literally in `Task::search_text`, `%`, `_` and `\` included.
    /// - Pages that follow each other by position MUST show every task that is there throughout exactly once,
    ///   whatever is inserted or deleted meanwhile.
    /// - An offset past the end MUST give an empty page, however large it is.
    async fn list(&self, owner: UserId, query: &TaskQuery) -> Result<Vec<Task>, StoreError>;

    /// How many tasks match, on all pages together.
    async fn count(&self, owner: UserId, filter: &TaskFilter) -> Result<u64, StoreError>;

    /// Adds a task.
    ///
    /// - An id that the owner has already MUST be `Duplicate(Unique::Id)`; two owners MAY share an id.
    /// - An owner without an account MUST be `OwnerMissing`.
    async fn insert(&self, task: &Task) -> Result<(), StoreError>;

    /// Does what [`TaskChanges::apply`] does, in one atomic step: changes to different fields at the same time MUST
    /// all survive, and each MUST count one revision.
    ///
    /// With `expected`, only a task of that revision changes; any other MUST be `Stale`.
    async fn update(
        &self,
        owner: UserId,
        id: TaskId,
        changes: &TaskChanges,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<Updated, StoreError>;

    /// Removes a task; with `expected`, only in that revision.
    async fn delete(
        &self,
        owner: UserId,
        id: TaskId,
        expected: Option<Revision>,
    ) -> Result<Deleted, StoreError>;
}
