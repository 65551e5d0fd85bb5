//! Personal access tokens: the SHA-256 of a secret that only the token's holder has. A row is removed when the token is
//! revoked, and some time after `expires_at`, by which the sweep finds it. Scopes are names with a blank between two;
//! which ones there are is the server's to say, so that a new one needs no change here.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000015_create_personal_tokens",
    creates: &["personal_tokens"],
    postgres: Statements {
        up: &[
            "CREATE TABLE personal_tokens (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    scopes text NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    CONSTRAINT personal_tokens_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT personal_tokens_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT personal_tokens_name_check CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT personal_tokens_scopes_check CHECK (length(scopes) > 0),
    CONSTRAINT personal_tokens_token_hash_check CHECK (length(token_hash) = 32)
)",
            "CREATE INDEX personal_tokens_expires_at_idx ON personal_tokens (expires_at)",
        ],
        down: &["DROP TABLE personal_tokens"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE personal_tokens (
    user_id BLOB NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    CONSTRAINT personal_tokens_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT personal_tokens_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT personal_tokens_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT personal_tokens_id_check CHECK (length(id) = 16),
    CONSTRAINT personal_tokens_name_check CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT personal_tokens_scopes_check CHECK (length(scopes) > 0),
    CONSTRAINT personal_tokens_token_hash_check CHECK (length(token_hash) = 32)
) STRICT, WITHOUT ROWID",
            "CREATE INDEX personal_tokens_expires_at_idx ON personal_tokens (expires_at)",
        ],
        down: &["DROP TABLE personal_tokens"],
    },
};
