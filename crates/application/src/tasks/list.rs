//! Listing tasks, a page at a time.

use holdfast_domain::tasks::Task;

use super::{TaskError, Tasks};
use crate::{
    Actor,
    ports::{Position, SortKey, Start, TaskFilter, TaskOrder, TaskQuery},
};

/// Where the wanted page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// After this many tasks.
    Offset(u64),
    /// Where the page ended that this cursor came with.
    Cursor(String),
}

/// Which page of which tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTasks {
    /// Which tasks.
    pub filter: TaskFilter,
    /// In which order.
    pub order: TaskOrder,
    /// From where.
    pub start: PageStart,
    /// How many at most; the surfaces keep it between 1 and 100.
    pub limit: u64,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks in order.
    pub tasks: Vec<Task>,
    /// How many match on all pages together.
    pub total: u64,
    /// Leads to the next page; absent on the last one.
    pub next_cursor: Option<String>,
}

impl Tasks {
    /// One page of the caller's tasks and how many there are in all.
    pub async fn list(&self, actor: Actor, list: ListTasks) -> Result<TaskPage, TaskError> {
        let ListTasks { filter, order, start, limit } = list;
        let start = match start {
            PageStart::Offset(offset) => Start::Offset(offset),
            PageStart::Cursor(text) => Start::After(self.cursors.open(actor.user, &filter, order, &text)?),
        };
        // One more than wanted tells whether another page follows.
        let query = TaskQuery { filter, order, start, limit: limit.saturating_add(1) };
        let mut tasks = self.store.tasks().list(actor.user, &query).await?;
        let more = tasks.len() as u64 > limit;
        if more {
            tasks.pop();
        }
        let next_cursor = tasks.last().filter(|_| more).map(|last| {
            let position = Position { key: SortKey::of(last, order.by), id: last.id };
            self.cursors.seal(actor.user, &query.filter, order, &position)
        });
        let total = match (&query.start, more) {
            // A first page that holds everything has counted already.
            (Start::Offset(0), false) => tasks.len() as u64,
            _ => self.store.tasks().count(actor.user, &query.filter).await?,
        };
        Ok(TaskPage { tasks, total, next_cursor })
    }
}
