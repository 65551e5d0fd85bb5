//! Where instances look for the sessions that ended and the accounts that were deleted of late: each second, and over all
//! owners. Sessions that live and entries of other kinds are in neither index, so that both stay small.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000011_index_revocations",
    creates: &[],
    postgres: Statements {
        up: &[
            "CREATE INDEX sessions_revoked_idx ON sessions (revoked_at, user_id, id) WHERE revoked_at IS NOT NULL",
            "CREATE INDEX auth_events_deletions_idx ON auth_events (at, user_id) WHERE kind = 'account_deleted'",
        ],
        down: &["DROP INDEX auth_events_deletions_idx", "DROP INDEX sessions_revoked_idx"],
    },
    sqlite: Statements {
        up: &[
            "CREATE INDEX sessions_revoked_idx ON sessions (revoked_at, user_id, id) WHERE revoked_at IS NOT NULL",
            "CREATE INDEX auth_events_deletions_idx ON auth_events (at, user_id) WHERE kind = 'account_deleted'",
        ],
        down: &["DROP INDEX auth_events_deletions_idx", "DROP INDEX sessions_revoked_idx"],
    },
};
