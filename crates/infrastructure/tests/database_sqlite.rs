//! What holds on every connection to a SQLite file, how long its log may grow, and what becomes of writes that do not
//! fit.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{fs, path::Path, time::Duration};

use holdfast_application::{
    domain::UserId,
    ports::{Repositories, Store, StoreError, WriteOutage},
};
use holdfast_infrastructure::database::SeaOrmStore;
use holdfast_testkit::fixtures;
use sea_orm::{ConnectionTrait, Statement, TryGetable};
use sqlx::{Connection as _, SqliteConnection};
use tokio::time::{sleep, timeout};

#[expect(dead_code, reason = "what is for PostgreSQL is for other tests")]
mod stores;

/// Only to end a test whose condition never comes.
const DEADLINE: Duration = Duration::from_mins(2);
/// As long as the log may be before it is cut off.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// A statement that does not begin with SELECT runs on the connection that writes.
async fn value<T: TryGetable>(store: &SeaOrmStore, sql: &str) -> T {
    let call = store.call();
    let statement = Statement::from_sql_and_values(call.get_database_backend(), sql, []);
    call.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn stranger(folder: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}", folder.join("holdfast.db").display());
    SqliteConnection::connect(&url).await.unwrap()
}

async fn member(store: &SeaOrmStore) -> UserId {
    let account = fixtures::account().build();
    store.users().insert(&account).await.unwrap();
    account.user.id
}

#[tokio::test]
async fn the_connection_that_writes_is_durable_waits_a_second_and_knows_foreign_keys() {
    let (store, _folder) = stores::sqlite().await;
    assert_eq!(value::<String>(&store, "PRAGMA journal_mode").await, "wal");
    assert_eq!(value::<i32>(&store, "PRAGMA synchronous").await, 2);
    assert_eq!(value::<i32>(&store, "PRAGMA foreign_keys").await, 1);
    assert_eq!(value::<i32>(&store, "PRAGMA busy_timeout").await, 1_000);
    assert_eq!(value::<i32>(&store, "PRAGMA query_only").await, 0);
    assert_eq!(value::<i64>(&store, "PRAGMA journal_size_limit").await, 16 * 1024 * 1024);
    assert!(value::<i32>(&store, "PRAGMA wal_autocheckpoint").await > 0);
}

#[tokio::test]
async fn a_transaction_has_the_right_to_write_from_its_beginning() {
    let (store, folder) = stores::sqlite().await;
    let mut other = stranger(folder.path()).await;
    let unit = store.begin().await.unwrap();
    sqlx::raw_sql("PRAGMA busy_timeout = 0").execute(&mut other).await.unwrap();
    let refused = sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    drop(unit);
}

#[tokio::test]
async fn a_log_that_a_long_reader_let_grow_is_cut_off_once_it_has_ended() {
    let (store, folder) = stores::sqlite().await;
    let owner = member(&store).await;
    let mut reader = stranger(folder.path()).await;
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM users").execute(&mut reader).await.unwrap();
    let log = || fs::metadata(folder.path().join("holdfast.db-wal")).unwrap().len();
    let large = "x".repeat(1024 * 1024);
    // Pages that stay as they are would not be written again.
    let mut contents = (0..).map(|number| format!("{number}{large}"));
    while log() <= LOG_LIMIT {
        let sql = format!("UPDATE users SET image = '{}'", contents.next().unwrap());
        store.call().execute_unprepared(&sql).await.unwrap();
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut reader).await.unwrap();
    let shrinking = async {
        while log() > LOG_LIMIT {
            store.users().record_sign_in(owner, fixtures::at(1)).await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(DEADLINE, shrinking).await.unwrap();
    assert_eq!(value::<i32>(&store, "PRAGMA busy_timeout").await, 1_000, "it was changed for good");
}

#[tokio::test]
async fn a_unit_of_work_that_does_not_fit_leaves_nothing_and_the_next_that_does_is_kept() {
    let (store, _folder) = stores::sqlite().await;
    let owner = member(&store).await;
    let pages: i64 = value(&store, "PRAGMA page_count").await;
    store.call().execute_unprepared(&format!("PRAGMA max_page_count = {}", pages + 2)).await.unwrap();
    let unit = store.begin().await.unwrap();
    let mut refused = None;
    for _ in 0..1_000 {
        if let Err(error) = unit.users().insert(&fixtures::account().build()).await {
            refused = Some(error);
            break;
        }
    }
    assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    assert!(unit.commit().await.is_err());
    assert_eq!(value::<i64>(&store, "SELECT count(*) FROM users").await, 1, "a part of it was kept");
    assert!(store.users().find(owner).await.unwrap().is_some());
    store.users().insert(&fixtures::account().build()).await.unwrap();
    timeout(DEADLINE, async {
        while store.check_writes().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn whether_writes_are_possible_is_found_out_without_a_write_of_anybodys() {
    let (store, folder) = stores::sqlite().await;
    store.check_writes().await.unwrap();
    let file = folder.path().join("holdfast.db");
    let away = folder.path().join("away.db");
    fs::rename(&file, &away).unwrap();
    timeout(DEADLINE, async {
        while store.check_writes().await != Err(WriteOutage::Replaced) {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    fs::rename(&away, &file).unwrap();
    timeout(DEADLINE, async {
        while store.check_writes().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    member(&store).await;
}
