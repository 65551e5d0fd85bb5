//! The order in which accounts are administered: the one list that names no owner.

use crate::online::{Index, IndexMigration};

pub(crate) const MIGRATION: IndexMigration = IndexMigration {
    name: "m20261121_000008_index_users",
    indexes: &[Index { name: "users_created_idx", table: "users", columns: "(created_at, id)" }],
};
