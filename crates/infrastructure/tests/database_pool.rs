//! The pool under a crowd, over connections that died while nobody used them, and before a database that sleeps.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use holdfast_application::ports::{Repositories, Store, StoreError};
use holdfast_infrastructure::database::{DatabaseOptions, SeaOrmStore};
use holdfast_testkit::{ChaosProxy, NetworkFault, fixtures};
use sea_orm::{ConnectionTrait, Statement};
use tokio::time::{sleep, timeout};

mod stores;

/// More than any call may take, so that a hang fails.
const HANG: Duration = Duration::from_secs(30);

async fn write(store: &SeaOrmStore) -> Result<(), StoreError> {
    store.users().insert(&fixtures::account().build()).await
}

async fn read(store: &SeaOrmStore) -> Result<(), StoreError> {
    store.users().find(fixtures::owner()).await.map(|_| ())
}

async fn number(store: &SeaOrmStore, sql: &str) -> i64 {
    let call = store.call();
    let statement = Statement::from_sql_and_values(call.get_database_backend(), sql, []);
    call.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// So many reads at once, each in a task of its own; how many of them succeeded. Everything else must be `Unavailable`.
async fn crowd(store: &Arc<SeaOrmStore>, size: usize) -> usize {
    let calls = (0..size).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { timeout(HANG, read(&store)).await.unwrap() })
    });
    let answers = join_all(calls).await.into_iter().map(Result::unwrap);
    answers
        .filter(|answer| match answer {
            Ok(()) => true,
            Err(error) => {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
                false
            }
        })
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_before_a_silent_database_is_turned_away_and_service_comes_back() {
    let Some(database) = stores::postgres_database().await else { return };
    let (proxy, url) = ChaosProxy::before(database.url()).unwrap();
    let store = Arc::new(SeaOrmStore::connect(stores::postgres_options(&url)).await.unwrap());
    join_all((0..8).map(|_| store.begin())).await.into_iter().for_each(|unit| drop(unit.unwrap()));
    proxy.fail(NetworkFault::Swallow);
    assert_eq!(crowd(&store, 2_000).await, 0);
    proxy.heal().unwrap();
    write(&store).await.unwrap();
    assert_eq!(crowd(&store, 50).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_while_a_hundred_share_ten_connections() {
    let Some(database) = stores::postgres_database().await else { return };
    let options = DatabaseOptions { pool_size: 10, ..stores::postgres_options(database.url()) };
    let store = Arc::new(SeaOrmStore::connect(options).await.unwrap());
    assert_eq!(crowd(&store, 100).await, 100);
    let (store, _folder) = stores::sqlite().await;
    assert_eq!(crowd(&Arc::new(store), 100).await, 100);
}

/// Closes every connection of the pool at the server, as a database does that goes to sleep or is restarted.
async fn close_all(admin: &SeaOrmStore) {
    const OTHERS: &str =
        "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    admin.call().execute_unprepared(&format!("SELECT pg_terminate_backend(pid) {OTHERS}")).await.unwrap();
    while number(admin, &format!("SELECT count(*) {OTHERS}")).await > 0 {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_died_while_idle_are_replaced_without_a_word() {
    let Some(database) = stores::postgres_database().await else { return };
    let options = stores::postgres_options(database.url());
    let admin = SeaOrmStore::connect(DatabaseOptions { pool_size: 1, ..options.clone() }).await.unwrap();
    let pooled = DatabaseOptions { statement_cache: 0, ..options.clone() };
    for options in [options, pooled] {
        let store = SeaOrmStore::connect(options).await.unwrap();
        for turn in 0..3 {
            join_all((0..8).map(|_| store.begin())).await.into_iter().for_each(|unit| drop(unit.unwrap()));
            read(&store).await.unwrap();
            // A connection that has just answered is trusted with a write: idle is what has not.
            sleep(Duration::from_millis(600)).await;
            close_all(&admin).await;
            match turn {
                0 => read(&store).await.unwrap(),
                1 => write(&store).await.unwrap(),
                _ => store.begin().await.unwrap().commit().await.unwrap(),
            }
        }
    }
}

/// A database that nobody has spoken to yet sleeps behind the proxy until it heals.
async fn asleep(wake_timeout: Duration) -> Option<(Arc<SeaOrmStore>, ChaosProxy, impl Sized)> {
    let database = stores::postgres_database().await?;
    let (proxy, url) = ChaosProxy::before(database.url()).unwrap();
    proxy.fail(NetworkFault::Held);
    let options = DatabaseOptions { wake_timeout, ..stores::postgres_options(&url) };
    Some((Arc::new(SeaOrmStore::connect(options).await.unwrap()), proxy, database))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wakes_the_database_is_answered_when_it_is_awake() {
    let Some((store, proxy, _database)) = asleep(Duration::from_secs(30)).await else { return };
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { write(&store).await })
        })
        .collect();
    while proxy.accepted() == 0 {
        tokio::task::yield_now().await;
    }
    // One knocks for all.
    assert_eq!(proxy.accepted(), 1);
    proxy.heal().unwrap();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_wakes_too_late_for_one_request_is_awake_for_the_next() {
    let Some((store, proxy, _database)) = asleep(Duration::from_mins(1)).await else { return };
    // Nobody wakes it meanwhile: the call gives up by itself.
    let outcome = timeout(HANG, write(&store)).await.unwrap();
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    let next = tokio::spawn({
        let store = store.clone();
        async move { write(&store).await }
    });
    proxy.heal().unwrap();
    next.await.unwrap().unwrap();
    assert_eq!(proxy.accepted(), 1, "the connection that was begun first did not go on");
}
