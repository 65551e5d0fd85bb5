//! The audit trail of accounts and sessions, which the instances also poll for revocations. There is no foreign key: the
//! record outlives the account.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000004_create_auth_events",
    creates: &["auth_events"],
    postgres: Statements {
        up: &[
            "CREATE TABLE auth_events (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    session_id uuid,
    ip_prefix text,
    user_agent text,
    CONSTRAINT auth_events_pkey PRIMARY KEY (user_id, id)
)",
            "CREATE INDEX auth_events_at_idx ON auth_events (at, id)",
        ],
        down: &["DROP TABLE auth_events"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE auth_events (
    user_id BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    session_id BLOB,
    ip_prefix TEXT,
    user_agent TEXT,
    CONSTRAINT auth_events_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT auth_events_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT auth_events_id_check CHECK (length(id) = 16),
    CONSTRAINT auth_events_session_id_check CHECK (length(session_id) = 16)
) STRICT, WITHOUT ROWID",
            "CREATE INDEX auth_events_at_idx ON auth_events (at, id)",
        ],
        down: &["DROP TABLE auth_events"],
    },
};
