//! Creating a task.

use holdfast_domain::{
    TaskId,
    tasks::{Task, TaskDraft},
};

use super::{TaskError, Tasks};
use crate::Actor;

impl Tasks {
    /// Adds a task of the caller's and answers it as stored.
    pub async fn create(&self, actor: Actor, draft: TaskDraft) -> Result<Task, TaskError> {
        let task = Task::create(TaskId::new(self.ids.next()), actor.user, draft, self.clock.now());
        self.store.tasks().insert(&task).await?;
        Ok(task)
    }
}
