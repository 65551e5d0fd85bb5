//! Use cases of tasks, one per file. Every one takes the caller first and reaches that caller's tasks only.

mod complete;
mod create;
mod create_once;
mod delete;
mod error;
mod list;
mod show;
mod update;

use std::sync::Arc;

pub use error::TaskError;
pub use list::{ListTasks, PageStart, TaskPage};

use crate::{
    page::CursorKey,
    ports::{Clock, Ids, Store},
};

/// Tasks of the caller.
#[derive(Clone)]
pub struct Tasks {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    cursors: CursorKey,
}

impl Tasks {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        cursors: CursorKey,
    ) -> Self {
        Self { store, clock, ids, cursors }
    }
}
