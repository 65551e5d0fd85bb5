//! Steps outside of any transaction: others go on writing, no second migrator comes in, and whatever broke off is completed.

use std::process::Stdio;
use std::time::Duration;

use migration::{BackfillMigration, Direction, Engine, MigrationError, Migrator, PlannedMigration, Runner};
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::{Fixture, ROWS, migration_count, on_both_engines, postgres, until};

on_both_engines!(
    an_older_database_gets_the_same_schema_as_a_new_one,
    rows_are_changed_in_batches,
    a_new_database_is_planned_as_one_transaction,
);

/// How many migrations there are before the first one that makes an index on `auth_events`.
const BEFORE_THE_INDEX: u32 = 9;
const INDEX: &str = "auth_events_user_at_idx";

async fn an_older_database_gets_the_same_schema_as_a_new_one(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    let at_once = fixture.schema().await;
    runner.down(None).await.unwrap();
    runner.up(Some(BEFORE_THE_INDEX)).await.unwrap();
    let online = runner.dry_run(Direction::Up, None).await.unwrap();
    let online: Vec<_> = online.iter().filter(|plan| plan.online).collect();
    match fixture.engine() {
        Engine::Postgres => {
            assert!(online[0].statements[0].starts_with("CREATE INDEX CONCURRENTLY auth_events_user_at_idx"));
        }
        Engine::Sqlite => assert!(online.is_empty(), "{online:?}"),
    }
    let names = runner.up(None).await.unwrap();
    assert_eq!(names.len(), migration_count() - BEFORE_THE_INDEX as usize);
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(fixture.schema().await, at_once);
    assert!(runner.pending().await.unwrap().is_empty());
}

async fn a_new_database_is_planned_as_one_transaction(fixture: Fixture) {
    let plans = Runner::new(&fixture.url).dry_run(Direction::Up, None).await.unwrap();
    assert!(plans.iter().all(|plan| !plan.online), "{plans:?}");
}

const BACKFILL: BackfillMigration = BackfillMigration {
    name: "m99990101_000001_backfill",
    table: "t",
    postgres: "UPDATE t SET done = TRUE WHERE id IN (SELECT id FROM t WHERE NOT done ORDER BY id LIMIT 10)",
    sqlite: "UPDATE t SET done = TRUE WHERE id IN (SELECT id FROM t WHERE NOT done ORDER BY id LIMIT 10)",
    down: &["UPDATE t SET done = FALSE"],
};

fn backfilling(fixture: &Fixture) -> Runner {
    Runner::with_migrations(&fixture.url, vec![Box::new(BACKFILL) as Box<dyn PlannedMigration>])
}

async fn fill(fixture: &Fixture) {
    if let Some(file) = fixture.file() {
        migration::create_sqlite_file(&file).unwrap();
    }
    let rows: Vec<String> = (1..=25).map(|id| format!("({id}, FALSE)")).collect();
    let sql = format!("CREATE TABLE t (id integer, done boolean); INSERT INTO t VALUES {}", rows.join(", "));
    fixture.execute(&sql).await.unwrap();
}

async fn rows_are_changed_in_batches(fixture: Fixture) {
    fill(&fixture).await;
    assert_eq!(backfilling(&fixture).up(None).await.unwrap(), [BACKFILL.name]);
    assert!(fixture.texts("SELECT 'left' FROM t WHERE NOT done").await.is_empty());
    if fixture.engine() == Engine::Postgres {
        assert_eq!(fixture.texts("SELECT DISTINCT xmin::text FROM t").await.len(), 3);
    }
    assert_eq!(backfilling(&fixture).down(None).await.unwrap(), [BACKFILL.name]);
    assert!(fixture.texts("SELECT 'left' FROM t WHERE done").await.is_empty());
}

#[tokio::test]
async fn a_row_in_use_holds_up_its_batch_alone() {
    let Some(fixture) = postgres("migration: batches of rows").await else { return };
    fill(&fixture).await;
    let mut other = begin(&fixture, "UPDATE t SET done = FALSE WHERE id = 15").await;
    let runner = backfilling(&fixture).lock_wait(Duration::from_millis(300));
    let error = runner.up(None).await.unwrap_err();
    assert!(matches!(&error, MigrationError::Online { .. }), "{error}");
    assert!(error.to_string().contains("UPDATE t SET done = FALSE WHERE id = 15"), "{error}");
    // What was done before is kept, and the next run goes on from there.
    assert_eq!(fixture.texts("SELECT 'done' FROM t WHERE done").await.len(), 10);
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(runner.up(None).await.unwrap(), [BACKFILL.name]);
    assert_eq!(fixture.texts("SELECT 'done' FROM t WHERE done").await.len(), 25);
}

/// A connection in the middle of a transaction that has run `sql`.
async fn begin(fixture: &Fixture, sql: &str) -> PgConnection {
    let mut connection = PgConnection::connect(&fixture.url.connect_url()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("BEGIN; {sql}"))).execute(&mut connection).await.unwrap();
    connection
}

/// A database without the index, in the middle of somebody's write to its table.
async fn in_use() -> Option<(Fixture, PgConnection)> {
    let fixture = postgres("migration: online steps").await?;
    Runner::new(&fixture.url).up(Some(BEFORE_THE_INDEX)).await.unwrap();
    fixture.execute(ROWS[0].1).await.unwrap();
    let writer = begin(&fixture, &event(1)).await;
    Some((fixture, writer))
}

fn event(number: u32) -> String {
    format!(
        "INSERT INTO auth_events (user_id, id, kind, at) \
         VALUES (gen_random_uuid(), gen_random_uuid(), 'signed_in', to_timestamp({number}))"
    )
}

/// The index is being built, and waits for somebody's transaction.
async fn builds(fixture: &Fixture) {
    until(async || {
        let sql = "SELECT phase FROM pg_stat_progress_create_index WHERE datname = current_database() \
             AND phase LIKE 'waiting%'";
        !fixture.texts(sql).await.is_empty()
    })
    .await;
}

async fn is_valid(fixture: &Fixture) -> Vec<String> {
    let sql = format!("SELECT indisvalid::text FROM pg_index WHERE indexrelid = '{INDEX}'::regclass");
    fixture.texts(&sql).await
}

async fn commit(mut connection: PgConnection) {
    sqlx::raw_sql("COMMIT").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn others_write_and_no_second_migrator_comes_in_while_an_index_is_built() {
    let Some((fixture, writer)) = in_use().await else { return };
    let runner = Runner::new(&fixture.url);
    let migrator = tokio::spawn(async move { runner.up(None).await });
    builds(&fixture).await;
    for number in 2..=20 {
        fixture.execute(&event(number)).await.unwrap();
    }
    let second = Runner::new(&fixture.url).lock_wait(Duration::from_millis(200));
    let error = second.up(None).await.unwrap_err();
    assert!(matches!(&error, MigrationError::Locked { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("another migrator is at work: process ") && text.contains("since 2"), "{text}");
    assert!(!migrator.is_finished());
    commit(writer).await;
    let names = migrator.await.unwrap().unwrap();
    assert_eq!(names.len(), migration_count() - BEFORE_THE_INDEX as usize);
    assert_eq!(is_valid(&fixture).await, ["true"]);
    assert_eq!(fixture.texts("SELECT 'row' FROM auth_events").await.len(), 20);
}

#[tokio::test]
async fn whoever_keeps_an_index_from_being_built_is_named_meanwhile() {
    let Some((fixture, writer)) = in_use().await else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_migration"));
    command.arg("up").env_clear().env("DATABASE_URL", fixture.url.connect_url());
    command.current_dir(fixture.folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut migrator = command.spawn().unwrap();
    let mut lines = BufReader::new(migrator.stderr.take().unwrap()).lines();
    let said = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("waits, without a limit") {
                return line;
            }
        }
        panic!("nobody is named");
    };
    let said = timeout(Duration::from_mins(2), said).await.unwrap();
    assert!(said.contains(&format!("CREATE INDEX CONCURRENTLY {INDEX}")), "{said}");
    // Without the values of its statement.
    assert!(said.contains("INSERT INTO auth_events") && !said.contains("signed_in"), "{said}");
    commit(writer).await;
    while lines.next_line().await.unwrap().is_some() {}
    assert!(migrator.wait().await.unwrap().success());
    assert_eq!(is_valid(&fixture).await, ["true"]);
}

#[tokio::test]
async fn a_migrator_lost_while_it_builds_is_followed_by_one_that_waits_and_completes() {
    let Some((fixture, writer)) = in_use().await else { return };
    let runner = Runner::new(&fixture.url);
    let lost = tokio::spawn(async move { runner.up(None).await });
    builds(&fixture).await;
    lost.abort();
    assert!(lost.await.unwrap_err().is_cancelled());
    let runner = Runner::new(&fixture.url);
    let next = tokio::spawn(async move { runner.up(None).await });
    // The server goes on building for nobody, and the next migrator looks at that.
    until(async || {
        let sql = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
             AND query LIKE '%pg_stat_progress_create_index p%' AND application_name = 'holdfast-migration'";
        !fixture.texts(sql).await.is_empty()
    })
    .await;
    commit(writer).await;
    next.await.unwrap().unwrap();
    assert_eq!(is_valid(&fixture).await, ["true"]);
    assert!(Runner::new(&fixture.url).pending().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_invalid_index_is_dropped_first() {
    let Some((fixture, writer)) = in_use().await else { return };
    let broken = format!("CREATE INDEX CONCURRENTLY {INDEX} ON auth_events (kind)");
    let mut connection = PgConnection::connect(&fixture.url.connect_url()).await.unwrap();
    sqlx::raw_sql("SET statement_timeout = '200ms'").execute(&mut connection).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(broken)).execute(&mut connection).await.unwrap_err();
    assert_eq!(is_valid(&fixture).await, ["false"]);
    commit(writer).await;
    Runner::new(&fixture.url).up(None).await.unwrap();
    assert_eq!(is_valid(&fixture).await, ["true"]);
    let definition = fixture.texts(&format!("SELECT pg_get_indexdef('{INDEX}'::regclass)")).await;
    assert!(definition[0].ends_with("(user_id, at, id)"), "{definition:?}");
}

#[tokio::test]
async fn an_index_that_was_built_before_its_entry_is_kept() {
    let Some((fixture, writer)) = in_use().await else { return };
    commit(writer).await;
    fixture.execute(&format!("CREATE INDEX {INDEX} ON auth_events (user_id, at, id)")).await.unwrap();
    let oid = format!("SELECT '{INDEX}'::regclass::oid::text");
    let before = fixture.texts(&oid).await;
    Runner::new(&fixture.url).up(None).await.unwrap();
    assert_eq!(fixture.texts(&oid).await, before);
}

#[tokio::test]
async fn a_time_out_of_the_role_does_not_break_it_off() {
    let Some((fixture, writer)) = in_use().await else { return };
    let name = fixture.texts("SELECT current_database()::text").await.remove(0);
    for limit in ["statement_timeout", "lock_timeout"] {
        let sql = format!("ALTER DATABASE {name} SET {limit} = '100ms'");
        fixture.execute(&sql).await.unwrap();
    }
    let runner = Runner::new(&fixture.url);
    let migrator = tokio::spawn(async move { runner.up(None).await });
    until(async || {
        // By the database's clock: far more than what it would have been given.
        let sql = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
             AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active' \
             AND clock_timestamp() - query_start > interval '500 ms'";
        !fixture.texts(sql).await.is_empty()
    })
    .await;
    commit(writer).await;
    migrator.await.unwrap().unwrap();
    assert_eq!(is_valid(&fixture).await, ["true"]);
}

#[tokio::test]
async fn what_was_applied_before_a_broken_step_is_told_and_kept() {
    const BROKEN: BackfillMigration = BackfillMigration {
        name: "m99990101_000001_backfill",
        table: "nowhere",
        postgres: "UPDATE nowhere SET done = TRUE",
        sqlite: "UPDATE nowhere SET done = TRUE",
        down: &[],
    };
    let Some(fixture) = postgres("migration: broken online steps").await else { return };
    let mut migrations = Migrator::planned();
    migrations.push(Box::new(BROKEN));
    let error = Runner::with_migrations(&fixture.url, migrations).up(None).await.unwrap_err();
    assert!(
        matches!(&error, MigrationError::Partly { applied, .. } if applied.len() == migration_count()),
        "{error}"
    );
    assert!(error.to_string().contains("nowhere") && error.to_string().contains("Run `up` again"), "{error}");
    assert!(Runner::new(&fixture.url).pending().await.unwrap().is_empty());
}
