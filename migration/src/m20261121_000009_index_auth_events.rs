//! The order in which the history of one account is read, newest first.

use crate::online::{Index, IndexMigration};

pub(crate) const MIGRATION: IndexMigration = IndexMigration {
    name: "m20261121_000009_index_auth_events",
    indexes: &[Index { name: "auth_events_user_at_idx", table: "auth_events", columns: "(user_id, at, id)" }],
};
