//! Many rows: they are taken over in pages, while the old backend goes on writing.

use std::time::Duration;

use migration::{Engine, Runner};
use tokio::time::Instant;

use crate::fastapi::{ANN, BCRYPT, Old, SUMMER, Shape, on_every_form};

on_every_form!(twenty_thousand_rows_arrive_in_pages);

/// Adds accounts and tasks of theirs; a tenth of the tasks belongs to nobody where that is possible.
pub(crate) async fn fill(old: &Old, users: u64, tasks: u64) {
    let at = old.time(SUMMER);
    let (numbers, id) = match old.fixture.engine() {
        Engine::Postgres => ("generate_series(1, {count}) AS g(n)".to_owned(), "md5({n}::text)"),
        Engine::Sqlite => (
            "(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count}) SELECT n FROM g) g".to_owned(),
            "printf('%032x', {n} * 7919)",
        ),
    };
    let uuid = if old.fixture.engine() == Engine::Postgres && old.shape != Shape::B { "::uuid" } else { "" };
    let series = |count: u64| numbers.replace("{count}", &count.to_string());
    let key = |n: &str| format!("{}{uuid}", id.replace("{n}", n));
    if old.has_users() {
        let (columns, values) = if old.shape == Shape::B {
            ("email_verified, role, banned", "FALSE, 'user', FALSE".to_owned())
        } else {
            ("is_active, hashed_password", format!("TRUE, '{BCRYPT}'"))
        };
        old.execute(&format!(
            "INSERT INTO \"user\" (id, email, name, {columns}, created_at, updated_at) \
                 SELECT {}, 'Person' || n || '@Example.org', 'Person', {values}, {at}, {at} FROM {}",
            key("n"),
            series(users)
        ))
        .await;
    }
    let owners = if old.lets_orphans_in() { users + users / 10 } else { users };
    let priority =
        if old.shape == Shape::Oldest || old.shape == Shape::B || old.fixture.engine() == Engine::Sqlite {
            old.priority(2)
        } else {
            format!("{}::priorityenum", old.priority(2))
        };
    let priority = if old.shape == Shape::Oldest && old.fixture.engine() == Engine::Postgres {
        format!("{priority}::priorityenum")
    } else {
        priority
    };
    old.execute(&format!(
        "INSERT INTO task (id, user_id, title, description, due_datetime, priority, is_completed, created_at, updated_at) \
             SELECT {}, {}, 'Aufgabe für ' || n, 'Eine Beschreibung, die etwas länger ist: ' || n, {}, {priority}, FALSE, {}, {} \
             FROM {}",
        key("(n + 100000000)"),
        key(&format!("(n % {owners} + 1)")),
        cast_time(old, &at),
        cast_time(old, &at),
        cast_time(old, &at),
        series(tasks)
    ))
    .await;
}

/// In a selection PostgreSQL takes a literal for text.
fn cast_time(old: &Old, at: &str) -> String {
    match (old.fixture.engine(), old.shape) {
        (Engine::Sqlite, _) => at.to_owned(),
        (Engine::Postgres, Shape::B) => format!("{at}::timestamptz"),
        (Engine::Postgres, _) => format!("{at}::timestamp"),
    }
}

async fn twenty_thousand_rows_arrive_in_pages(old: Old) {
    fill(&old, 2_000, 20_000).await;
    let all = old.fixture.texts("SELECT title FROM task").await.len();
    let runner = Runner::new(&old.fixture.url);
    let adopt = async {
        runner.up(None).await.unwrap();
    };
    if old.fixture.engine() == Engine::Sqlite {
        adopt.await;
        assert_eq!(old.fixture.texts("SELECT title FROM tasks").await.len(), all);
        return;
    }
    // PostgreSQL's writers are not held up meanwhile, and what they wrote comes with the delta.
    let owner = if old.has_users() { ANN } else { crate::fastapi::ORPHAN };
    let write = async {
        for number in 0..100 {
            let id = format!("c0000000-0000-4000-8000-{number:012}");
            let task = (&*id, owner, "'meanwhile'", "NULL", None, 0, false, SUMMER, SUMMER);
            let started = Instant::now();
            old.insert_task(task).await;
            assert!(started.elapsed() < Duration::from_secs(1));
        }
    };
    tokio::join!(adopt, write);
    runner.adopt_changes().await.unwrap();
    assert_eq!(old.fixture.texts("SELECT title FROM tasks").await.len(), all + 100);
    assert_eq!(runner.adopt_changes().await.unwrap(), migration::TakenOver::default());
}

/// Measured by hand: `cargo nextest run -p migration --run-ignored only a_million --no-capture`.
#[tokio::test]
#[ignore = "takes a minute; says how long each part took"]
async fn a_million_tasks_of_fifty_thousand_accounts() {
    let Some(old) = Old::postgres(Shape::A).await else { return };
    fill(&old, 50_000, 1_000_000).await;
    let runner = Runner::new(&old.fixture.url);
    let started = Instant::now();
    runner.up(None).await.unwrap();
    println!("adopted in {:?}", started.elapsed());
    let started = Instant::now();
    runner.adopt_changes().await.unwrap();
    println!("delta of nothing in {:?}", started.elapsed());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
}
