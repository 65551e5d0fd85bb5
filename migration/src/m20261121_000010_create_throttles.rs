//! Failed attempts at passwords: one row for each principal (an account, or a keyed digest of an address that no account
//! has) and network, and one with the network `*` for all networks together that are not known. Times are microseconds on
//! both engines, because the database computes with them. There is no foreign key: not every principal is an account.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000010_create_throttles",
    creates: &["throttles"],
    postgres: Statements {
        up: &[
            "CREATE TABLE throttles (
    principal uuid NOT NULL,
    network text NOT NULL,
    failures bigint NOT NULL,
    since bigint NOT NULL,
    blocked_until bigint NOT NULL,
    succeeded_at bigint,
    expires_at bigint NOT NULL,
    CONSTRAINT throttles_pkey PRIMARY KEY (principal, network),
    CONSTRAINT throttles_failures_check CHECK (failures >= 0)
)",
            "CREATE INDEX throttles_expires_at_idx ON throttles (expires_at)",
        ],
        down: &["DROP TABLE throttles"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE throttles (
    principal BLOB NOT NULL,
    network TEXT NOT NULL,
    failures INTEGER NOT NULL,
    since INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL,
    succeeded_at INTEGER,
    expires_at INTEGER NOT NULL,
    CONSTRAINT throttles_pkey PRIMARY KEY (principal, network),
    CONSTRAINT throttles_principal_check CHECK (length(principal) = 16),
    CONSTRAINT throttles_failures_check CHECK (failures >= 0)
) STRICT, WITHOUT ROWID",
            "CREATE INDEX throttles_expires_at_idx ON throttles (expires_at)",
        ],
        down: &["DROP TABLE throttles"],
    },
};
