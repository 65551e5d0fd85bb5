//! What no bug above the schema may store, besides what the tables refuse from their beginning: times that cannot be read
//! back (outside of the years 1 to 9999), nil ids, columns that contradict the one they are computed from, and texts of
//! ours that are empty or far too long.
//!
//! Everything that an adoption takes over passes: titles, descriptions, names and addresses of any length, empty and
//! padded ones, `updated_at` before `created_at`. So does every name that only a newer version knows. Order between times
//! is asked for only where one value is computed from the other: clocks of several instances differ.
//!
//! On PostgreSQL the rows that are there are looked at by the next migration. SQLite cannot add a CHECK to a table
//! without writing it anew; two triggers for each table say the same with the same names, and look at new values alone.
//! A migration that rebuilds one of these tables has to make its triggers again.
//!
//! No index makes `current_jti` unique: a token names its session, so the same id in two of them opens nothing, and an
//! index on a column that each refresh changes would make every refresh write more.

use crate::sql_migration::{SqlMigration, Statements};

pub(crate) const MIGRATION: SqlMigration = SqlMigration {
    name: "m20261121_000018_add_checks",
    creates: &[],
    postgres: Statements {
        up: &[
            "ALTER TABLE users
    ADD CONSTRAINT users_times_check CHECK (
        created_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND updated_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND last_sign_in_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND banned_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND ban_expires_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND legacy_tokens_refused_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID,
    ADD CONSTRAINT users_email_folded_check CHECK (email_folded = lower(email_folded COLLATE \"C\")) NOT VALID",
            "ALTER TABLE sessions
    ADD CONSTRAINT sessions_times_check CHECK (
        rotated_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND window_started_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND created_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND last_used_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND idle_expires_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND absolute_expires_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND revoked_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID,
    ADD CONSTRAINT sessions_tokens_check CHECK (id <> '00000000-0000-0000-0000-000000000000'
        AND current_jti <> '00000000-0000-0000-0000-000000000000' AND previous_jti <> current_jti
        AND (previous_jti IS NULL OR generation <> 1)) NOT VALID,
    ADD CONSTRAINT sessions_texts_check CHECK (key_id <> '' AND char_length(revoked_reason) BETWEEN 1 AND 64
        AND char_length(user_agent) <= 1024 AND char_length(ip_prefix) <= 64 AND char_length(device) <= 256) NOT VALID",
            "ALTER TABLE tasks
    ADD CONSTRAINT tasks_times_check CHECK (
        due_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND created_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND updated_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID,
    ADD CONSTRAINT tasks_title_prefix_check CHECK (title_sort = left(title, 255) COLLATE \"C\") NOT VALID",
            "ALTER TABLE auth_events
    ADD CONSTRAINT auth_events_times_check CHECK (
        at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID,
    ADD CONSTRAINT auth_events_names_check CHECK (id <> '00000000-0000-0000-0000-000000000000'
        AND char_length(kind) BETWEEN 1 AND 64 AND char_length(ip_prefix) <= 64
        AND char_length(user_agent) <= 1024) NOT VALID",
            "ALTER TABLE linked_accounts
    ADD CONSTRAINT linked_accounts_times_check CHECK (
        created_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND updated_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID",
            "ALTER TABLE denied_tokens
    ADD CONSTRAINT denied_tokens_times_check CHECK (
        expires_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID",
            "ALTER TABLE throttles
    ADD CONSTRAINT throttles_times_check CHECK (since BETWEEN -62135596800000000 AND 253402300799999999
        AND blocked_until BETWEEN -62135596800000000 AND 253402300799999999
        AND succeeded_at BETWEEN -62135596800000000 AND 253402300799999999
        AND expires_at BETWEEN -62135596800000000 AND 253402300799999999) NOT VALID,
    ADD CONSTRAINT throttles_order_check CHECK (expires_at >= since) NOT VALID,
    ADD CONSTRAINT throttles_network_check CHECK (char_length(network) BETWEEN 1 AND 64) NOT VALID",
            "ALTER TABLE one_time_tokens
    ADD CONSTRAINT one_time_tokens_times_check CHECK (
        created_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND expires_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND used_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID,
    ADD CONSTRAINT one_time_tokens_order_check CHECK (expires_at >= created_at) NOT VALID,
    ADD CONSTRAINT one_time_tokens_texts_check CHECK (id <> '00000000-0000-0000-0000-000000000000'
        AND email <> '') NOT VALID",
            "ALTER TABLE idempotency_keys
    ADD CONSTRAINT idempotency_keys_times_check CHECK (
        created_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID",
            "ALTER TABLE adoptions
    ADD CONSTRAINT adoptions_times_check CHECK (
        adopted_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'
        AND delta_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID,
    ADD CONSTRAINT adoptions_counts_check CHECK (form <> '' AND users >= 0 AND tasks >= 0 AND links >= 0
        AND placeholders >= 0) NOT VALID",
            "ALTER TABLE adopted_users
    ADD CONSTRAINT adopted_users_times_check CHECK (
        updated_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID",
            "ALTER TABLE adopted_tasks
    ADD CONSTRAINT adopted_tasks_times_check CHECK (
        updated_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') NOT VALID,
    ADD CONSTRAINT adopted_tasks_revision_check CHECK (revision > 0) NOT VALID",
        ],
        down: &[
            "ALTER TABLE adopted_tasks
    DROP CONSTRAINT adopted_tasks_times_check,
    DROP CONSTRAINT adopted_tasks_revision_check",
            "ALTER TABLE adopted_users
    DROP CONSTRAINT adopted_users_times_check",
            "ALTER TABLE adoptions
    DROP CONSTRAINT adoptions_times_check,
    DROP CONSTRAINT adoptions_counts_check",
            "ALTER TABLE idempotency_keys
    DROP CONSTRAINT idempotency_keys_times_check",
            "ALTER TABLE one_time_tokens
    DROP CONSTRAINT one_time_tokens_times_check,
    DROP CONSTRAINT one_time_tokens_order_check,
    DROP CONSTRAINT one_time_tokens_texts_check",
            "ALTER TABLE throttles
    DROP CONSTRAINT throttles_times_check,
    DROP CONSTRAINT throttles_order_check,
    DROP CONSTRAINT throttles_network_check",
            "ALTER TABLE denied_tokens
    DROP CONSTRAINT denied_tokens_times_check",
            "ALTER TABLE linked_accounts
    DROP CONSTRAINT linked_accounts_times_check",
            "ALTER TABLE auth_events
    DROP CONSTRAINT auth_events_times_check,
    DROP CONSTRAINT auth_events_names_check",
            "ALTER TABLE tasks
    DROP CONSTRAINT tasks_times_check,
    DROP CONSTRAINT tasks_title_prefix_check",
            "ALTER TABLE sessions
    DROP CONSTRAINT sessions_times_check,
    DROP CONSTRAINT sessions_tokens_check,
    DROP CONSTRAINT sessions_texts_check",
            "ALTER TABLE users
    DROP CONSTRAINT users_times_check,
    DROP CONSTRAINT users_email_folded_check",
        ],
    },
    sqlite: Statements {
        up: &[
            "CREATE TRIGGER users_insert_check BEFORE INSERT ON users BEGIN
    SELECT RAISE(ABORT, 'users_times_check') WHERE NOT (
        NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.last_sign_in_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.banned_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.ban_expires_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.legacy_tokens_refused_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'users_email_folded_check') WHERE NOT (NEW.email_folded = lower(NEW.email_folded));
END",
            "CREATE TRIGGER users_update_check BEFORE UPDATE OF created_at, updated_at, last_sign_in_at, banned_at,
    ban_expires_at, legacy_tokens_refused_at, email_folded ON users BEGIN
    SELECT RAISE(ABORT, 'users_times_check') WHERE NOT (
        NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.last_sign_in_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.banned_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.ban_expires_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.legacy_tokens_refused_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'users_email_folded_check') WHERE NOT (NEW.email_folded = lower(NEW.email_folded));
END",
            "CREATE TRIGGER sessions_insert_check BEFORE INSERT ON sessions BEGIN
    SELECT RAISE(ABORT, 'sessions_times_check') WHERE NOT (
        NEW.rotated_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.window_started_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.last_used_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.idle_expires_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.absolute_expires_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.revoked_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'sessions_tokens_check') WHERE NOT (NEW.id <> zeroblob(16)
        AND NEW.current_jti <> zeroblob(16) AND NEW.previous_jti <> NEW.current_jti
        AND (NEW.previous_jti IS NULL OR NEW.generation <> 1));
    SELECT RAISE(ABORT, 'sessions_texts_check') WHERE NOT (NEW.key_id <> ''
        AND length(NEW.revoked_reason) BETWEEN 1 AND 64 AND length(NEW.user_agent) <= 1024
        AND length(NEW.ip_prefix) <= 64 AND length(NEW.device) <= 256);
END",
            "CREATE TRIGGER sessions_update_check BEFORE UPDATE OF rotated_at, window_started_at, created_at, last_used_at,
    idle_expires_at, absolute_expires_at, revoked_at, id, current_jti, previous_jti, generation, key_id,
    revoked_reason, user_agent, ip_prefix, device ON sessions BEGIN
    SELECT RAISE(ABORT, 'sessions_times_check') WHERE NOT (
        NEW.rotated_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.window_started_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.last_used_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.idle_expires_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.absolute_expires_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.revoked_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'sessions_tokens_check') WHERE NOT (NEW.id <> zeroblob(16)
        AND NEW.current_jti <> zeroblob(16) AND NEW.previous_jti <> NEW.current_jti
        AND (NEW.previous_jti IS NULL OR NEW.generation <> 1));
    SELECT RAISE(ABORT, 'sessions_texts_check') WHERE NOT (NEW.key_id <> ''
        AND length(NEW.revoked_reason) BETWEEN 1 AND 64 AND length(NEW.user_agent) <= 1024
        AND length(NEW.ip_prefix) <= 64 AND length(NEW.device) <= 256);
END",
            "CREATE TRIGGER tasks_insert_check BEFORE INSERT ON tasks BEGIN
    SELECT RAISE(ABORT, 'tasks_times_check') WHERE NOT (
        NEW.due_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'tasks_title_prefix_check') WHERE NOT (instr(NEW.title, NEW.title_sort) = 1
        AND length(NEW.title_sort) = min(length(NEW.title), 255));
END",
            "CREATE TRIGGER tasks_update_check BEFORE UPDATE OF due_at, created_at, updated_at, title, title_sort ON tasks BEGIN
    SELECT RAISE(ABORT, 'tasks_times_check') WHERE NOT (
        NEW.due_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'tasks_title_prefix_check') WHERE NOT (instr(NEW.title, NEW.title_sort) = 1
        AND length(NEW.title_sort) = min(length(NEW.title), 255));
END",
            "CREATE TRIGGER auth_events_insert_check BEFORE INSERT ON auth_events BEGIN
    SELECT RAISE(ABORT, 'auth_events_times_check') WHERE NOT (
        NEW.at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'auth_events_names_check') WHERE NOT (NEW.id <> zeroblob(16)
        AND length(NEW.kind) BETWEEN 1 AND 64 AND length(NEW.ip_prefix) <= 64
        AND length(NEW.user_agent) <= 1024);
END",
            "CREATE TRIGGER auth_events_update_check BEFORE UPDATE OF at, id, kind, ip_prefix, user_agent ON auth_events BEGIN
    SELECT RAISE(ABORT, 'auth_events_times_check') WHERE NOT (
        NEW.at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'auth_events_names_check') WHERE NOT (NEW.id <> zeroblob(16)
        AND length(NEW.kind) BETWEEN 1 AND 64 AND length(NEW.ip_prefix) <= 64
        AND length(NEW.user_agent) <= 1024);
END",
            "CREATE TRIGGER linked_accounts_insert_check BEFORE INSERT ON linked_accounts BEGIN
    SELECT RAISE(ABORT, 'linked_accounts_times_check') WHERE NOT (
        NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999);
END",
            "CREATE TRIGGER linked_accounts_update_check BEFORE UPDATE OF created_at, updated_at ON linked_accounts BEGIN
    SELECT RAISE(ABORT, 'linked_accounts_times_check') WHERE NOT (
        NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999);
END",
            "CREATE TRIGGER denied_tokens_insert_check BEFORE INSERT ON denied_tokens BEGIN
    SELECT RAISE(ABORT, 'denied_tokens_times_check') WHERE NOT (
        NEW.expires_at BETWEEN -62135596800000000 AND 253402300799999999);
END",
            "CREATE TRIGGER denied_tokens_update_check BEFORE UPDATE OF expires_at ON denied_tokens BEGIN
    SELECT RAISE(ABORT, 'denied_tokens_times_check') WHERE NOT (
        NEW.expires_at BETWEEN -62135596800000000 AND 253402300799999999);
END",
            "CREATE TRIGGER throttles_insert_check BEFORE INSERT ON throttles BEGIN
    SELECT RAISE(ABORT, 'throttles_times_check') WHERE NOT (
        NEW.since BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.blocked_until BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.succeeded_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.expires_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'throttles_order_check') WHERE NOT (NEW.expires_at >= NEW.since);
    SELECT RAISE(ABORT, 'throttles_network_check') WHERE NOT (length(NEW.network) BETWEEN 1 AND 64);
END",
            "CREATE TRIGGER throttles_update_check BEFORE UPDATE OF since, blocked_until, succeeded_at, expires_at, network ON throttles BEGIN
    SELECT RAISE(ABORT, 'throttles_times_check') WHERE NOT (
        NEW.since BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.blocked_until BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.succeeded_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.expires_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'throttles_order_check') WHERE NOT (NEW.expires_at >= NEW.since);
    SELECT RAISE(ABORT, 'throttles_network_check') WHERE NOT (length(NEW.network) BETWEEN 1 AND 64);
END",
            "CREATE TRIGGER one_time_tokens_insert_check BEFORE INSERT ON one_time_tokens BEGIN
    SELECT RAISE(ABORT, 'one_time_tokens_times_check') WHERE NOT (
        NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.expires_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.used_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'one_time_tokens_order_check') WHERE NOT (NEW.expires_at >= NEW.created_at);
    SELECT RAISE(ABORT, 'one_time_tokens_texts_check') WHERE NOT (NEW.id <> zeroblob(16) AND NEW.email <> '');
END",
            "CREATE TRIGGER one_time_tokens_update_check BEFORE UPDATE OF created_at, expires_at, used_at, id, email ON one_time_tokens BEGIN
    SELECT RAISE(ABORT, 'one_time_tokens_times_check') WHERE NOT (
        NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.expires_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.used_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'one_time_tokens_order_check') WHERE NOT (NEW.expires_at >= NEW.created_at);
    SELECT RAISE(ABORT, 'one_time_tokens_texts_check') WHERE NOT (NEW.id <> zeroblob(16) AND NEW.email <> '');
END",
            "CREATE TRIGGER idempotency_keys_insert_check BEFORE INSERT ON idempotency_keys BEGIN
    SELECT RAISE(ABORT, 'idempotency_keys_times_check') WHERE NOT (
        NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999);
END",
            "CREATE TRIGGER idempotency_keys_update_check BEFORE UPDATE OF created_at ON idempotency_keys BEGIN
    SELECT RAISE(ABORT, 'idempotency_keys_times_check') WHERE NOT (
        NEW.created_at BETWEEN -62135596800000000 AND 253402300799999999);
END",
            "CREATE TRIGGER adoptions_insert_check BEFORE INSERT ON adoptions BEGIN
    SELECT RAISE(ABORT, 'adoptions_times_check') WHERE NOT (
        NEW.adopted_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.delta_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'adoptions_counts_check') WHERE NOT (NEW.form <> '' AND NEW.users >= 0
        AND NEW.tasks >= 0 AND NEW.links >= 0 AND NEW.placeholders >= 0);
END",
            "CREATE TRIGGER adoptions_update_check BEFORE UPDATE OF adopted_at, delta_at, form, users, tasks, links,
    placeholders ON adoptions BEGIN
    SELECT RAISE(ABORT, 'adoptions_times_check') WHERE NOT (
        NEW.adopted_at BETWEEN -62135596800000000 AND 253402300799999999
        AND NEW.delta_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'adoptions_counts_check') WHERE NOT (NEW.form <> '' AND NEW.users >= 0
        AND NEW.tasks >= 0 AND NEW.links >= 0 AND NEW.placeholders >= 0);
END",
            "CREATE TRIGGER adopted_users_insert_check BEFORE INSERT ON adopted_users BEGIN
    SELECT RAISE(ABORT, 'adopted_users_times_check') WHERE NOT (
        NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'adopted_users_shape_check') WHERE NOT (length(NEW.id) = 16
        AND NEW.placeholder IN (0, 1));
END",
            "CREATE TRIGGER adopted_users_update_check BEFORE UPDATE OF updated_at, id, placeholder ON adopted_users BEGIN
    SELECT RAISE(ABORT, 'adopted_users_times_check') WHERE NOT (
        NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'adopted_users_shape_check') WHERE NOT (length(NEW.id) = 16
        AND NEW.placeholder IN (0, 1));
END",
            "CREATE TRIGGER adopted_tasks_insert_check BEFORE INSERT ON adopted_tasks BEGIN
    SELECT RAISE(ABORT, 'adopted_tasks_times_check') WHERE NOT (
        NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'adopted_tasks_revision_check') WHERE NOT (NEW.revision > 0
        AND length(NEW.owner_id) = 16 AND length(NEW.id) = 16);
END",
            "CREATE TRIGGER adopted_tasks_update_check BEFORE UPDATE OF updated_at, owner_id, id, revision ON adopted_tasks BEGIN
    SELECT RAISE(ABORT, 'adopted_tasks_times_check') WHERE NOT (
        NEW.updated_at BETWEEN -62135596800000000 AND 253402300799999999);
    SELECT RAISE(ABORT, 'adopted_tasks_revision_check') WHERE NOT (NEW.revision > 0
        AND length(NEW.owner_id) = 16 AND length(NEW.id) = 16);
END",
        ],
        down: &[
            "DROP TRIGGER adopted_tasks_update_check",
            "DROP TRIGGER adopted_tasks_insert_check",
            "DROP TRIGGER adopted_users_update_check",
            "DROP TRIGGER adopted_users_insert_check",
            "DROP TRIGGER adoptions_update_check",
            "DROP TRIGGER adoptions_insert_check",
            "DROP TRIGGER idempotency_keys_update_check",
            "DROP TRIGGER idempotency_keys_insert_check",
            "DROP TRIGGER one_time_tokens_update_check",
            "DROP TRIGGER one_time_tokens_insert_check",
            "DROP TRIGGER throttles_update_check",
            "DROP TRIGGER throttles_insert_check",
            "DROP TRIGGER denied_tokens_update_check",
            "DROP TRIGGER denied_tokens_insert_check",
            "DROP TRIGGER linked_accounts_update_check",
            "DROP TRIGGER linked_accounts_insert_check",
            "DROP TRIGGER auth_events_update_check",
            "DROP TRIGGER auth_events_insert_check",
            "DROP TRIGGER tasks_update_check",
            "DROP TRIGGER tasks_insert_check",
            "DROP TRIGGER sessions_update_check",
            "DROP TRIGGER sessions_insert_check",
            "DROP TRIGGER users_update_check",
            "DROP TRIGGER users_insert_check",
        ],
    },
};
