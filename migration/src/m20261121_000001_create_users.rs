//! Accounts.
//!
//! `email` is kept as typed; `email_folded` is its Unicode lower case, computed by the application so that both engines
//! agree. `email_claim` equals it for the account that owns the address, and is NULL only for an adopted account that
//! differs from an older one in case alone.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000001_create_users",
    creates: &["users"],
    postgres: Statements {
        up: &[
            "CREATE TABLE users (
    id uuid NOT NULL,
    email text NOT NULL,
    email_folded text NOT NULL,
    email_claim text,
    name text,
    password_hash text,
    role text NOT NULL,
    is_active boolean NOT NULL,
    email_verified boolean NOT NULL,
    image text,
    banned_at timestamptz,
    ban_reason text,
    ban_expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_sign_in_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_claim_key UNIQUE (email_claim),
    CONSTRAINT users_email_claim_check CHECK (email_claim = email_folded),
    CONSTRAINT users_role_check CHECK (role IN ('user', 'admin')),
    CONSTRAINT users_ban_check CHECK (banned_at IS NOT NULL OR (ban_reason IS NULL AND ban_expires_at IS NULL))
)",
            "CREATE INDEX users_email_folded_idx ON users (email_folded)",
        ],
        down: &["DROP TABLE users"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE users (
    id BLOB NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    email_claim TEXT,
    name TEXT,
    password_hash TEXT,
    role TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    email_verified INTEGER NOT NULL,
    image TEXT,
    banned_at INTEGER,
    ban_reason TEXT,
    ban_expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_sign_in_at INTEGER,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_id_check CHECK (length(id) = 16),
    CONSTRAINT users_email_claim_check CHECK (email_claim = email_folded),
    CONSTRAINT users_role_check CHECK (role IN ('user', 'admin')),
    CONSTRAINT users_is_active_check CHECK (is_active IN (0, 1)),
    CONSTRAINT users_email_verified_check CHECK (email_verified IN (0, 1)),
    CONSTRAINT users_ban_check CHECK (banned_at IS NOT NULL OR (ban_reason IS NULL AND ban_expires_at IS NULL))
) STRICT",
            "CREATE UNIQUE INDEX users_email_claim_key ON users (email_claim)",
            "CREATE INDEX users_email_folded_idx ON users (email_folded)",
        ],
        down: &["DROP TABLE users"],
    },
};
