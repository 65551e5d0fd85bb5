//! The index for searches: made and dropped while the tables are in use, as often as somebody likes.

use std::process::Command;

use migration::{DatabaseUrl, MigrationError, Runner};

use crate::support::{Fixture, ROWS, postgres, sqlite};

const VALID: &str = "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
     WHERE i.indisvalid AND c.relname = 'tasks_owner_search_idx'";

async fn filled(fixture: &Fixture) -> Runner {
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    for (_, insert) in ROWS {
        fixture.execute(insert).await.unwrap();
    }
    runner
}

#[tokio::test]
async fn it_is_made_once_and_dropped_once_however_often_that_is_asked_for() {
    let Some(fixture) = postgres("migration: the index for searches").await else { return };
    let runner = filled(&fixture).await;
    let before = (fixture.schema().await, fixture.checksum("tasks").await);
    for _ in 0..2 {
        runner.create_search_index().await.unwrap();
        assert_eq!(fixture.texts(VALID).await, ["tasks_owner_search_idx"]);
    }
    assert_ne!(fixture.schema().await, before.0);
    for _ in 0..2 {
        runner.drop_search_index().await.unwrap();
        assert_eq!((fixture.schema().await, fixture.checksum("tasks").await), before);
    }
}

#[tokio::test]
async fn what_a_broken_attempt_has_left_is_replaced() {
    let Some(fixture) = postgres("migration: a broken index for searches").await else { return };
    let runner = filled(&fixture).await;
    runner.create_search_index().await.unwrap();
    let broken =
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tasks_owner_search_idx'::regclass";
    fixture.execute(broken).await.unwrap();
    assert!(fixture.texts(VALID).await.is_empty());
    runner.create_search_index().await.unwrap();
    assert_eq!(fixture.texts(VALID).await, ["tasks_owner_search_idx"]);
}

#[tokio::test]
async fn migrations_go_up_and_down_beside_it() {
    let Some(fixture) = postgres("migration: steps beside the index for searches").await else { return };
    let runner = filled(&fixture).await;
    runner.create_search_index().await.unwrap();
    runner.down_to("m20261121_000018_validate_checks", false).await.unwrap();
    runner.up(None).await.unwrap();
    assert_eq!(fixture.texts(VALID).await, ["tasks_owner_search_idx"]);
    runner.down(None).await.unwrap();
    assert!(fixture.texts(VALID).await.is_empty());
}

#[tokio::test]
async fn whoever_may_not_create_extensions_is_told_what_to_do_and_nothing_changes() {
    let Some(fixture) = postgres("migration: no right to an index for searches").await else { return };
    filled(&fixture).await;
    let role = fixture.texts("SELECT current_database()::text").await.remove(0);
    fixture.execute(&format!("CREATE ROLE \"{role}\" LOGIN PASSWORD 'app'")).await.unwrap();
    let mut url = url::Url::parse(&fixture.url.connect_url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("app")).unwrap();
    let before = fixture.schema().await;
    let refused = Runner::new(&DatabaseUrl::parse(url.as_str()).unwrap()).create_search_index().await;
    fixture.execute(&format!("DROP ROLE \"{role}\"")).await.unwrap();
    let error = refused.unwrap_err();
    assert!(matches!(error, MigrationError::SearchExtensions(_)), "{error:?}");
    assert!(error.to_string().contains("CREATE EXTENSION btree_gin"), "{error}");
    assert_eq!(fixture.schema().await, before);
}

#[tokio::test]
async fn the_command_says_what_became_of_it() {
    let Some(fixture) = postgres("migration: the command of the index for searches").await else { return };
    filled(&fixture).await;
    for (arguments, told) in [
        (&["search-index"][..], "searches have their index\n"),
        (&["search-index", "--drop"], "searches have no index\n"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migration"));
        command.env_clear().env("DATABASE_URL", fixture.url.connect_url()).args(arguments);
        let output = command.current_dir(fixture.folder.path()).output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stdout).unwrap()),
            (Some(0), told.to_owned())
        );
    }
}

#[tokio::test]
async fn on_sqlite_there_is_none() {
    let fixture = sqlite();
    let runner = filled(&fixture).await;
    for outcome in [runner.create_search_index().await, runner.drop_search_index().await] {
        assert!(matches!(outcome, Err(MigrationError::SearchIndexOnSqlite)), "{outcome:?}");
    }
}
