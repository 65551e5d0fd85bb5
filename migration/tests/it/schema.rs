//! What the tables accept and what they refuse, alike on both engines.

use migration::{Engine, Migrator, MigratorTrait as _, Runner};

use crate::support::{Fixture, ROWS, on_both_engines};

on_both_engines!(
    rows_that_break_a_rule_are_refused_by_the_constraint_that_bears_its_name,
    deleting_an_account_takes_its_rows_along_but_not_its_audit_record,
    the_title_sorts_by_bytes,
    no_table_has_more_than_five_indexes_and_every_index_of_tasks_starts_with_the_owner,
    the_journal_is_the_one_that_seaorm_makes,
);

async fn filled(fixture: &Fixture) {
    Runner::new(&fixture.url).up(None).await.unwrap();
    for (_, insert) in ROWS {
        fixture.execute(insert).await.unwrap();
    }
}

async fn rows_that_break_a_rule_are_refused_by_the_constraint_that_bears_its_name(fixture: Fixture) {
    filled(&fixture).await;
    for (sql, constraint) in [
        ("UPDATE users SET role = 'root'", "users_role_check"),
        ("UPDATE users SET email_claim = 'x' WHERE id = {id:2}", "users_email_claim_check"),
        ("UPDATE users SET email_claim = email_folded", "users_email_claim"),
        ("UPDATE users SET banned_at = NULL WHERE id = {id:1}", "users_ban_check"),
        ("UPDATE users SET ban_expires_at = {at:1} WHERE id = {id:2}", "users_ban_check"),
        ("UPDATE users SET email = NULL", "email"),
        ("INSERT INTO users SELECT * FROM users", "users"),
        ("UPDATE sessions SET generation = 0", "sessions_generation_check"),
        ("UPDATE sessions SET window_rotations = -1", "sessions_window_rotations_check"),
        ("UPDATE sessions SET revoked_at = {at:1}", "sessions_revocation_check"),
        ("UPDATE sessions SET revoked_reason = 'x'", "sessions_revocation_check"),
        ("UPDATE denied_tokens SET token_hash = NULL", "token_hash"),
        ("UPDATE denied_tokens SET token_hash = substr(token_hash, 1, 31)", "denied_tokens_token_hash_check"),
        ("INSERT INTO denied_tokens SELECT * FROM denied_tokens", "denied_tokens"),
        ("UPDATE throttles SET failures = -1", "throttles_failures_check"),
        ("UPDATE throttles SET blocked_until = NULL", "blocked_until"),
        ("INSERT INTO throttles SELECT * FROM throttles", "throttles"),
        ("UPDATE idempotency_keys SET key = ''", "idempotency_keys_key_check"),
        (
            "UPDATE idempotency_keys SET fingerprint = substr(fingerprint, 2)",
            "idempotency_keys_fingerprint_check",
        ),
        ("UPDATE idempotency_keys SET status = 409", "idempotency_keys_status_check"),
        ("UPDATE idempotency_keys SET body = NULL", "body"),
        ("INSERT INTO idempotency_keys SELECT * FROM idempotency_keys", "idempotency_keys"),
        (
            "UPDATE one_time_tokens SET token_hash = substr(token_hash, 1, 31)",
            "one_time_tokens_token_hash_check",
        ),
        ("UPDATE one_time_tokens SET purpose = 'sign_in', email = NULL", "one_time_tokens_purpose_check"),
        ("UPDATE one_time_tokens SET email = NULL", "one_time_tokens_email_check"),
        ("UPDATE one_time_tokens SET purpose = 'verify_email'", "one_time_tokens_email_check"),
        ("INSERT INTO one_time_tokens SELECT * FROM one_time_tokens", "one_time_tokens"),
        ("UPDATE second_factors SET last_step = NULL", "second_factors_confirmation_check"),
        ("UPDATE second_factors SET confirmed_at = NULL", "second_factors_confirmation_check"),
        ("UPDATE second_factors SET ciphertext = NULL", "ciphertext"),
        ("INSERT INTO second_factors SELECT * FROM second_factors", "second_factors"),
        ("UPDATE recovery_codes SET code_hash = substr(code_hash, 2)", "recovery_codes_code_hash_check"),
        ("INSERT INTO recovery_codes SELECT * FROM recovery_codes", "recovery_codes"),
        ("UPDATE personal_tokens SET token_hash = substr(token_hash, 2)", "personal_tokens_token_hash_check"),
        ("UPDATE personal_tokens SET name = ''", "personal_tokens_name_check"),
        ("UPDATE personal_tokens SET scopes = ''", "personal_tokens_scopes_check"),
        ("UPDATE personal_tokens SET expires_at = NULL", "expires_at"),
        ("INSERT INTO personal_tokens SELECT * FROM personal_tokens", "personal_tokens"),
        ("UPDATE tasks SET priority = 4", "tasks_priority_check"),
        ("UPDATE tasks SET priority = -1", "tasks_priority_check"),
        ("UPDATE tasks SET revision = 0", "tasks_revision_check"),
        ("UPDATE tasks SET title = NULL", "title"),
    ] {
        let message = fixture.execute(sql).await.expect_err(sql).to_string().replace("users.", "users_");
        assert!(message.contains(constraint), "{sql}: {message}");
    }
    let long = format!("UPDATE tasks SET title = '{0}', title_sort = '{0}'", "ü".repeat(256));
    assert!(fixture.execute(&long).await.unwrap_err().to_string().contains("tasks_title_"));
    fixture.execute(&long.replace("üü'", "ü'")).await.unwrap();
    for orphan in [
        "UPDATE tasks SET owner_id = {id:9}",
        "UPDATE sessions SET user_id = {id:9}",
        "UPDATE denied_tokens SET user_id = {id:9}",
        "UPDATE one_time_tokens SET user_id = {id:9}",
        "UPDATE idempotency_keys SET owner_id = {id:9}",
        "UPDATE personal_tokens SET user_id = {id:9} WHERE user_id = {id:1}",
        "UPDATE second_factors SET user_id = {id:9}",
        "UPDATE recovery_codes SET user_id = {id:9}",
    ] {
        assert!(
            fixture.execute(orphan).await.unwrap_err().to_string().to_lowercase().contains("foreign key"),
            "{orphan}"
        );
    }
    if fixture.engine() == Engine::Sqlite {
        for (sql, constraint) in [
            ("UPDATE tasks SET id = x'00'", "tasks_id_check"),
            ("UPDATE users SET is_active = 2", "users_is_active_check"),
            ("UPDATE tasks SET is_completed = -1", "tasks_is_completed_check"),
            ("UPDATE sessions SET previous_jti = x'00'", "sessions_previous_jti_check"),
            ("UPDATE auth_events SET session_id = x'00'", "auth_events_session_id_check"),
            ("UPDATE throttles SET principal = x'00'", "throttles_principal_check"),
            ("UPDATE tasks SET created_at = '2026-11-21T00:00:00Z'", "cannot store TEXT"),
        ] {
            let message = fixture.execute(sql).await.expect_err(sql).to_string();
            assert!(message.contains(constraint), "{sql}: {message}");
        }
    }
}

async fn deleting_an_account_takes_its_rows_along_but_not_its_audit_record(fixture: Fixture) {
    filled(&fixture).await;
    fixture.execute("UPDATE auth_events SET user_id = {id:1}").await.unwrap();
    fixture.execute("DELETE FROM users WHERE id = {id:1}").await.unwrap();
    assert!(fixture.texts("SELECT title FROM tasks").await.is_empty());
    assert!(fixture.texts("SELECT key_id FROM sessions").await.is_empty());
    assert!(fixture.checksum("denied_tokens").await.starts_with('0'));
    assert!(fixture.checksum("one_time_tokens").await.starts_with('0'));
    assert!(fixture.checksum("idempotency_keys").await.starts_with('0'));
    assert!(fixture.checksum("personal_tokens").await.starts_with('1'), "the other account keeps its own");
    assert!(fixture.checksum("second_factors").await.starts_with('0'));
    assert!(fixture.checksum("recovery_codes").await.starts_with('0'));
    assert_eq!(fixture.texts("SELECT kind FROM auth_events").await, ["sign_out"]);
}

async fn the_title_sorts_by_bytes(fixture: Fixture) {
    filled(&fixture).await;
    for (title, id) in [("a", "{id:6}"), ("B", "{id:7}")] {
        let sql = format!("UPDATE tasks SET title = '{title}', title_sort = '{title}' WHERE id = {id}");
        fixture.execute(&sql).await.unwrap();
    }
    assert_eq!(fixture.texts("SELECT title_sort FROM tasks ORDER BY title_sort").await, ["B", "a"]);
}

async fn no_table_has_more_than_five_indexes_and_every_index_of_tasks_starts_with_the_owner(
    fixture: Fixture,
) {
    filled(&fixture).await;
    let first_columns = fixture
        .texts(match fixture.engine() {
            Engine::Postgres => {
                "SELECT substring(indexdef FROM '\\((\\w+)') FROM pg_indexes WHERE tablename = 'tasks'"
            }
            Engine::Sqlite => {
                "SELECT (SELECT name FROM pragma_index_info(l.name) WHERE seqno = 0) FROM pragma_index_list('tasks') l"
            }
        })
        .await;
    assert!((3..=5).contains(&first_columns.len()), "{first_columns:?}");
    assert!(first_columns.iter().all(|column| column == "owner_id"), "{first_columns:?}");
}

async fn the_journal_is_the_one_that_seaorm_makes(fixture: Fixture) {
    use sea_orm_migration::sea_orm::Database;

    Runner::new(&fixture.url).up(None).await.unwrap();
    let connection = Database::connect(fixture.url.connect_url()).await.unwrap();
    assert!(Migrator::get_pending_migrations_read_only(&connection).await.unwrap().is_empty());
    Migrator::down(&connection, None).await.unwrap();
    Migrator::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    assert!(Runner::new(&fixture.url).pending().await.unwrap().is_empty());
}
