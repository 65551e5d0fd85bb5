//! Looks whether the rows that are there keep the checks that were added without a look at them. An adoption refuses what
//! would not. The look takes no lock that keeps anybody from reading or writing; there is nothing to take back, and
//! nothing to do on SQLite, whose triggers look at new values alone.

use crate::online::OnlineMigration;
use crate::sql_migration::Statements;

pub(crate) const MIGRATION: OnlineMigration = OnlineMigration {
    name: "m20261121_000018_validate_checks",
    tables: &[
        "users",
        "sessions",
        "tasks",
        "auth_events",
        "linked_accounts",
        "denied_tokens",
        "throttles",
        "one_time_tokens",
        "idempotency_keys",
        "adoptions",
        "adopted_users",
        "adopted_tasks",
    ],
    postgres: Statements {
        up: &[
            "ALTER TABLE users
    VALIDATE CONSTRAINT users_times_check,
    VALIDATE CONSTRAINT users_email_folded_check",
            "ALTER TABLE sessions
    VALIDATE CONSTRAINT sessions_times_check,
    VALIDATE CONSTRAINT sessions_tokens_check,
    VALIDATE CONSTRAINT sessions_texts_check",
            "ALTER TABLE tasks
    VALIDATE CONSTRAINT tasks_times_check,
    VALIDATE CONSTRAINT tasks_title_prefix_check",
            "ALTER TABLE auth_events
    VALIDATE CONSTRAINT auth_events_times_check,
    VALIDATE CONSTRAINT auth_events_names_check",
            "ALTER TABLE linked_accounts
    VALIDATE CONSTRAINT linked_accounts_times_check",
            "ALTER TABLE denied_tokens
    VALIDATE CONSTRAINT denied_tokens_times_check",
            "ALTER TABLE throttles
    VALIDATE CONSTRAINT throttles_times_check,
    VALIDATE CONSTRAINT throttles_order_check,
    VALIDATE CONSTRAINT throttles_network_check",
            "ALTER TABLE one_time_tokens
    VALIDATE CONSTRAINT one_time_tokens_times_check,
    VALIDATE CONSTRAINT one_time_tokens_order_check,
    VALIDATE CONSTRAINT one_time_tokens_texts_check",
            "ALTER TABLE idempotency_keys
    VALIDATE CONSTRAINT idempotency_keys_times_check",
            "ALTER TABLE adoptions
    VALIDATE CONSTRAINT adoptions_times_check,
    VALIDATE CONSTRAINT adoptions_counts_check",
            "ALTER TABLE adopted_users
    VALIDATE CONSTRAINT adopted_users_times_check",
            "ALTER TABLE adopted_tasks
    VALIDATE CONSTRAINT adopted_tasks_times_check,
    VALIDATE CONSTRAINT adopted_tasks_revision_check",
        ],
        down: &[],
    },
    sqlite: Statements { up: &[], down: &[] },
};
