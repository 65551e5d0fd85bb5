//! The order in which accounts are administered: the one list that names no owner.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000008_index_users",
    creates: &[],
    postgres: Statements {
        up: &["CREATE INDEX users_created_idx ON users (created_at, id)"],
        down: &["DROP INDEX users_created_idx"],
    },
    sqlite: Statements {
        up: &["CREATE INDEX users_created_idx ON users (created_at, id)"],
        down: &["DROP INDEX users_created_idx"],
    },
};
