//! Marking a task as done or not done.

use holdfast_domain::{
    TaskId,
    tasks::{Revision, Task},
};

use super::{TaskError, Tasks};
use crate::{Actor, ports::TaskChanges};

impl Tasks {
    /// Sets whether the task is done. Repeating it changes nothing but `updated_at` and the revision.
    pub async fn complete(
        &self,
        actor: Actor,
        id: TaskId,
        completed: bool,
        expected: Option<Revision>,
    ) -> Result<Task, TaskError> {
        let changes = TaskChanges { completed: Some(completed), ..TaskChanges::default() };
        self.update(actor, id, &changes, expected).await
    }
}
