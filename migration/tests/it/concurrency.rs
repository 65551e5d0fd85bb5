//! Several migrators at once, migrators that are killed, and locks that others hold.

use std::process::Stdio;
use std::time::Duration;

use migration::{DatabaseUrl, Direction, Engine, MigrationError, Migrator, PlannedMigration, Runner};
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};
use sqlx::Connection as _;

use crate::support::{Fixture, migration_count, on_both_engines, postgres, until};

on_both_engines!(
    eight_processes_at_once_all_succeed_and_one_applies,
    eight_tasks_at_once_all_succeed_and_one_applies,
    a_migrator_killed_midway_leaves_nothing_and_the_next_completes,
    a_migrator_dropped_midway_leaves_nothing_and_the_next_completes,
    a_migrator_that_waits_too_long_says_who_is_in_the_way,
);

const MIDWAY: &str = "HOLDFAST_TEST_MIDWAY";

async fn eight_processes_at_once_all_succeed_and_one_applies(fixture: Fixture) {
    let spawn = || {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_migration"));
        command
            .arg("up")
            .env_clear()
            .env("DATABASE_URL", fixture.url.connect_url())
            .current_dir(fixture.folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..8).map(|_| spawn()).collect();
    let mut appliers = 0;
    for child in children {
        let output = child.wait_with_output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
        appliers += usize::from(text.contains("applied: "));
    }
    assert_eq!(appliers, 1);
    assert!(Runner::new(&fixture.url).pending().await.unwrap().is_empty());
}

async fn eight_tasks_at_once_all_succeed_and_one_applies(fixture: Fixture) {
    let migrators: Vec<_> = (0..8)
        .map(|_| {
            let url = fixture.url.clone();
            tokio::spawn(async move { Runner::new(&url).up(None).await.unwrap().len() })
        })
        .collect();
    let mut counts = Vec::new();
    for migrator in migrators {
        counts.push(migrator.await.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 0, 0, 0, 0, 0, migration_count()]);
}

/// Stops for ever in the middle of its work, and leaves a file to say so.
struct Hanging {
    marker: std::path::PathBuf,
}

impl MigrationName for Hanging {
    fn name(&self) -> &'static str {
        "m99990101_000001_hanging"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Hanging {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use sea_orm_migration::sea_orm::ConnectionTrait as _;

        manager.get_connection().execute_unprepared("CREATE TABLE half (a integer)").await?;
        std::fs::write(&self.marker, "").unwrap();
        std::future::pending().await
    }
}

impl PlannedMigration for Hanging {
    fn plan(&self, _engine: Engine, _direction: Direction) -> Vec<String> {
        Vec::new()
    }

    fn creates(&self) -> &[&'static str] {
        &["half"]
    }
}

fn hanging(url: &DatabaseUrl, marker: &std::path::Path, place: usize) -> Runner {
    let mut migrations = Migrator::planned();
    migrations.insert(place, Box::new(Hanging { marker: marker.to_owned() }));
    Runner::with_migrations(url, migrations)
}

async fn wait_for(marker: &std::path::Path) {
    until(async || marker.exists()).await;
}

/// Not a test of its own: the process that `a_migrator_killed_midway…` kills.
#[tokio::test]
#[ignore = "started by another test, as the process to be killed"]
#[expect(clippy::disallowed_methods, reason = "its parent tells it by a variable where to hang")]
async fn hang_midway() {
    let Some(told) = std::env::var_os(MIDWAY) else { return };
    let told = told.into_string().unwrap();
    let (place, rest) = told.split_once('\n').unwrap();
    let (marker, url) = rest.split_once('\n').unwrap();
    let place = place.parse().unwrap();
    hanging(&DatabaseUrl::parse(url).unwrap(), marker.as_ref(), place).up(None).await.unwrap();
}

async fn a_migrator_killed_midway_leaves_nothing_and_the_next_completes(fixture: Fixture) {
    kill_at(&fixture, 3).await;
    assert!(fixture.tables().await.is_empty());
    assert_eq!(Runner::new(&fixture.url).up(None).await.unwrap().len(), migration_count());
}

/// Starts a migrator of its own process, and kills it once `place` migrations are applied and nothing is committed.
pub(crate) async fn kill_at(fixture: &Fixture, place: usize) {
    let marker = fixture.folder.path().join("midway");
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "concurrency::hang_midway", "--ignored"])
        .env(MIDWAY, format!("{place}\n{}\n{}", marker.display(), fixture.url.connect_url()))
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    wait_for(&marker).await;
    child.kill().await.unwrap();
}

async fn a_migrator_dropped_midway_leaves_nothing_and_the_next_completes(fixture: Fixture) {
    let marker = fixture.folder.path().join("midway");
    let task = {
        let (url, marker) = (fixture.url.clone(), marker.clone());
        tokio::spawn(async move { hanging(&url, &marker, 3).up(None).await })
    };
    wait_for(&marker).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(Runner::new(&fixture.url).up(None).await.unwrap().len(), migration_count());
    assert!(!fixture.tables().await.contains(&"half".to_owned()));
}

async fn a_migrator_that_waits_too_long_says_who_is_in_the_way(fixture: Fixture) {
    let marker = fixture.folder.path().join("midway");
    let holder = {
        let (url, marker) = (fixture.url.clone(), marker.clone());
        tokio::spawn(async move { hanging(&url, &marker, 3).up(None).await })
    };
    wait_for(&marker).await;
    let error = Runner::new(&fixture.url).lock_wait(Duration::from_millis(500)).up(None).await.unwrap_err();
    assert!(matches!(&error, MigrationError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("another migrator"), "{error}");
    holder.abort();
}

#[tokio::test]
async fn a_table_in_use_is_waited_for_in_short_tries() {
    let Some(fixture) = postgres("migration: lock timeouts").await else { return };
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    let mut reader = sqlx::PgConnection::connect(&fixture.url.connect_url()).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM tasks").execute(&mut reader).await.unwrap();
    let error = Runner::new(&fixture.url).lock_wait(Duration::from_millis(100)).down(None).await.unwrap_err();
    assert!(error.to_string().contains("holds a lock on the tables"), "{error}");
    let migrator = tokio::spawn(async move { runner.down(None).await });
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(!migrator.is_finished());
    reader.close().await.unwrap();
    assert_eq!(migrator.await.unwrap().unwrap().len(), migration_count());
}

#[tokio::test]
async fn a_migrator_in_its_own_way_is_not_named() {
    let Some(fixture) = postgres("migration: who is in the way").await else { return };
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    // What is to be done again begins with a step beside the lock of migrators.
    runner.down_to("m20261121_000016", false).await.unwrap();
    let mut watcher = sqlx::PgConnection::connect(&fixture.url.connect_url()).await.unwrap();
    let earlier = reader(&fixture, "earlier").await;
    let migrator = tokio::spawn(async move { runner.lock_wait(Duration::from_secs(3)).up(None).await });
    let at_work = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = \
        (SELECT oid FROM pg_database WHERE datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(at_work).fetch_one(&mut watcher).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let later = reader(&fixture, "later").await;
    earlier.close().await.unwrap();
    let error = migrator.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("later"), "{error}");
    later.close().await.unwrap();
}

/// A client that has read tasks in a transaction and keeps it open.
async fn reader(fixture: &Fixture, name: &str) -> sqlx::PgConnection {
    let mut reader = sqlx::PgConnection::connect(&fixture.url.connect_url()).await.unwrap();
    let sql = format!("SET application_name = '{name}'; BEGIN; SELECT count(*) FROM tasks");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut reader).await.unwrap();
    reader
}
