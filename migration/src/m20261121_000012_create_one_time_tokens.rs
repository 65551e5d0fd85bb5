//! What proves the links in mails: the SHA-256 of a secret that is nowhere else but in the mail. Of an account's rows with
//! one purpose only the newest counts. Rows stay for a while after they were used, because they also tell how much mail
//! was sent.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000012_create_one_time_tokens",
    creates: &["one_time_tokens"],
    postgres: Statements {
        up: &[
            "CREATE TABLE one_time_tokens (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    purpose text NOT NULL,
    token_hash bytea NOT NULL,
    email text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT one_time_tokens_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT one_time_tokens_token_hash_key UNIQUE (user_id, token_hash),
    CONSTRAINT one_time_tokens_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT one_time_tokens_purpose_check CHECK (purpose IN ('reset_password', 'verify_email', 'change_email')),
    CONSTRAINT one_time_tokens_token_hash_check CHECK (length(token_hash) = 32),
    CONSTRAINT one_time_tokens_email_check CHECK ((email IS NOT NULL) = (purpose = 'change_email'))
)",
            "CREATE INDEX one_time_tokens_expires_at_idx ON one_time_tokens (expires_at)",
        ],
        down: &["DROP TABLE one_time_tokens"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE one_time_tokens (
    user_id BLOB NOT NULL,
    id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    email TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT one_time_tokens_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT one_time_tokens_token_hash_key UNIQUE (user_id, token_hash),
    CONSTRAINT one_time_tokens_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT one_time_tokens_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT one_time_tokens_id_check CHECK (length(id) = 16),
    CONSTRAINT one_time_tokens_purpose_check CHECK (purpose IN ('reset_password', 'verify_email', 'change_email')),
    CONSTRAINT one_time_tokens_token_hash_check CHECK (length(token_hash) = 32),
    CONSTRAINT one_time_tokens_email_check CHECK ((email IS NOT NULL) = (purpose = 'change_email'))
) STRICT, WITHOUT ROWID",
            "CREATE INDEX one_time_tokens_expires_at_idx ON one_time_tokens (expires_at)",
        ],
        down: &["DROP TABLE one_time_tokens"],
    },
};
