//! Where instances look for the sessions that ended and the accounts that were deleted of late: each second, and over all
//! owners. Sessions that live and entries of other kinds are in neither index, so that both stay small.

use crate::online::{Index, IndexMigration};

pub(crate) const MIGRATION: IndexMigration = IndexMigration {
    name: "m20261121_000011_index_revocations",
    indexes: &[
        Index {
            name: "sessions_revoked_idx",
            table: "sessions",
            columns: "(revoked_at, user_id, id) WHERE revoked_at IS NOT NULL",
        },
        Index {
            name: "auth_events_deletions_idx",
            table: "auth_events",
            columns: "(at, user_id) WHERE kind = 'account_deleted'",
        },
    ],
};
