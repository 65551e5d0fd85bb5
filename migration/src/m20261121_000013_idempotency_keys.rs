//! Requests that were carried out and may be repeated: their key, what they were, and what they were answered. A row is
//! worth nothing a day after `created_at`, by which the sweep finds it.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000013_idempotency_keys",
    creates: &["idempotency_keys"],
    postgres: Statements {
        up: &[
            "CREATE TABLE idempotency_keys (
    owner_id uuid NOT NULL,
    key text COLLATE \"C\" NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    location text,
    etag text,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner_id, key),
    CONSTRAINT idempotency_keys_owner_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_fingerprint_check CHECK (length(fingerprint) = 32),
    CONSTRAINT idempotency_keys_status_check CHECK (status BETWEEN 200 AND 299)
)",
            "CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at)",
        ],
        down: &["DROP TABLE idempotency_keys"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE idempotency_keys (
    owner_id BLOB NOT NULL,
    key TEXT COLLATE BINARY NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    location TEXT,
    etag TEXT,
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner_id, key),
    CONSTRAINT idempotency_keys_owner_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT idempotency_keys_owner_id_check CHECK (length(owner_id) = 16),
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_fingerprint_check CHECK (length(fingerprint) = 32),
    CONSTRAINT idempotency_keys_status_check CHECK (status BETWEEN 200 AND 299)
) STRICT",
            "CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at)",
        ],
        down: &["DROP TABLE idempotency_keys"],
    },
};
