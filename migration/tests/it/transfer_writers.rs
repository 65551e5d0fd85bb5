//! Copies that are taken while others write: each is one moment of the database, and nothing acknowledged before is missing.

use std::thread::JoinHandle;
use std::time::Duration;

use migration::transfer::{Rules, Transfer};
use migration::{DatabaseUrl, Engine, Runner};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::watch;

use crate::support::{Fixture, on_both_engines, sqlite};

on_both_engines!(an_export_under_writers_is_one_moment);

/// An account and a task in one transaction: neither is ever there alone.
fn pair(engine: Engine, number: u32) -> [String; 2] {
    let id = match engine {
        Engine::Sqlite => format!("x'{number:032x}'"),
        Engine::Postgres => format!("lpad(to_hex({number}), 32, '0')::uuid"),
    };
    let at = match engine {
        Engine::Sqlite => "1",
        Engine::Postgres => "now()",
    };
    [
        format!(
            "INSERT INTO users (id, email, email_folded, role, is_active, email_verified, created_at, updated_at) \
             VALUES ({id}, 'x', 'x', 'user', TRUE, FALSE, {at}, {at})"
        ),
        format!(
            "INSERT INTO tasks (owner_id, id, title, title_sort, search_text, priority, is_completed, revision, created_at, updated_at) \
             VALUES ({id}, {id}, '{number}', '{number}', '', 0, FALSE, 1, {at}, {at})"
        ),
    ]
}

/// Writes pairs until it is told to stop, and says how many are acknowledged.
async fn write(url: DatabaseUrl, acknowledged: watch::Sender<u32>, stop: watch::Receiver<bool>) {
    let engine = url.engine();
    match engine {
        Engine::Sqlite => {
            let options: SqliteConnectOptions = url.connect_url().parse().unwrap();
            let options = options.busy_timeout(Duration::from_mins(1));
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            for number in 1.. {
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
                for sql in pair(engine, number) {
                    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *transaction).await.unwrap();
                }
                transaction.commit().await.unwrap();
                acknowledged.send_replace(number);
                if *stop.borrow() {
                    break;
                }
            }
            connection.close().await.unwrap();
        }
        Engine::Postgres => {
            let mut connection = sqlx::PgConnection::connect(&url.connect_url()).await.unwrap();
            for number in 1.. {
                let mut transaction = connection.begin().await.unwrap();
                for sql in pair(engine, number) {
                    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *transaction).await.unwrap();
                }
                transaction.commit().await.unwrap();
                acknowledged.send_replace(number);
                if *stop.borrow() {
                    break;
                }
            }
            connection.close().await.unwrap();
        }
    }
}

/// On a thread of its own, so that it does not wait for whoever copies.
fn begin(url: DatabaseUrl, acknowledged: watch::Sender<u32>, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(write(url, acknowledged, stop));
    })
}

/// As many of the one as of the other, without a gap, and not fewer than there were acknowledged.
async fn is_one_moment(copy: &Fixture, acknowledged: u32) {
    let [users, tasks] =
        ["users", "tasks"].map(|table| format!("SELECT CAST(count(*) AS TEXT) FROM {table}"));
    let (users, tasks) = (copy.texts(&users).await.remove(0), copy.texts(&tasks).await.remove(0));
    let newest = copy.texts("SELECT CAST(max(CAST(title AS bigint)) AS TEXT) FROM tasks").await.remove(0);
    assert_eq!(users, tasks);
    assert_eq!(tasks, newest);
    assert!(tasks.parse::<u32>().unwrap() >= acknowledged, "{tasks} of {acknowledged}");
}

async fn an_export_under_writers_is_one_moment(source: Fixture) {
    Runner::new(&source.url).up(None).await.unwrap();
    let (acknowledged, mut written) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let writer = begin(source.url.clone(), acknowledged, stopped);
    for round in 1..=3 {
        written.wait_for(|number| *number >= round * 50).await.unwrap();
        let before = *written.borrow();
        source.export().await;
        let copy = sqlite();
        copy.import(&source, Rules::default()).await.unwrap();
        is_one_moment(&copy, before).await;
    }
    stop.send_replace(true);
    writer.join().unwrap();
}

#[tokio::test]
async fn a_backup_of_a_file_under_writers_is_one_moment() {
    let source = sqlite();
    Runner::new(&source.url).up(None).await.unwrap();
    let (acknowledged, mut written) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let writer = begin(source.url.clone(), acknowledged, stopped);
    for round in 1..=3 {
        written.wait_for(|number| *number >= round * 50).await.unwrap();
        let before = *written.borrow();
        let copy = sqlite();
        let path = copy.folder.path().join("copy");
        Transfer::new(&source.url).backup_file(&path, false).await.unwrap();
        Transfer::new(&copy.url).restore_file(&path, Rules::default()).await.unwrap();
        is_one_moment(&copy, before).await;
    }
    stop.send_replace(true);
    writer.join().unwrap();
}
