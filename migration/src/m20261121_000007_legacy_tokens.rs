//! Which tokens of the FastAPI backend do not count any more: all of an account's from a point in time on, or one of
//! them by its SHA-256. A denial is worth nothing after `expires_at`, by which housekeeping finds it.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000007_legacy_tokens",
    creates: &["denied_tokens"],
    postgres: Statements {
        up: &[
            "ALTER TABLE users ADD COLUMN legacy_tokens_refused_at timestamptz",
            "CREATE TABLE denied_tokens (
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT denied_tokens_pkey PRIMARY KEY (user_id, token_hash),
    CONSTRAINT denied_tokens_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT denied_tokens_token_hash_check CHECK (length(token_hash) = 32)
)",
            "CREATE INDEX denied_tokens_expires_at_idx ON denied_tokens (expires_at)",
        ],
        down: &["DROP TABLE denied_tokens", "ALTER TABLE users DROP COLUMN legacy_tokens_refused_at"],
    },
    sqlite: Statements {
        up: &[
            "ALTER TABLE users ADD COLUMN legacy_tokens_refused_at INTEGER",
            "CREATE TABLE denied_tokens (
    user_id BLOB NOT NULL,
    token_hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT denied_tokens_pkey PRIMARY KEY (user_id, token_hash),
    CONSTRAINT denied_tokens_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT denied_tokens_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT denied_tokens_token_hash_check CHECK (length(token_hash) = 32)
) STRICT, WITHOUT ROWID",
            "CREATE INDEX denied_tokens_expires_at_idx ON denied_tokens (expires_at)",
        ],
        down: &["DROP TABLE denied_tokens", "ALTER TABLE users DROP COLUMN legacy_tokens_refused_at"],
    },
};
