//! What an adoption must not lose when something else happens at the same time, or happened to the old tables.

use std::time::Duration;

use migration::{Engine, MigrationError, Runner};

use crate::fastapi::{ANN, Old, SUMMER, Shape, on_both_forms, on_every_form};
use crate::support::ROWS;

on_every_form!(
    old_tables_that_somebody_emptied_are_no_state_to_follow_or_to_go_back_to,
    old_accounts_that_somebody_dropped_are_no_state_to_go_back_to,
    work_that_is_done_here_during_a_delta_is_not_undone,
);

on_both_forms!(
    an_account_that_goes_takes_along_whatever_hangs_on_it,
    a_task_that_comes_here_while_its_account_goes_is_not_lost,
);

async fn old_tables_that_somebody_emptied_are_no_state_to_follow_or_to_go_back_to(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let tasks = old.fixture.checksum("tasks").await;
    for table in ["task", "account", "session", "\"user\""] {
        let there = match table {
            "task" => true,
            "\"user\"" => old.has_users(),
            _ => old.shape == Shape::B,
        };
        if there {
            old.execute(&format!("DELETE FROM {table}")).await;
        }
    }
    for error in [runner.adopt_changes().await.unwrap_err(), runner.write_back().await.unwrap_err()] {
        assert!(matches!(error, MigrationError::OldTablesEmptied), "{error}");
    }
    let error = runner.down(None).await.unwrap_err();
    assert!(matches!(error, MigrationError::NewerRows { .. }), "{error}");
    assert_eq!(old.fixture.checksum("tasks").await, tasks);
    runner.down_discarding_newer(None).await.unwrap();
}

async fn old_accounts_that_somebody_dropped_are_no_state_to_go_back_to(old: Old) {
    if old.form() != migration::Form::A {
        return;
    }
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.execute("DROP TABLE \"user\"").await;
    let error = runner.down(None).await.unwrap_err();
    assert!(matches!(error, MigrationError::NewerRows { .. }), "{error}");
}

async fn an_account_that_goes_takes_along_whatever_hangs_on_it(old: Old) {
    // The account of the rows that every table has one of.
    const ONE: &str = "00000001-0000-7000-8000-000000000000";
    old.insert_person(ONE, "one@x").await;
    // Some tables have one of another account as well.
    old.insert_person("00000002-0000-7000-8000-000000000000", "two@x").await;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let mut tables = Vec::new();
    for (table, insert) in ROWS {
        if !matches!(table, "users" | "tasks" | "adopted_users" | "adopted_tasks") {
            old.fixture.execute(insert).await.unwrap();
            tables.push(table);
        }
    }
    let one = old.id(ONE);
    old.execute(&format!("DELETE FROM \"user\" WHERE id = {one}")).await;
    assert_eq!(runner.adopt_changes().await.unwrap().gone_users, 1);
    if old.fixture.engine() == Engine::Sqlite {
        for table in &tables {
            let dangling = format!("SELECT \"table\" FROM pragma_foreign_key_check('{table}')");
            assert!(old.fixture.texts(&dangling).await.is_empty(), "{table}");
        }
    }
    assert!(old.fixture.texts("SELECT key_id FROM sessions").await.is_empty());
    assert!(runner.up(None).await.unwrap().is_empty());
}

/// How many tasks somebody works on while a delta runs.
const BUSY: u64 = 300;

async fn work_that_is_done_here_during_a_delta_is_not_undone(old: Old) {
    if old.fixture.engine() == Engine::Sqlite {
        // Nobody else writes while it runs.
        return;
    }
    crate::adoption_large::fill(&old, 10, BUSY).await;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let at = old.time(SUMMER);
    old.execute(&format!("UPDATE task SET title = 'theirs', updated_at = {at}")).await;
    let tasks = old.fixture.texts("SELECT id::text FROM tasks ORDER BY id").await;
    let work = async {
        for id in &tasks {
            old.fixture
                .execute(&format!(
                    "UPDATE tasks SET title = 'ours', title_sort = 'ours', revision = revision + 1 WHERE id = '{id}'"
                ))
                .await
                .unwrap();
        }
    };
    let (taken, ()) = tokio::join!(runner.adopt_changes(), work);
    taken.unwrap();
    assert_eq!(old.fixture.texts("SELECT title FROM tasks WHERE title = 'ours'").await.len(), tasks.len());
    // All of it counts as newer.
    let error = runner.down(None).await.unwrap_err();
    assert!(
        matches!(error, MigrationError::NewerRows { tasks: newer, .. } if newer == tasks.len() as u64),
        "{error}"
    );
}

async fn a_task_that_comes_here_while_its_account_goes_is_not_lost(old: Old) {
    use sqlx::Connection as _;

    if old.fixture.engine() == Engine::Sqlite {
        return;
    }
    let runner = Runner::new(&old.fixture.url).lock_wait(Duration::from_mins(2));
    runner.up(None).await.unwrap();
    let ann = old.id(ANN);
    let account = if old.shape == Shape::B {
        format!("DELETE FROM account WHERE user_id = {ann};")
    } else {
        String::new()
    };
    old.execute(&format!(
        "DELETE FROM task WHERE user_id = {ann}; {account} DELETE FROM \"user\" WHERE id = {ann}"
    ))
    .await;
    let mut connection = sqlx::PgConnection::connect(&old.fixture.url.connect_url()).await.unwrap();
    let mut work = connection.begin().await.unwrap();
    let insert = format!(
        "INSERT INTO tasks (owner_id, id, title, title_sort, search_text, priority, is_completed, revision, created_at, \
             updated_at) VALUES ({}, gen_random_uuid(), 'neu', 'neu', 'neu', 0, FALSE, 1, now(), now())",
        old.our_id(ANN)
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&mut *work).await.unwrap();
    let commit = async {
        // Until the delta waits for the account.
        let waiting = "SELECT pid::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND datname = current_database()";
        let seen = async { while old.fixture.texts(waiting).await.is_empty() {} };
        tokio::time::timeout(Duration::from_mins(2), seen).await.unwrap();
        work.commit().await.unwrap();
    };
    let (taken, ()) = tokio::join!(runner.adopt_changes(), commit);
    let taken = taken.unwrap();
    assert_eq!(old.fixture.texts("SELECT title FROM tasks WHERE title = 'neu'").await.len(), 1);
    assert_eq!((taken.gone_users, taken.gone_tasks > 0), (0, true), "{taken}");
}
