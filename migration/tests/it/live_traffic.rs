//! Migrations while a server works on the same PostgreSQL database: nobody waits behind a migration that itself waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migration::{MigrationError, Migrator, PlannedMigration, Runner, SqlMigration, Statements};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::fastapi::{ANN, Old, Shape};
use crate::support::{Fixture, ROWS, migration_count, postgres};

const COLOUR: Statements = Statements {
    up: &["ALTER TABLE tasks ADD COLUMN colour text"],
    down: &["ALTER TABLE tasks DROP COLUMN colour"],
};

/// What adds a column to `tasks`.
fn colouring(fixture: &Fixture) -> Runner {
    let mut migrations = Migrator::planned();
    migrations.push(Box::new(SqlMigration {
        name: "m99990101_000001_colour",
        creates: &[],
        postgres: COLOUR,
        sqlite: COLOUR,
    }));
    Runner::with_migrations(&fixture.url, migrations)
}

/// A database with rows, and somebody in the middle of a transaction who has read `tasks`.
async fn with_a_reader() -> Option<(Fixture, PgConnection)> {
    let fixture = postgres("migration: live traffic").await?;
    Runner::new(&fixture.url).up(None).await.unwrap();
    for (_, insert) in ROWS {
        fixture.execute(insert).await.unwrap();
    }
    let mut reader = PgConnection::connect(&fixture.url.connect_url()).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM tasks WHERE title <> 'secret'")
        .execute(&mut reader)
        .await
        .unwrap();
    Some((fixture, reader))
}

#[tokio::test]
async fn writers_go_on_while_a_migration_waits_for_a_long_transaction_and_then_it_completes() {
    let Some((fixture, reader)) = with_a_reader().await else { return };
    let runner = colouring(&fixture).lock_wait(Duration::from_mins(5));
    let migrator = tokio::spawn(async move { runner.up(None).await });
    let mut writer = PgConnection::connect(&fixture.url.connect_url()).await.unwrap();
    let id = fixture.texts("SELECT id::text FROM users LIMIT 1").await.remove(0);
    // Each of them would stand behind a migration that waits until the reader is done, and the reader waits for them all.
    let mut refused = 0;
    let mut number = 0;
    while number < 50 || refused < 3 {
        number += 1;
        let sql = format!("UPDATE tasks SET search_text = '{number}' WHERE owner_id = '{id}'");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut writer).await.unwrap();
        let waits = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
             AND wait_event_type = 'Lock' AND query LIKE '%ALTER TABLE tasks%'";
        refused += fixture.texts(waits).await.len();
        assert!(!migrator.is_finished());
    }
    reader.close().await.unwrap();
    assert_eq!(migrator.await.unwrap().unwrap(), ["m99990101_000001_colour"]);
    let kept = fixture.texts("SELECT DISTINCT search_text FROM tasks WHERE colour IS NULL").await;
    assert!(kept.contains(&number.to_string()), "{kept:?}");
}

#[tokio::test]
async fn whoever_is_in_the_way_is_named_without_what_his_statement_says() {
    let Some((fixture, mut reader)) = with_a_reader().await else { return };
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut reader).await.unwrap();
    sqlx::raw_sql("SELECT count(*) FROM tasks WHERE title <> 'secret'").execute(&mut reader).await.unwrap();
    let error = colouring(&fixture).lock_wait(Duration::from_millis(100)).up(None).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, MigrationError::Locked { .. }), "{text}");
    assert!(text.contains(&format!("process {pid} ")) && text.contains("idle in transaction"), "{text}");
    assert!(text.contains("SELECT count(*) FROM tasks WHERE title <> '…'"), "{text}");
}

#[tokio::test]
async fn a_transaction_that_has_held_locks_for_a_while_waits_no_longer_for_further_ones() {
    const PROBE: Statements = Statements {
        up: &[
            "CREATE TABLE at_first AS SELECT current_setting('lock_timeout') AS found",
            "SELECT pg_sleep(0.5)",
            "CREATE TABLE later AS SELECT current_setting('lock_timeout') AS found",
        ],
        down: &[],
    };
    let Some(fixture) = postgres("migration: lock budgets").await else { return };
    let probe = SqlMigration {
        name: "m99990101_000001_probe",
        creates: &["at_first", "later"],
        postgres: PROBE,
        sqlite: PROBE,
    };
    let migrations: Vec<Box<dyn PlannedMigration>> = vec![Box::new(probe)];
    Runner::with_migrations(&fixture.url, migrations).up(None).await.unwrap();
    let found = async |table: &str| fixture.texts(&format!("SELECT found FROM {table}")).await.remove(0);
    let first: u32 = found("at_first").await.trim_end_matches("ms").parse().unwrap();
    assert!((10..=200).contains(&first), "{first}");
    assert_eq!(found("later").await, "10ms");
}

/// Whoever changed a task was answered either before going back looked, and stopped it, or after, and then not at all.
#[tokio::test]
async fn going_back_loses_nothing_that_a_server_still_writes() {
    let Some(old) = Old::postgres(Shape::A).await else { return };
    let runner = Runner::new(&old.fixture.url).lock_wait(Duration::from_mins(2));
    let owner = old.our_id(ANN);
    for round in 0..6 {
        runner.up(None).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let server = {
            let (url, owner, stop) = (old.fixture.url.connect_url(), owner.clone(), stop.clone());
            tokio::spawn(async move { serve(&url, &owner, round, &stop).await })
        };
        // Each write-back takes along what was written before it, and going back is refused while there is more.
        let mut refused = 0;
        loop {
            runner.write_back().await.unwrap();
            match runner.down(None).await {
                Ok(names) => {
                    assert_eq!(names.len(), migration_count());
                    break;
                }
                Err(MigrationError::NewerRows { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            if refused == 3 {
                stop.store(true, Ordering::SeqCst);
            }
        }
        stop.store(true, Ordering::SeqCst);
        let acknowledged = server.await.unwrap();
        let titles =
            old.fixture.texts(&format!("SELECT title FROM task WHERE user_id = {}", old.id(ANN))).await;
        assert!(titles.iter().all(|title| *title == acknowledged), "{acknowledged}: {titles:?}");
    }
}

/// Changes every task of one owner until it is told to stop or its tables are gone; says what was acknowledged last.
async fn serve(url: &str, owner: &str, round: u32, stop: &AtomicBool) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let mut acknowledged = String::new();
    for number in 0.. {
        let title = format!("{round}.{number}");
        let sql = format!(
            "UPDATE tasks SET title = '{title}', title_sort = '{title}', search_text = '{title}', \
                 revision = revision + 1, updated_at = now() WHERE owner_id = {owner}"
        );
        match sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await {
            Ok(done) => assert!(done.rows_affected() > 0),
            Err(_) => break,
        }
        acknowledged = title;
        if stop.load(Ordering::SeqCst) {
            break;
        }
    }
    acknowledged
}
