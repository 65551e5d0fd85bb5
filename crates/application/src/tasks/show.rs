//! Reading one task.

use holdfast_domain::{TaskId, tasks::Task};

use super::{TaskError, Tasks};
use crate::Actor;

impl Tasks {
    /// The caller's task with this id.
    pub async fn show(&self, actor: Actor, id: TaskId) -> Result<Task, TaskError> {
        self.store.tasks().find(actor.user, id).await?.ok_or(TaskError::NotFound)
    }
}
