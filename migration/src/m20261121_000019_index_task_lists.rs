//! What lists of tasks filter by, behind what they are ordered by: a filter is decided in the index, and a count never
//! reads a row (docs/decisions/0004-task-indexes.md).

use crate::online::{Index, IndexMigration};

pub(crate) const MIGRATION: IndexMigration = IndexMigration {
    name: "m20261121_000019_index_task_lists",
    indexes: &[
        Index {
            name: "tasks_owner_created_state_idx",
            table: "tasks",
            columns: "(owner_id, created_at, id, is_completed, priority)",
        },
        Index {
            name: "tasks_owner_due_state_idx",
            table: "tasks",
            columns: "(owner_id, due_at, id, is_completed, priority)",
        },
    ],
};
