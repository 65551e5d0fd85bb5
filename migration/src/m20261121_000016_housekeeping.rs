//! What housekeeping needs: who does it at the moment. Failed attempts at passwords tell as well how many of them have not
//! ended, so that nobody waits for a failure that is none.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000016_housekeeping",
    creates: &["leases"],
    postgres: Statements {
        up: &[
            "CREATE TABLE leases (
    name text NOT NULL,
    holder uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT leases_pkey PRIMARY KEY (name),
    CONSTRAINT leases_name_check CHECK (char_length(name) BETWEEN 1 AND 64)
)",
            "ALTER TABLE throttles ADD COLUMN pending bigint NOT NULL DEFAULT 0, \
             ADD COLUMN pending_until bigint NOT NULL DEFAULT 0",
        ],
        down: &["ALTER TABLE throttles DROP COLUMN pending_until, DROP COLUMN pending", "DROP TABLE leases"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE leases (
    name TEXT NOT NULL,
    holder BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT leases_pkey PRIMARY KEY (name),
    CONSTRAINT leases_name_check CHECK (length(name) BETWEEN 1 AND 64),
    CONSTRAINT leases_holder_check CHECK (length(holder) = 16)
) STRICT, WITHOUT ROWID",
            "ALTER TABLE throttles ADD COLUMN pending INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE throttles ADD COLUMN pending_until INTEGER NOT NULL DEFAULT 0",
        ],
        down: &[
            "ALTER TABLE throttles DROP COLUMN pending_until",
            "ALTER TABLE throttles DROP COLUMN pending",
            "DROP TABLE leases",
        ],
    },
};
