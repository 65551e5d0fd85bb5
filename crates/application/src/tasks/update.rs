//! Changing a task.

use holdfast_domain::{
    TaskId,
    tasks::{Revision, Task},
};

use super::{TaskError, Tasks};
use crate::{
    Actor,
    ports::{TaskChanges, Updated},
};

impl Tasks {
    /// Changes what `changes` names and leaves the rest. With `expected`, only that revision is changed.
    pub async fn update(
        &self,
        actor: Actor,
        id: TaskId,
        changes: &TaskChanges,
        expected: Option<Revision>,
    ) -> Result<Task, TaskError> {
        let now = self.clock.now();
        match self.store.tasks().update(actor.user, id, changes, expected, now).await? {
            Updated::Done(task) => Ok(task),
            Updated::Missing => Err(TaskError::NotFound),
            Updated::Stale => Err(TaskError::Stale),
        }
    }
}
