//! What must not happen: half a migration, lost foreign data, an unknown journal taken for a broken one.

use migration::{
    Direction, Engine, MigrationError, Migrator, PlannedMigration, Runner, SqlMigration, Statements,
};
use sea_orm_migration::sea_orm::{ConnectionTrait as _, Database};

use crate::support::{Fixture, ROWS, migration_count, on_both_engines, postgres, sqlite};

on_both_engines!(
    a_batch_that_fails_midway_leaves_nothing,
    entries_of_a_newer_version_are_tolerated_going_up_and_refused_going_down,
    a_table_of_somebody_else_is_refused_before_anything_changes,
    a_dry_run_tells_the_sql_and_changes_nothing,
    status_tells_what_is_applied_and_changes_nothing,
    fresh_is_refused_in_production,
);

const BROKEN: Statements = Statements {
    up: &["CREATE TABLE half (a integer)", "INSERT INTO half VALUES (1)", "INSERT INTO nowhere VALUES (1)"],
    down: &["DROP TABLE half"],
};
const FAILING: SqlMigration =
    SqlMigration { name: "m99990101_000001_failing", creates: &["half"], postgres: BROKEN, sqlite: BROKEN };

async fn a_batch_that_fails_midway_leaves_nothing(fixture: Fixture) {
    let mut migrations = Migrator::planned();
    migrations.insert(2, Box::new(FAILING) as Box<dyn PlannedMigration>);
    let error = Runner::with_migrations(&fixture.url, migrations).up(None).await.unwrap_err();
    assert!(matches!(&error, MigrationError::Step { name, .. } if name == FAILING.name), "{error}");
    assert!(
        error.to_string().contains("nowhere") && error.to_string().contains("nothing was changed"),
        "{error}"
    );
    assert!(fixture.tables().await.is_empty());
    assert_eq!(Runner::new(&fixture.url).up(None).await.unwrap().len(), migration_count());
}

async fn entries_of_a_newer_version_are_tolerated_going_up_and_refused_going_down(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    runner.up(Some(3)).await.unwrap();
    fixture.execute("INSERT INTO seaql_migrations VALUES ('m99990101_000001_newer', 7)").await.unwrap();
    assert_eq!(runner.pending().await.unwrap()[0], "m20261121_000004_create_auth_events");
    assert_eq!(runner.up(None).await.unwrap().len(), migration_count() - 3);
    let tables = fixture.tables().await;
    let last = runner.status().await.unwrap().pop().unwrap();
    assert!(last.name == "m99990101_000001_newer" && !last.known && last.applied_at == Some(7), "{last:?}");
    for outcome in [runner.down(Some(1)).await, runner.fresh(false).await] {
        assert!(matches!(outcome, Err(MigrationError::NewerMigrations { .. })), "{outcome:?}");
    }
    assert_eq!(fixture.tables().await, tables);
}

async fn a_table_of_somebody_else_is_refused_before_anything_changes(fixture: Fixture) {
    prepare_file(&fixture);
    fixture
        .execute("CREATE TABLE users (x integer); CREATE VIEW tasks AS SELECT * FROM users")
        .await
        .unwrap();
    let before = fixture.schema().await;
    let error = Runner::new(&fixture.url).up(None).await.unwrap_err();
    assert!(
        matches!(&error, MigrationError::ForeignTables { tables } if tables == &["users", "tasks"]),
        "{error}"
    );
    assert_eq!(fixture.schema().await, before);
}

async fn a_dry_run_tells_the_sql_and_changes_nothing(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    let plans = runner.dry_run(Direction::Up, Some(2)).await.unwrap();
    assert_eq!(plans.len(), 2);
    assert!(plans[0].statements[0].starts_with("CREATE TABLE users"), "{plans:?}");
    assert_eq!(plans[0].statements[0].contains("STRICT"), fixture.engine() == Engine::Sqlite);
    assert!(runner.dry_run(Direction::Down, None).await.unwrap().is_empty());
    assert!(fixture.file().is_none_or(|file| !file.exists()));
    runner.up(None).await.unwrap();
    let before = fixture.schema().await;
    assert_eq!(runner.dry_run(Direction::Down, None).await.unwrap().len(), migration_count());
    assert!(runner.dry_run(Direction::Up, None).await.unwrap().is_empty());
    assert_eq!(fixture.schema().await, before);
}

async fn status_tells_what_is_applied_and_changes_nothing(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    assert!(runner.status().await.unwrap().iter().all(|status| status.known && status.applied_at.is_none()));
    assert!(fixture.file().is_none_or(|file| !file.exists()));
    runner.up(Some(1)).await.unwrap();
    let statuses = runner.status().await.unwrap();
    // The database's clock: seconds, and later than the day this was written.
    assert!(
        statuses[0].applied_at.is_some_and(|at| (1_795_000_000..4_000_000_000).contains(&at)),
        "{statuses:?}"
    );
    assert!(statuses[1..].iter().all(|status| status.applied_at.is_none()), "{statuses:?}");
    assert_eq!(runner.pending().await.unwrap().len(), migration_count() - 1);
}

async fn fresh_is_refused_in_production(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    for (_, insert) in ROWS {
        fixture.execute(insert).await.unwrap();
    }
    assert!(matches!(runner.fresh(true).await, Err(MigrationError::FreshInProduction)));
    assert_eq!(fixture.texts("SELECT email FROM users").await.len(), 2);
}

#[tokio::test]
async fn dangling_rows_of_ours_stop_the_commit_on_sqlite() {
    let fixture = sqlite();
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    fixture.execute(&format!("PRAGMA foreign_keys = OFF; {}", ROWS[2].1)).await.unwrap();
    let above_tasks = u32::try_from(migration_count() - 3).unwrap();
    let error = runner.down(Some(above_tasks)).await.unwrap_err();
    assert!(matches!(&error, MigrationError::DanglingRows { tables } if tables == &["tasks"]), "{error}");
    assert!(runner.pending().await.unwrap().is_empty());
}

/// Rows that hang on others are not taken along when their parents' table is written anew, which on SQLite drops it.
#[tokio::test]
async fn a_table_written_anew_on_sqlite_keeps_what_hangs_on_it() {
    const FIRST: Statements = Statements {
        up: &[
            "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
            "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id) ON DELETE CASCADE)",
            "INSERT INTO parent VALUES (1)",
            "INSERT INTO child VALUES (7, 1)",
        ],
        down: &["DROP TABLE child", "DROP TABLE parent"],
    };
    const ANEW: Statements = Statements {
        up: &[
            "CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT)",
            "INSERT INTO new_parent (id) SELECT id FROM parent",
            "DROP TABLE parent",
            "ALTER TABLE new_parent RENAME TO parent",
        ],
        down: &["DELETE FROM parent"],
    };
    let fixture = sqlite();
    prepare_file(&fixture);
    let migration = |name, creates, statements| -> Box<dyn PlannedMigration> {
        Box::new(SqlMigration { name, creates, postgres: statements, sqlite: statements })
    };
    let runner = || {
        let first = migration("m99990101_000000_first", &["child"], FIRST);
        Runner::with_migrations(&fixture.url, vec![first, migration("m99990101_000001_anew", &[], ANEW)])
    };
    runner().up(None).await.unwrap();
    assert_eq!(fixture.texts("SELECT id || ' ' || parent FROM child").await, ["7 1"]);
    let error = runner().down(Some(1)).await.unwrap_err();
    assert!(matches!(&error, MigrationError::DanglingRows { tables } if tables == &["child"]), "{error}");
    assert_eq!(
        fixture.texts("SELECT name FROM pragma_table_info('parent') WHERE name = 'name'").await,
        ["name"]
    );
}

#[tokio::test]
async fn a_new_sqlite_file_is_for_its_owner_alone_and_in_wal_mode() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixture = sqlite();
    Runner::new(&fixture.url).up(None).await.unwrap();
    let file = fixture.file().unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fixture.texts("PRAGMA journal_mode").await, ["wal"]);
}

#[tokio::test]
async fn a_file_that_is_no_database_and_a_database_in_memory_are_refused_with_the_way_out() {
    let fixture = sqlite();
    prepare_file(&fixture);
    std::fs::write(fixture.file().unwrap(), "not a database, but long enough to look like one".repeat(40))
        .unwrap();
    let error = Runner::new(&fixture.url).up(None).await.unwrap_err().to_string();
    assert!(error.contains("no SQLite database"), "{error}");
    let memory = migration::DatabaseUrl::parse("sqlite::memory:").unwrap();
    assert!(matches!(Runner::new(&memory).up(None).await, Err(MigrationError::InMemory)));
}

#[tokio::test]
async fn a_connection_that_fails_is_told_without_user_or_password() {
    let Some(fixture) = postgres("migration: connection errors").await else { return };
    let url = fixture.url.connect_url();
    let unknown_role = url.replacen("://", "://nobody-", 1);
    let missing = url.replacen("/holdfast_test", "/missing_test", 1);
    let password = url.split([':', '@']).nth(2).unwrap().to_owned();
    for (url, expected) in [(unknown_role, "check the user"), (missing, "CREATE DATABASE")] {
        let error = Runner::new(&migration::DatabaseUrl::parse(&url).unwrap()).up(None).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected), "{shown}");
        assert!(!shown.contains(&password), "{shown}");
    }
}

fn prepare_file(fixture: &Fixture) {
    if let Some(file) = fixture.file() {
        migration::create_sqlite_file(&file).unwrap();
    }
}

#[tokio::test]
async fn whoever_migrates_through_an_old_pooler_is_told_the_way_past_it() {
    let Some(fixture) = postgres("migration: an old pooler").await else { return };
    let connection = Database::connect(fixture.url.connect_url()).await.unwrap();
    // What comes back when two clients of a pooler get one connection, and one client two.
    for sql in ["PREPARE a AS SELECT 1; PREPARE a AS SELECT 1", "EXECUTE b"] {
        let error = MigrationError::Database(connection.execute_unprepared(sql).await.unwrap_err());
        assert!(error.to_string().contains("set DATABASE_URL_UNPOOLED"), "{error}");
    }
    let other = MigrationError::Database(connection.execute_unprepared("SELECT 1 / 0").await.unwrap_err());
    assert!(!other.to_string().contains("DATABASE_URL_UNPOOLED"), "{other}");
}
