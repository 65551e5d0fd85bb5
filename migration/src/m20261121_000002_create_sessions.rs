//! Sessions: one row for each family of refresh tokens. Nothing that can be replayed is stored, only the ids (`jti`) of
//! the current token and its predecessor.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000002_create_sessions",
    creates: &["sessions"],
    postgres: Statements {
        up: &[
            "CREATE TABLE sessions (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    current_jti uuid NOT NULL,
    previous_jti uuid,
    generation bigint NOT NULL,
    key_id text NOT NULL,
    rotated_at timestamptz NOT NULL,
    window_started_at timestamptz NOT NULL,
    window_rotations integer NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason text,
    user_agent text,
    ip_prefix text,
    device text,
    CONSTRAINT sessions_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_generation_check CHECK (generation > 0),
    CONSTRAINT sessions_window_rotations_check CHECK (window_rotations >= 0),
    CONSTRAINT sessions_revocation_check CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
)",
            "CREATE INDEX sessions_absolute_expires_at_idx ON sessions (absolute_expires_at)",
        ],
        down: &["DROP TABLE sessions"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE sessions (
    user_id BLOB NOT NULL,
    id BLOB NOT NULL,
    current_jti BLOB NOT NULL,
    previous_jti BLOB,
    generation INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    rotated_at INTEGER NOT NULL,
    window_started_at INTEGER NOT NULL,
    window_rotations INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    absolute_expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_reason TEXT,
    user_agent TEXT,
    ip_prefix TEXT,
    device TEXT,
    CONSTRAINT sessions_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT sessions_id_check CHECK (length(id) = 16),
    CONSTRAINT sessions_current_jti_check CHECK (length(current_jti) = 16),
    CONSTRAINT sessions_previous_jti_check CHECK (length(previous_jti) = 16),
    CONSTRAINT sessions_generation_check CHECK (generation > 0),
    CONSTRAINT sessions_window_rotations_check CHECK (window_rotations >= 0),
    CONSTRAINT sessions_revocation_check CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
) STRICT, WITHOUT ROWID",
            "CREATE INDEX sessions_absolute_expires_at_idx ON sessions (absolute_expires_at)",
        ],
        down: &["DROP TABLE sessions"],
    },
};
