//! The order in which the history of one account is read, newest first.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000009_index_auth_events",
    creates: &[],
    postgres: Statements {
        up: &["CREATE INDEX auth_events_user_at_idx ON auth_events (user_id, at, id)"],
        down: &["DROP INDEX auth_events_user_at_idx"],
    },
    sqlite: Statements {
        up: &["CREATE INDEX auth_events_user_at_idx ON auth_events (user_id, at, id)"],
        down: &["DROP INDEX auth_events_user_at_idx"],
    },
};
