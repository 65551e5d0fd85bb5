//! What is asked over all owners, every second or piece by piece for an export, must cost what it answers, whatever else lies in
//! the tables: it follows its index.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::time::Duration;

use holdfast_application::ports::{Repositories, TrailPosition};
use holdfast_infrastructure::database::{DatabaseOptions, SeaOrmStore};
use holdfast_testkit::fixtures::{account, at};
use sea_orm::{ConnectionTrait, Statement};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::{sleep, timeout};

mod stores;

/// How often each question is asked: PostgreSQL plans the first five for their values, and later ones for any.
const ASKED: i64 = 12;
/// Only to end a test whose index is never used.
const DEADLINE: Duration = Duration::from_mins(1);

/// 20,000 sessions and as many entries of the history, of which a few are what is looked for.
const FILL: [&str; 3] = [
    "INSERT INTO sessions (user_id, id, current_jti, generation, key_id, rotated_at, window_started_at, window_rotations, \
     created_at, last_used_at, idle_expires_at, absolute_expires_at, revoked_at, revoked_reason) \
     SELECT u.id, gen_random_uuid(), gen_random_uuid(), 1, 'k', t, t, 0, t, t, t + interval '7 days', t + interval '30 days', \
     CASE WHEN n % 400 = 0 THEN t END, CASE WHEN n % 400 = 0 THEN 'signed_out' END \
     FROM users u, generate_series(1, 20000) n, LATERAL (SELECT now() - n * interval '1 second' AS t) s",
    "INSERT INTO auth_events (user_id, id, kind, at) \
     SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n % 400 = 0 THEN 'account_deleted' ELSE 'signed_in' END, \
     now() - n * interval '1 second' FROM generate_series(1, 20000) n",
    "ANALYZE",
];

#[tokio::test]
async fn on_postgres_the_polls_follow_their_indexes() {
    let Some(database) = stores::postgres_database().await else { return };
    // One connection, so that its statistics are all there are.
    let options = DatabaseOptions { pool_size: 1, ..stores::postgres_options(database.url()) };
    let store = SeaOrmStore::connect(options).await.unwrap();
    store.users().insert(&account().build()).await.unwrap();
    // Past the store, whose statements have a second each.
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    for sql in FILL {
        connection.execute(sql).await.unwrap();
    }
    connection.close().await.unwrap();
    let since = at(0).minus(Duration::from_hours(24 * 365));
    let times = since..at(0).plus(Duration::from_hours(24 * 3_650));
    let mut place = (None, None, None);
    // First pages, then pages behind a place.
    for round in 1..=2 {
        let mut behind = (None, None, None);
        for _ in 0..ASKED {
            let ended = store.sessions().ended(since, place.0, 10).await.unwrap();
            let deleted = store.audit().deletions(since, place.1, 10).await.unwrap();
            let events = store.audit().between(times.clone(), place.2, 10).await.unwrap();
            assert_eq!((ended.len(), deleted.len(), events.len()), (10, 10, 10));
            let last = events.last().map(TrailPosition::of);
            behind = (ended.last().copied(), deleted.last().copied(), last);
        }
        for index in ["sessions_revoked_idx", "auth_events_deletions_idx", "auth_events_at_idx"] {
            let counted = timeout(DEADLINE, used(&store, index, round * ASKED)).await;
            assert!(counted.is_ok(), "{index} is not always used, round {round}");
        }
        place = behind;
    }
}

/// Completes once the index was used so often: PostgreSQL counts with a delay.
async fn used(store: &SeaOrmStore, index: &str, expected: i64) {
    loop {
        let call = store.call();
        // Not known before PostgreSQL 15, where the delay is all there is.
        let _ = call.execute_unprepared("SELECT pg_stat_force_next_flush()").await;
        let sql = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = $1";
        let statement = Statement::from_sql_and_values(call.get_database_backend(), sql, [index.into()]);
        let row = call.query_one_raw(statement).await.unwrap().unwrap();
        if row.try_get_by_index::<i64>(0).unwrap() >= expected {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// SQLite keeps no such count: the same questions, written out, and what it plans for them.
#[tokio::test]
async fn on_sqlite_the_polls_follow_their_indexes() {
    let (store, _folder) = stores::sqlite().await;
    for (index, sql) in [
        (
            "sessions_revoked_idx",
            "SELECT revoked_at, user_id, id FROM sessions WHERE revoked_at >= ? \
             ORDER BY revoked_at, user_id, id LIMIT ?",
        ),
        (
            "sessions_revoked_idx",
            "SELECT revoked_at, user_id, id FROM sessions WHERE revoked_at >= ? \
             AND (revoked_at, user_id, id) > (?, ?, ?) ORDER BY revoked_at, user_id, id LIMIT ?",
        ),
        (
            "auth_events_deletions_idx",
            "SELECT at, user_id FROM auth_events WHERE kind = 'account_deleted' AND at >= ? \
             ORDER BY at, user_id LIMIT ?",
        ),
        (
            "auth_events_deletions_idx",
            "SELECT at, user_id FROM auth_events WHERE kind = 'account_deleted' AND at >= ? \
             AND (at, user_id) > (?, ?) ORDER BY at, user_id LIMIT ?",
        ),
    ] {
        let call = store.call();
        let explain =
            Statement::from_string(call.get_database_backend(), format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = call.query_all_raw(explain).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get_by("detail").unwrap()).collect();
        assert!(plan.iter().all(|step| step.contains(&format!("COVERING INDEX {index}"))), "{plan:?}");
    }
}
