//! Where housekeeping finds the sessions that nobody refreshed.

use crate::online::{Index, IndexMigration};

pub(crate) const MIGRATION: IndexMigration = IndexMigration {
    name: "m20261121_000017_index_idle_sessions",
    indexes: &[Index {
        name: "sessions_idle_expires_at_idx",
        table: "sessions",
        columns: "(idle_expires_at) WHERE revoked_at IS NULL",
    }],
};
