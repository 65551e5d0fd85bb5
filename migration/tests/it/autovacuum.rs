//! A migration on PostgreSQL while an autovacuum is at work on its table, and its role is told nothing of that.

use std::time::Duration;

use holdfast_testkit::postgres::{Durability, PostgresServer};
use migration::{DatabaseUrl, MigrationError, Migrator, OnlineMigration, Runner, SqlMigration, Statements};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::until;

/// Far longer than the migration may wait: an autovacuum sleeps at every page, for 100 ms at least.
const MANY_DEAD_ROWS: &str = "ALTER TABLE tasks SET (autovacuum_enabled = off, autovacuum_vacuum_cost_limit = 1, \
         autovacuum_vacuum_cost_delay = 100, autovacuum_freeze_max_age = 100000);
     INSERT INTO users (id, email, email_folded, role, is_active, email_verified, created_at, updated_at)
         VALUES (gen_random_uuid(), 'a@x.de', 'a@x.de', 'user', TRUE, FALSE, now(), now());
     INSERT INTO tasks (owner_id, id, title, title_sort, description, search_text, priority, is_completed, revision, \
         created_at, updated_at)
         SELECT u.id, gen_random_uuid(), '', '', repeat('x', 1500), '', 0, FALSE, 1, now(), now()
         FROM users u, generate_series(1, 10000);
     DELETE FROM tasks WHERE id::text < '8'";
const AT_WORK: &str = "SELECT pid::text FROM pg_stat_progress_vacuum WHERE relid = 'tasks'::regclass";
const ENABLE: &str = "ALTER TABLE tasks SET (autovacuum_enabled = on)";
/// Uses up transaction numbers, until there must be an autovacuum although it is switched off.
const AGE: &str = "DO $$ BEGIN FOR i IN 1..100100 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$";

const COLOUR: Statements = Statements {
    up: &[
        "ALTER TABLE tasks ADD COLUMN colour text, ADD CONSTRAINT tasks_colour_check CHECK (colour <> '') NOT VALID",
    ],
    down: &["ALTER TABLE tasks DROP COLUMN colour"],
};
const VALIDATED: Statements =
    Statements { up: &["ALTER TABLE tasks VALIDATE CONSTRAINT tasks_colour_check"], down: &[] };
const NOTHING: Statements = Statements { up: &[], down: &[] };

/// A server with an autovacuum that does not end by itself. Only a superuser may ask about it.
struct Vacuumed {
    superuser: PgConnection,
    /// Of an ordinary role, who owns the database.
    url: DatabaseUrl,
    _server: PostgresServer,
}

impl Vacuumed {
    async fn new(cause: &str) -> Option<Self> {
        let server = PostgresServer::private("migration: autovacuum", Durability::Fast).unwrap()?;
        server.restart_with(&["autovacuum_naptime=1"]).unwrap();
        let mut superuser = PgConnection::connect(&server.url("postgres")).await.unwrap();
        sqlx::raw_sql("CREATE ROLE app LOGIN PASSWORD 'app'").execute(&mut superuser).await.unwrap();
        sqlx::raw_sql("CREATE DATABASE app OWNER app").execute(&mut superuser).await.unwrap();
        superuser.close().await.unwrap();
        let url = format!("postgres://app:app@127.0.0.1:{}/app", server.port());
        let url = DatabaseUrl::parse(&url).unwrap();
        Runner::new(&url).up(None).await.unwrap();
        let superuser = PgConnection::connect(&server.url("app")).await.unwrap();
        let mut vacuumed = Self { superuser, url, _server: server };
        for sql in [MANY_DEAD_ROWS, cause] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut vacuumed.superuser).await.unwrap();
        }
        until(async || !vacuumed.pids().await.is_empty()).await;
        Some(vacuumed)
    }

    async fn pids(&mut self) -> Vec<String> {
        sqlx::query_scalar(AT_WORK).fetch_all(&mut self.superuser).await.unwrap()
    }

    fn colouring(&self) -> Runner {
        let mut migrations = Migrator::planned();
        let name = "m99990101_000001_colour";
        migrations.push(Box::new(SqlMigration { name, creates: &[], postgres: COLOUR, sqlite: COLOUR }));
        let name = "m99990101_000002_validated";
        let (tables, sqlite) = (&["tasks"], NOTHING);
        migrations.push(Box::new(OnlineMigration { name, tables, postgres: VALIDATED, sqlite }));
        Runner::with_migrations(&self.url, migrations)
    }
}

#[tokio::test]
async fn a_migration_gets_an_autovacuum_out_of_its_way() {
    let Some(mut vacuumed) = Vacuumed::new(ENABLE).await else { return };
    let names = vacuumed.colouring().up(Some(1)).await.unwrap();
    assert_eq!(names, ["m99990101_000001_colour"]);
    until(async || !vacuumed.pids().await.is_empty()).await;
    let names = vacuumed.colouring().up(None).await.unwrap();
    assert_eq!(names, ["m99990101_000002_validated"]);
}

#[tokio::test]
async fn one_that_prevents_wraparound_stays_and_is_told_with_the_remedy() {
    let Some(mut vacuumed) = Vacuumed::new(AGE).await else { return };
    let pid = vacuumed.pids().await.remove(0);
    let error = vacuumed.colouring().lock_wait(Duration::from_secs(1)).up(None).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, MigrationError::Locked { .. }), "{text}");
    assert!(text.contains(&format!("process {pid}, an autovacuum of public.tasks")), "{text}");
    assert!(text.contains("to prevent wraparound"), "{text}");
    assert!(text.contains(&format!("pg_cancel_backend({pid})")), "{text}");
    assert_eq!(vacuumed.pids().await, [pid]);
}
