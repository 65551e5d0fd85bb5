//! Tasks, the owner first in the primary key and in every index (docs/decisions/0004-task-indexes.md).
//!
//! `title_sort` is the first 255 code points of the title, compared by bytes on both engines; `search_text` is the
//! Unicode lower case of title and description. Both are computed by the application.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000003_create_tasks",
    creates: &["tasks"],
    postgres: Statements {
        up: &[
            "CREATE TABLE tasks (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    title_sort text COLLATE \"C\" NOT NULL,
    description text,
    search_text text NOT NULL,
    due_at timestamptz,
    priority smallint NOT NULL,
    is_completed boolean NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT tasks_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT tasks_owner_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT tasks_title_sort_check CHECK (char_length(title_sort) <= 255),
    CONSTRAINT tasks_priority_check CHECK (priority BETWEEN 0 AND 3),
    CONSTRAINT tasks_revision_check CHECK (revision > 0)
)",
            "CREATE INDEX tasks_owner_created_idx ON tasks (owner_id, created_at, id)",
            "CREATE INDEX tasks_owner_due_idx ON tasks (owner_id, due_at, id)",
        ],
        down: &["DROP TABLE tasks"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE tasks (
    owner_id BLOB NOT NULL,
    id BLOB NOT NULL,
    title TEXT NOT NULL,
    title_sort TEXT COLLATE BINARY NOT NULL,
    description TEXT,
    search_text TEXT NOT NULL,
    due_at INTEGER,
    priority INTEGER NOT NULL,
    is_completed INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT tasks_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT tasks_owner_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT tasks_owner_id_check CHECK (length(owner_id) = 16),
    CONSTRAINT tasks_id_check CHECK (length(id) = 16),
    CONSTRAINT tasks_title_sort_check CHECK (length(title_sort) <= 255),
    CONSTRAINT tasks_priority_check CHECK (priority BETWEEN 0 AND 3),
    CONSTRAINT tasks_is_completed_check CHECK (is_completed IN (0, 1)),
    CONSTRAINT tasks_revision_check CHECK (revision > 0)
) STRICT",
            "CREATE INDEX tasks_owner_created_idx ON tasks (owner_id, created_at, id)",
            "CREATE INDEX tasks_owner_due_idx ON tasks (owner_id, due_at, id)",
        ],
        down: &["DROP TABLE tasks"],
    },
};
