//! Removing a task.

use holdfast_domain::{TaskId, tasks::Revision};

use super::{TaskError, Tasks};
use crate::{Actor, ports::Deleted};

impl Tasks {
    /// Removes the caller's task for good. With `expected`, only in that revision.
    pub async fn delete(
        &self,
        actor: Actor,
        id: TaskId,
        expected: Option<Revision>,
    ) -> Result<(), TaskError> {
        match self.store.tasks().delete(actor.user, id, expected).await? {
            Deleted::Done => Ok(()),
            Deleted::Missing => Err(TaskError::NotFound),
            Deleted::Stale => Err(TaskError::Stale),
        }
    }
}
