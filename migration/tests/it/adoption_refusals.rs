//! What is not adopted, and what is said about it. Nothing has changed afterwards.

use migration::{Engine, MigrationError, Runner};

use crate::fastapi::{Old, Shape, on_every_form};
use crate::support::{Fixture, ROWS, on_both_engines};

on_both_engines!(
    tables_of_another_shape_are_refused_with_a_list,
    accounts_of_ours_are_never_mixed_with_adopted_ones,
);

async fn tables_of_another_shape_are_refused_with_a_list(fixture: Fixture) {
    if let Some(file) = fixture.file() {
        migration::create_sqlite_file(&file).unwrap();
    }
    for (sql, expected) in [
        (
            "CREATE TABLE task (id {uuid} PRIMARY KEY, title text)",
            &["task has no column user_id", "task has no column priority"][..],
        ),
        (
            "CREATE TABLE \"user\" (id {uuid} PRIMARY KEY, login text)",
            &[
                "there is no table task",
                "there is no table account",
                "user has no column email",
                "user has a column login",
            ],
        ),
        (
            "CREATE TABLE \"user\" (id {uuid} PRIMARY KEY, hashed_password text)",
            &["user has no column is_active"],
        ),
    ] {
        fixture.execute(sql).await.unwrap();
        let before = fixture.schema().await;
        let runner = Runner::new(&fixture.url);
        for error in [
            runner.up(None).await.unwrap_err(),
            runner.adopt().await.unwrap_err(),
            runner.survey().await.unwrap_err(),
            runner.would_adopt().await.unwrap_err(),
        ] {
            assert!(matches!(error, MigrationError::NotAdoptable { .. }), "{error}");
            for line in expected {
                assert!(error.to_string().contains(line), "{line} is not in {error}");
            }
        }
        assert_eq!(fixture.schema().await, before);
        fixture.execute("DROP TABLE IF EXISTS task; DROP TABLE IF EXISTS \"user\"").await.unwrap();
    }
}

async fn accounts_of_ours_are_never_mixed_with_adopted_ones(fixture: Fixture) {
    Runner::new(&fixture.url).up(None).await.unwrap();
    fixture.execute(ROWS[0].1).await.unwrap();
    let time = if fixture.engine() == Engine::Sqlite { "DATETIME" } else { "timestamp" };
    let id = if fixture.engine() == Engine::Sqlite { "CHAR(32)" } else { "uuid" };
    fixture
        .execute(&format!(
            "CREATE TABLE task (id {id}, user_id {id}, title text, description text, due_datetime {time}, priority text, \
                 is_completed boolean, created_at {time}, updated_at {time})"
        ))
        .await
        .unwrap();
    let error = Runner::new(&fixture.url).adopt().await.unwrap_err();
    assert!(matches!(error, MigrationError::InUse { users: 2 }), "{error}");
    let survey = Runner::new(&fixture.url).survey().await.unwrap().unwrap();
    assert!(survey.faults.iter().any(|fault| fault.contains("2 accounts are here already")), "{survey}");
    let error = Runner::new(&fixture.url).up(None).await.unwrap_err();
    assert!(matches!(error, MigrationError::InUse { users: 2 }), "{error}");
    assert_eq!(fixture.texts("SELECT email FROM users").await.len(), 2);
}

on_every_form!(
    values_that_cannot_be_held_are_refused_with_their_rows,
    the_survey_tells_of_tables_that_are_in_the_way,
);

async fn the_survey_tells_of_tables_that_are_in_the_way(old: Old) {
    old.execute("CREATE TABLE sessions (a integer)").await;
    let runner = Runner::new(&old.fixture.url);
    let survey = runner.survey().await.unwrap().unwrap();
    assert!(survey.faults.iter().any(|fault| fault.contains("a table sessions")), "{survey}");
    assert!(matches!(runner.up(None).await, Err(MigrationError::ForeignTables { .. })));
    old.execute("DROP TABLE sessions").await;
    assert!(runner.survey().await.unwrap().unwrap().faults.is_empty());
}

async fn values_that_cannot_be_held_are_refused_with_their_rows(old: Old) {
    let sqlite = old.fixture.engine() == Engine::Sqlite;
    let mut faults = Vec::new();
    if sqlite {
        faults.extend([
            ("UPDATE task SET id = 'no-uuid' WHERE title = ''", "task.id is no UUID in row no-uuid"),
            (
                "UPDATE task SET id = 'aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa' WHERE title = ''",
                "task.id is no UUID in row aaaaaaaa-aaaaaaaa",
            ),
            ("UPDATE task SET user_id = 'zz' WHERE title = ''", "task.user_id is no UUID"),
            (
                "UPDATE task SET due_datetime = '2024-02-30 00:00:00' WHERE title = ''",
                "task.due_datetime is no time",
            ),
            (
                "UPDATE task SET due_datetime = '2024-01-01 24:00:00' WHERE title = ''",
                "task.due_datetime is no time in the years 1 to 9999 in row a0000000000040008000000000000002",
            ),
            (
                "UPDATE task SET due_datetime = '2024-01-31 24:00:00.5' WHERE title = ''",
                "task.due_datetime is no time",
            ),
            (
                "UPDATE task SET updated_at = '2016-12-31 23:59:60' WHERE title = ''",
                "task.updated_at is no time",
            ),
            (
                "UPDATE task SET created_at = '2024-01-01 23:60:00.000001' WHERE title = ''",
                "task.created_at is no time",
            ),
            (
                "UPDATE task SET due_datetime = '2024-01-01 00:00:00' || char(0) || '1' WHERE title = ''",
                "task.due_datetime is no time",
            ),
            ("UPDATE task SET created_at = 'yesterday' WHERE title = ''", "task.created_at is no time"),
            (
                "UPDATE task SET updated_at = '0000-01-01 00:00:00.5' WHERE title = ''",
                "task.updated_at is no time",
            ),
            ("UPDATE task SET is_completed = 7 WHERE title = ''", "task.is_completed is neither"),
            ("UPDATE task SET priority = 'high' WHERE title = ''", "task.priority is no known priority"),
            ("UPDATE task SET description = x'ff' WHERE title = ''", "task.description is no text"),
            (
                "UPDATE task SET id = (SELECT upper(id) FROM task WHERE title = 'last') WHERE title = ''",
                "task.id is there twice in row a0000000-0000-4000-8000-00000000abcd",
            ),
        ]);
    } else {
        faults.push((
            "UPDATE task SET due_datetime = 'infinity' WHERE title = ''",
            "task.due_datetime is no time",
        ));
        faults.push((
            "UPDATE task SET updated_at = '0044-03-15 12:00:00 BC' WHERE title = ''",
            "task.updated_at is no time",
        ));
    }
    if !sqlite && old.shape == Shape::B {
        faults.push((
            "UPDATE task SET id = 'aaaaaaa-aaaaaaaaa-aaaa-aaaa-aaaaaaaaaaaa' WHERE title = ''",
            "task.id is no UUID in row aaaaaaa-aaaaaaaaa",
        ));
        faults.push(("UPDATE task SET id = 'no-uuid' WHERE title = ''", "task.id is no UUID in row no-uuid"));
        faults.push((
            "UPDATE task SET priority = 'high' WHERE title = ''",
            "task.priority is no known priority",
        ));
    }
    let number = faults.len();
    for (sql, expected) in faults {
        old.execute(&format!("CREATE TABLE kept AS SELECT * FROM task WHERE title = ''; {sql}")).await;
        let before = old.old_state().await;
        let runner = Runner::new(&old.fixture.url);
        let error = runner.up(None).await.expect_err(sql);
        assert!(matches!(error, MigrationError::NotAdoptable { .. }), "{sql}: {error}");
        assert!(error.to_string().contains(expected), "{sql}: {error}");
        let survey = runner.survey().await.unwrap().unwrap();
        assert!(survey.faults.iter().any(|fault| fault.contains(expected)), "{survey}");
        assert_eq!(old.old_state().await, before);
        assert!(!old.fixture.tables().await.contains(&"users".to_owned()));
        old.execute(
            "DELETE FROM task WHERE title = ''; INSERT INTO task SELECT * FROM kept; DROP TABLE kept",
        )
        .await;
    }
    assert!(number >= 2);
    Runner::new(&old.fixture.url).up(None).await.unwrap();
}
