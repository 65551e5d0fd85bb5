//! Second factors: the sealed secret of an account's codes by time, and the period of the last code that was accepted; and the
//! hashes of its recovery codes. A row without `confirmed_at` is an enrolment that nobody has finished.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000014_create_second_factors",
    creates: &["second_factors", "recovery_codes"],
    postgres: Statements {
        up: &[
            "CREATE TABLE second_factors (
    user_id uuid NOT NULL,
    key_id text NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step bigint,
    CONSTRAINT second_factors_pkey PRIMARY KEY (user_id),
    CONSTRAINT second_factors_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT second_factors_confirmation_check CHECK ((confirmed_at IS NULL) = (last_step IS NULL))
)",
            "CREATE TABLE recovery_codes (
    user_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
    CONSTRAINT recovery_codes_factor_fkey FOREIGN KEY (user_id) REFERENCES second_factors (user_id) ON DELETE CASCADE,
    CONSTRAINT recovery_codes_code_hash_check CHECK (length(code_hash) = 32)
)",
        ],
        down: &["DROP TABLE recovery_codes", "DROP TABLE second_factors"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE second_factors (
    user_id BLOB NOT NULL,
    key_id TEXT NOT NULL,
    ciphertext BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER,
    CONSTRAINT second_factors_pkey PRIMARY KEY (user_id),
    CONSTRAINT second_factors_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT second_factors_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT second_factors_confirmation_check CHECK ((confirmed_at IS NULL) = (last_step IS NULL))
) STRICT, WITHOUT ROWID",
            "CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL,
    code_hash BLOB NOT NULL,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
    CONSTRAINT recovery_codes_factor_fkey FOREIGN KEY (user_id) REFERENCES second_factors (user_id) ON DELETE CASCADE,
    CONSTRAINT recovery_codes_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT recovery_codes_code_hash_check CHECK (length(code_hash) = 32)
) STRICT, WITHOUT ROWID",
        ],
        down: &["DROP TABLE recovery_codes", "DROP TABLE second_factors"],
    },
};
