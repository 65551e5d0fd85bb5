//! What came from the FastAPI backend: the links to other providers' accounts, and the record of the adoption.
//!
//! `adopted_users` and `adopted_tasks` say how each row of ours was when it was taken over, so that a row that changed
//! since can be told from one that did not. A user's mark is `updated_at`, which a sign-in does not move; a task's is
//! `revision`. No foreign key holds them: the mark of a row that was deleted here since tells just that.
//! Access and refresh tokens of other providers are not kept.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000005_create_linked_accounts",
    creates: &["linked_accounts", "adoptions", "adopted_users", "adopted_tasks"],
    postgres: Statements {
        up: &[
            "CREATE TABLE linked_accounts (
    user_id uuid NOT NULL,
    id text NOT NULL,
    provider_id text NOT NULL,
    account_id text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT linked_accounts_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT linked_accounts_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
)",
            "CREATE TABLE adoptions (
    id bigint NOT NULL,
    form text NOT NULL,
    adopted_at timestamptz NOT NULL,
    delta_at timestamptz,
    users bigint NOT NULL,
    tasks bigint NOT NULL,
    links bigint NOT NULL,
    placeholders bigint NOT NULL,
    CONSTRAINT adoptions_pkey PRIMARY KEY (id),
    CONSTRAINT adoptions_id_check CHECK (id = 1)
)",
            "CREATE TABLE adopted_users (
    id uuid NOT NULL,
    placeholder boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT adopted_users_pkey PRIMARY KEY (id)
)",
            "CREATE TABLE adopted_tasks (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    revision bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT adopted_tasks_pkey PRIMARY KEY (owner_id, id)
)",
        ],
        down: &[
            "DROP TABLE adopted_tasks",
            "DROP TABLE adopted_users",
            "DROP TABLE adoptions",
            "DROP TABLE linked_accounts",
        ],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE linked_accounts (
    user_id BLOB NOT NULL,
    id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT linked_accounts_pkey PRIMARY KEY (user_id, id),
    CONSTRAINT linked_accounts_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT linked_accounts_user_id_check CHECK (length(user_id) = 16)
) STRICT, WITHOUT ROWID",
            "CREATE TABLE adoptions (
    id INTEGER NOT NULL,
    form TEXT NOT NULL,
    adopted_at INTEGER NOT NULL,
    delta_at INTEGER,
    users INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    links INTEGER NOT NULL,
    placeholders INTEGER NOT NULL,
    CONSTRAINT adoptions_pkey PRIMARY KEY (id),
    CONSTRAINT adoptions_id_check CHECK (id = 1)
) STRICT",
            "CREATE TABLE adopted_users (
    id BLOB NOT NULL,
    placeholder INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT adopted_users_pkey PRIMARY KEY (id)
) STRICT, WITHOUT ROWID",
            "CREATE TABLE adopted_tasks (
    owner_id BLOB NOT NULL,
    id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT adopted_tasks_pkey PRIMARY KEY (owner_id, id)
) STRICT, WITHOUT ROWID",
        ],
        down: &[
            "DROP TABLE adopted_tasks",
            "DROP TABLE adopted_users",
            "DROP TABLE adoptions",
            "DROP TABLE linked_accounts",
        ],
    },
};
