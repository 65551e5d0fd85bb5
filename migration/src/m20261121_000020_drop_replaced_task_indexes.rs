//! Drops the two indexes that those of the step before begin with: whoever used one of them uses its successor.

use crate::sql_migration::{SqlMigration, Statements};

const BOTH: Statements = Statements {
    up: &["DROP INDEX tasks_owner_created_idx", "DROP INDEX tasks_owner_due_idx"],
    down: &[
        "CREATE INDEX tasks_owner_created_idx ON tasks (owner_id, created_at, id)",
        "CREATE INDEX tasks_owner_due_idx ON tasks (owner_id, due_at, id)",
    ],
};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000020_drop_replaced_task_indexes",
    creates: &[],
    postgres: BOTH,
    sqlite: BOTH,
};
