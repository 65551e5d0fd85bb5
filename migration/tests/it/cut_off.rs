//! A migrator killed after any of its statements: the next run completes, and what comes out is what an undisturbed run
//! makes.
//!
//! Each run is a process of its own, which ends itself without a word after so many statements that change anything.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use migration::{DatabaseUrl, Engine, Runner};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::fastapi::{Old, Shape};
use crate::support::{Fixture, migration_count, on_both_engines, postgres};

on_both_engines!(a_new_database);

const TOLD: &str = "HOLDFAST_TEST_CUT_OFF";
/// Where an older version left off: before the first index on a table that it had made.
const OLDER: &str = "m20261121_000009_digest_old_passwords";

async fn a_new_database(fixture: Fixture) {
    cut_everywhere(&fixture, None).await;
}

#[tokio::test]
async fn a_fastapi_database_on_sqlite() {
    let old = Old::sqlite(Shape::B).await.unwrap();
    cut_everywhere(&old.fixture, None).await;
}

#[tokio::test]
async fn a_fastapi_database_on_postgres() {
    if let Some(old) = Old::postgres(Shape::B).await {
        cut_everywhere(&old.fixture, None).await;
    }
}

#[tokio::test]
async fn an_older_database_on_postgres_with_online_steps() {
    if let Some(fixture) = postgres("migration: cut off").await {
        Runner::new(&fixture.url).up(None).await.unwrap();
        cut_everywhere(&fixture, Some(OLDER)).await;
    }
}

/// Goes up and down (to `point`), cut off after one statement, after two, and so on until nothing is left to be cut off.
async fn cut_everywhere(fixture: &Fixture, point: Option<&str>) {
    let runner = Runner::new(&fixture.url);
    let back = async || match point {
        Some(name) => runner.down_to(name, false).await.unwrap(),
        None => runner.down(None).await.unwrap(),
    };
    runner.up(None).await.unwrap();
    let above = contents(fixture).await;
    back().await;
    let below = contents(fixture).await;
    for count in 1.. {
        if point.is_none() {
            // As it was before anybody migrated it.
            fixture.execute("DROP TABLE seaql_migrations").await.unwrap();
        }
        let went_up = run(fixture, "up", point, count).await;
        runner.up(None).await.unwrap();
        assert_eq!(contents(fixture).await, above, "up, cut off after {count}");
        let went_down = run(fixture, "down", point, count).await;
        back().await;
        assert_eq!(contents(fixture).await, below, "down, cut off after {count}");
        if went_up && went_down {
            // There were boundaries: each migration has a statement and its entry.
            assert!(count > 2 * (migration_count() - 9), "{count}");
            return;
        }
    }
}

/// The schema, and every row of every table except for the times at which it was migrated.
async fn contents(fixture: &Fixture) -> Vec<String> {
    let mut contents = fixture.schema().await;
    let tables = fixture.tables().await;
    if fixture.engine() == Engine::Postgres {
        // All at once: a connection takes longer than the look.
        let rows: Vec<String> = tables
            .iter()
            .map(|table| {
                format!(
                    "SELECT '{table}: ' || count(*) || md5(coalesce(string_agg(r, '|' ORDER BY r), '')) \
                     FROM (SELECT {} AS r FROM \"{table}\" t) x",
                    untimed(table).unwrap_or("t::text")
                )
            })
            .collect();
        contents.extend(fixture.texts(&rows.join(" UNION ALL ")).await);
        return contents;
    }
    for table in tables {
        let rows = match untimed(&table) {
            Some(columns) => fixture.texts(&format!("SELECT {columns} FROM {table} ORDER BY 1")).await,
            None => vec![fixture.checksum(&format!("\"{table}\"")).await],
        };
        contents.push(format!("{table}: {rows:?}"));
    }
    contents
}

/// What to compare of a table that says when something happened.
fn untimed(table: &str) -> Option<&'static str> {
    match table {
        "seaql_migrations" => Some("version"),
        "holdfast_migration_checksums" => Some("version || checksum"),
        "adoptions" => Some("form || users || ' ' || tasks"),
        _ => None,
    }
}

/// Whether the run came to its end before it was cut off.
async fn run(fixture: &Fixture, command: &str, point: Option<&str>, count: usize) -> bool {
    let told = format!("{count}\n{command}\n{}\n{}", point.unwrap_or_default(), fixture.url.connect_url());
    let status = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cut_off::ends_itself", "--ignored"])
        .env(TOLD, told)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .unwrap();
    assert!(status.success() || status.code().is_none(), "{command} failed by itself: {status}");
    status.success()
}

/// Not a test of its own: the process that is cut off.
#[tokio::test]
#[ignore = "started by other tests, as the process that ends itself"]
#[expect(clippy::disallowed_methods, reason = "its parent tells it by a variable what to do")]
async fn ends_itself() {
    let Some(told) = std::env::var_os(TOLD) else { return };
    let told = told.into_string().unwrap();
    let parts: Vec<&str> = told.splitn(4, '\n').collect();
    let [count, command, point, url] = parts[..] else { panic!("{told}") };
    let scissors = Scissors { left: AtomicUsize::new(count.parse().unwrap()) };
    tracing::subscriber::set_global_default(scissors).unwrap();
    let runner = Runner::new(&DatabaseUrl::parse(url).unwrap());
    match (command, point) {
        ("up", _) => runner.up(None).await.unwrap(),
        (_, "") => runner.down(None).await.unwrap(),
        (_, point) => runner.down_to(point, false).await.unwrap(),
    };
}

/// Hears of every statement once it is done, and ends the process after so many.
struct Scissors {
    left: AtomicUsize,
}

impl Subscriber for Scissors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        if statement.changes_anything() && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// What sqlx tells: the whole text, or its beginning alone where that is all.
#[derive(Default)]
struct Statement {
    summary: String,
    text: String,
}

impl Statement {
    fn changes_anything(&self) -> bool {
        let text = if self.text.trim().is_empty() { &self.summary } else { &self.text };
        let first = text.trim().to_uppercase();
        // Limits may stand before a statement, divided from it by a semicolon.
        let reads = first.starts_with("SELECT") && !first.contains(';');
        !reads && !first.starts_with("PRAGMA")
    }
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.text),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
