//! Nonsense, written straight into the tables: each kind is refused by the constraint that bears its name, alike on both
//! engines, and what an adoption may bring along is not.

use migration::{Engine, Runner};

use crate::support::{Fixture, ROWS, on_both_engines};

on_both_engines!(
    times_that_could_not_be_read_back_are_refused,
    times_at_the_ends_of_what_can_be_read_are_kept,
    nonsense_is_refused_by_the_constraint_that_bears_its_name,
    what_an_adoption_brings_along_is_kept,
    a_failed_check_leaves_the_row_as_it_was,
);

/// A nil UUID in either engine's spelling.
fn nil(fixture: &Fixture) -> &'static str {
    match fixture.engine() {
        Engine::Postgres => "'00000000-0000-0000-0000-000000000000'",
        Engine::Sqlite => "zeroblob(16)",
    }
}

/// The first and the last time that can be read, and their neighbours that cannot.
struct Ends {
    readable: [&'static str; 2],
    unreadable: [&'static str; 2],
}

const MICROS: Ends = Ends {
    readable: ["-62135596800000000", "253402300799999999"],
    unreadable: ["-62135596800000001", "253402300800000000"],
};

const INSTANTS: Ends = Ends {
    readable: ["'0001-01-01T00:00:00Z'", "'9999-12-31T23:59:59.999999Z'"],
    unreadable: ["'0001-12-31T23:59:59.999999Z BC'", "'infinity'"],
};

const TIMES: [(&str, &[&str]); 11] = [
    (
        "users",
        &[
            "created_at",
            "updated_at",
            "last_sign_in_at",
            "banned_at",
            "ban_expires_at",
            "legacy_tokens_refused_at",
        ],
    ),
    (
        "sessions",
        &[
            "rotated_at",
            "window_started_at",
            "created_at",
            "last_used_at",
            "idle_expires_at",
            "absolute_expires_at",
            "revoked_at",
        ],
    ),
    ("tasks", &["due_at", "created_at", "updated_at"]),
    ("auth_events", &["at"]),
    ("linked_accounts", &["created_at", "updated_at"]),
    ("denied_tokens", &["expires_at"]),
    ("throttles", &["since", "blocked_until", "succeeded_at", "expires_at"]),
    ("one_time_tokens", &["created_at", "expires_at", "used_at"]),
    ("idempotency_keys", &["created_at"]),
    ("adopted_users", &["updated_at"]),
    ("adopted_tasks", &["updated_at"]),
];

async fn filled(fixture: &Fixture) {
    Runner::new(&fixture.url).up(None).await.unwrap();
    for (_, insert) in ROWS {
        fixture.execute(insert).await.unwrap();
    }
    // So that a time may be set that needs another column beside it.
    fixture.execute("UPDATE sessions SET revoked_at = {at:5}, revoked_reason = 'banned'").await.unwrap();
    fixture.execute("UPDATE users SET banned_at = {at:5}").await.unwrap();
}

fn ends(fixture: &Fixture, table: &str) -> &'static Ends {
    if fixture.engine() == Engine::Sqlite || table == "throttles" { &MICROS } else { &INSTANTS }
}

async fn refusal(fixture: &Fixture, sql: &str) -> String {
    fixture.execute(sql).await.expect_err(sql).to_string()
}

async fn times_that_could_not_be_read_back_are_refused(fixture: Fixture) {
    filled(&fixture).await;
    for (table, columns) in TIMES {
        for column in columns {
            for time in ends(&fixture, table).unreadable {
                let sql = format!("UPDATE {table} SET {column} = {time}");
                let message = refusal(&fixture, &sql).await;
                // An end of time is out of order as well, and either may be told.
                let refused = ["times", "order"].map(|check| format!("{table}_{check}_check"));
                assert!(refused.iter().any(|check| message.contains(check)), "{sql}: {message}");
            }
        }
    }
}

async fn times_at_the_ends_of_what_can_be_read_are_kept(fixture: Fixture) {
    filled(&fixture).await;
    for (table, columns) in TIMES {
        for column in columns {
            // The order of two times is another constraint's matter.
            let ordered = matches!(
                (table, *column),
                ("throttles", "since" | "expires_at") | ("one_time_tokens", "created_at" | "expires_at")
            );
            for (end, time) in ends(&fixture, table).readable.into_iter().enumerate() {
                let beside_the_other = ordered && (*column == "expires_at") == (end == 0);
                if !beside_the_other {
                    fixture.execute(&format!("UPDATE {table} SET {column} = {time}")).await.unwrap();
                }
            }
        }
    }
}

async fn nonsense_is_refused_by_the_constraint_that_bears_its_name(fixture: Fixture) {
    filled(&fixture).await;
    let long = |length: usize| format!("'{}'", "x".repeat(length));
    for (table, change, constraint) in [
        ("users", "email_folded = 'Ärger@x.DE', email_claim = NULL".to_owned(), "email_folded"),
        ("sessions", format!("id = {}", nil(&fixture)), "tokens"),
        ("sessions", format!("current_jti = {}", nil(&fixture)), "tokens"),
        ("sessions", "previous_jti = current_jti".to_owned(), "tokens"),
        ("sessions", "generation = 1".to_owned(), "tokens"),
        ("sessions", "key_id = ''".to_owned(), "texts"),
        ("sessions", "revoked_reason = ''".to_owned(), "texts"),
        ("sessions", format!("revoked_reason = {}", long(65)), "texts"),
        ("sessions", format!("user_agent = {}", long(1_025)), "texts"),
        ("sessions", format!("ip_prefix = {}", long(65)), "texts"),
        ("sessions", format!("device = {}", long(257)), "texts"),
        ("tasks", "title_sort = title_sort || 'x'".to_owned(), "title_prefix"),
        ("tasks", "title_sort = 'Ö' WHERE title <> ''".to_owned(), "title_prefix"),
        ("tasks", "title = 'x' || title".to_owned(), "title_prefix"),
        ("auth_events", format!("id = {}", nil(&fixture)), "names"),
        ("auth_events", "kind = ''".to_owned(), "names"),
        ("auth_events", format!("kind = {}", long(65)), "names"),
        ("auth_events", format!("ip_prefix = {}", long(65)), "names"),
        ("auth_events", format!("user_agent = {}", long(1_025)), "names"),
        ("throttles", "expires_at = since - 1".to_owned(), "order"),
        ("throttles", "network = '' WHERE network = '*'".to_owned(), "network"),
        ("throttles", format!("network = {} WHERE network = '*'", long(65)), "network"),
        ("one_time_tokens", "expires_at = {at:2}".to_owned(), "order"),
        ("one_time_tokens", format!("id = {}", nil(&fixture)), "texts"),
        ("one_time_tokens", "email = ''".to_owned(), "texts"),
        ("adopted_tasks", "revision = 0".to_owned(), "revision"),
    ] {
        let sql = format!("UPDATE {table} SET {change}");
        let message = refusal(&fixture, &sql).await;
        assert!(message.contains(&format!("{table}_{constraint}_check")), "{sql}: {message}");
    }
    for change in ["form = ''", "users = -1", "tasks = -1", "links = -1", "placeholders = -1"] {
        let (column, value) = change.split_once(" = ").unwrap();
        let counts = ["form", "users", "tasks", "links", "placeholders"];
        let values = counts.map(|count| match count {
            count if count == column => value,
            "form" => "'b'",
            _ => "0",
        });
        let sql = format!(
            "INSERT INTO adoptions (id, adopted_at, form, users, tasks, links, placeholders) VALUES (1, {{at:1}}, {})",
            values.join(", ")
        );
        let message = refusal(&fixture, &sql).await;
        assert!(message.contains("adoptions_counts_check"), "{sql}: {message}");
    }
    if fixture.engine() == Engine::Sqlite {
        // What PostgreSQL's types refuse by themselves.
        for (sql, refused_by) in [
            ("UPDATE adopted_users SET id = x'00' WHERE placeholder = 0", "adopted_users_shape_check"),
            ("UPDATE adopted_users SET placeholder = 2", "adopted_users_shape_check"),
            ("UPDATE adopted_tasks SET owner_id = x'00'", "adopted_tasks_revision_check"),
            ("UPDATE sessions SET generation = 'two'", "cannot store TEXT"),
            ("UPDATE users SET role = x'00'", "cannot store BLOB"),
        ] {
            let message = refusal(&fixture, sql).await;
            assert!(message.contains(refused_by), "{sql}: {message}");
        }
    }
}

async fn what_an_adoption_brings_along_is_kept(fixture: Fixture) {
    filled(&fixture).await;
    let title = format!("  {}", "ü".repeat(70_000));
    let sort = title.chars().take(255).collect::<String>();
    for change in [
        "tasks SET updated_at = {at:0}".to_owned(),
        "tasks SET title = '', title_sort = '', search_text = ''".to_owned(),
        format!("tasks SET title = '{title}', title_sort = '{sort}', description = '{title}'"),
        "users SET email = '', email_folded = '', email_claim = NULL, name = ''".to_owned(),
        format!("users SET name = '{title}', image = '{title}', password_hash = ''"),
        "users SET ban_expires_at = {at:1}, banned_at = {at:5}, updated_at = {at:0}".to_owned(),
        "linked_accounts SET id = '', provider_id = '', account_id = '', updated_at = {at:0}".to_owned(),
        // Of a newer version.
        "sessions SET revoked_reason = 'whim'".to_owned(),
        "auth_events SET kind = 'whim'".to_owned(),
    ] {
        let kept = fixture.execute(&format!("UPDATE {change}")).await;
        kept.unwrap_or_else(|error| panic!("{change:.80}: {error}"));
    }
    if fixture.engine() == Engine::Sqlite {
        let nul = "UPDATE tasks SET title = 'a' || char(0) || 'b', title_sort = 'a' || char(0) || 'b'";
        fixture.execute(nul).await.unwrap();
        let nul =
            "UPDATE users SET email = 'A' || char(0), email_folded = 'a' || char(0), email_claim = NULL";
        fixture.execute(nul).await.unwrap();
    }
}

async fn a_failed_check_leaves_the_row_as_it_was(fixture: Fixture) {
    filled(&fixture).await;
    let before = fixture.checksum("tasks").await;
    // Right for the task without a title, and wrong for the other.
    refusal(&fixture, "UPDATE tasks SET title_sort = ''").await;
    assert_eq!(fixture.checksum("tasks").await, before);
}

#[tokio::test]
async fn on_sqlite_a_change_of_something_else_is_not_held_up_by_a_row_from_before() {
    let fixture = crate::support::sqlite();
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    runner.down_to("m20261121_000017", false).await.unwrap();
    for (_, insert) in ROWS {
        fixture.execute(insert).await.unwrap();
    }
    fixture.execute("UPDATE tasks SET title_sort = '?'").await.unwrap();
    runner.up(None).await.unwrap();
    fixture.execute("UPDATE tasks SET is_completed = TRUE, revision = revision + 1").await.unwrap();
    refusal(&fixture, "UPDATE tasks SET title = 'x'").await;
}
