//! What becomes of connections when something goes wrong on them: budgets, cancellation, outages, rollbacks.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{fmt, future::Future, sync::Arc, time::Duration};

use holdfast_application::ports::{Repositories, Store, StoreError};
use holdfast_infrastructure::database::{DatabaseLocation, DatabaseOptions, SeaOrmStore};
use holdfast_testkit::{
    ChaosProxy, NetworkFault, fixtures,
    postgres::{Durability, PostgresServer},
};
use sea_orm::{ConnectionTrait, Statement, TryGetable};
use tokio::time::{sleep, timeout};

mod stores;

/// Only to end a test whose answer never comes: every budget is shorter by far, and a busy machine may be slow.
const DEADLINE: Duration = Duration::from_mins(1);

/// What does not wait for anything without a limit.
async fn ends<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.unwrap()
}

/// Whether the database itself gave up, with this SQLSTATE.
fn was_cut_off_by_the_server(outcome: &Result<impl fmt::Debug, impl fmt::Debug>, code: &str) -> bool {
    format!("{outcome:?}").contains(code)
}

async fn value<T: TryGetable>(store: &SeaOrmStore, sql: &str) -> T {
    let call = store.call();
    let statement = Statement::from_sql_and_values(call.get_database_backend(), sql, []);
    call.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn backend(store: &SeaOrmStore) -> i32 {
    value(store, "SELECT pg_backend_pid()").await
}

/// One connection, so that it shows which one is used.
fn single(options: DatabaseOptions) -> DatabaseOptions {
    DatabaseOptions { pool_size: 1, ..options }
}

fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

async fn write(store: &SeaOrmStore) -> Result<(), StoreError> {
    store.users().insert(&fixtures::account().build()).await
}

async fn read(store: &SeaOrmStore) -> Result<(), StoreError> {
    store.users().find(fixtures::owner()).await.map(|_| ())
}

macro_rules! postgres_or_skip {
    ($options:expr) => {{
        let Some(database) = stores::postgres_database().await else {
            return;
        };
        let options = $options(stores::postgres_options(database.url()));
        (SeaOrmStore::connect(options).await.unwrap(), database)
    }};
}

#[tokio::test]
async fn a_cancelled_statement_closes_its_connection_and_leaves_the_pool_usable() {
    let (store, _database) = postgres_or_skip!(single);
    let before = backend(&store).await;
    let call = store.call();
    let cancelled =
        timeout(Duration::from_millis(100), call.execute_unprepared("SELECT pg_sleep(0.9)")).await;
    assert!(cancelled.is_err());
    assert_ne!(before, ends(backend(&store)).await);
}

#[tokio::test]
async fn a_cancelled_statement_on_sqlite_leaves_the_store_usable() {
    const ENDLESS: &str = "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                           WHERE i < 100000000) SELECT i FROM n)";
    let (store, _folder) = stores::sqlite().await;
    assert!(ends(store.call().execute_unprepared(ENDLESS)).await.is_err());
    let call = store.call();
    assert!(timeout(Duration::from_millis(100), call.execute_unprepared(ENDLESS)).await.is_err());
    read(&store).await.unwrap();
    write(&store).await.unwrap();
}

#[tokio::test]
async fn a_statement_cut_off_by_the_server_keeps_its_connection() {
    let (store, _database) = postgres_or_skip!(single);
    let before = backend(&store).await;
    let outcome = ends(store.call().execute_unprepared("SELECT pg_sleep(600)")).await;
    assert!(was_cut_off_by_the_server(&outcome, "57014"), "{outcome:?}");
    assert_eq!(backend(&store).await, before);
}

#[tokio::test]
async fn an_exhausted_pool_is_unavailable_within_the_budget() {
    let (store, _database) = postgres_or_skip!(single);
    let unit = store.begin().await.unwrap();
    assert!(is_unavailable(&ends(read(&store)).await));
    drop(unit);
    read(&store).await.unwrap();
}

#[tokio::test]
async fn a_locked_row_is_unavailable_when_its_own_limit_is_over() {
    let (store, _database) = postgres_or_skip!(|options| options);
    let account = fixtures::account().build();
    store.users().insert(&account).await.unwrap();
    let holder = store.begin().await.unwrap();
    holder.users().record_sign_in(account.user.id, fixtures::at(1)).await.unwrap();
    let outcome = ends(store.users().record_sign_in(account.user.id, fixtures::at(2))).await;
    assert!(is_unavailable(&outcome));
    // Not the limit of all statements, which is twice as long.
    assert!(was_cut_off_by_the_server(&outcome, "55P03"), "{outcome:?}");
}

#[tokio::test]
async fn a_dropped_unit_of_work_rolls_back_and_gives_its_connection_back() {
    let (store, _database) = postgres_or_skip!(single);
    let before = backend(&store).await;
    let account = fixtures::account().build();
    let unit = store.begin().await.unwrap();
    unit.users().insert(&account).await.unwrap();
    drop(unit);
    assert_eq!(ends(store.users().find(account.user.id)).await.unwrap(), None);
    assert_eq!(backend(&store).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_of_work_may_be_dropped_where_there_is_no_runtime() {
    let (store, _folder) = stores::sqlite().await;
    let account = fixtures::account().build();
    let unit = store.begin().await.unwrap();
    unit.users().insert(&account).await.unwrap();
    std::thread::spawn(move || drop(unit)).join().unwrap();
    assert_eq!(store.users().find(account.user.id).await.unwrap(), None);
    store.users().insert(&account).await.unwrap();
}

#[tokio::test]
async fn a_unit_of_work_whose_statement_was_cut_short_cannot_be_committed() {
    let (store, _database) = postgres_or_skip!(|options| options);
    let account = fixtures::account().build();
    store.users().insert(&account).await.unwrap();
    let holder = store.begin().await.unwrap();
    holder.users().record_sign_in(account.user.id, fixtures::at(1)).await.unwrap();
    let unit = store.begin().await.unwrap();
    let newcomer = fixtures::account().build();
    unit.users().insert(&newcomer).await.unwrap();
    let waiting = unit.users().record_sign_in(account.user.id, fixtures::at(2));
    assert!(timeout(Duration::from_millis(100), waiting).await.is_err());
    assert!(unit.commit().await.is_err());
    assert_eq!(store.users().find(newcomer.user.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_store_serves_other_runtimes_than_its_own() {
    let (store, _database) = postgres_or_skip!(single);
    let store = Arc::new(store);
    for _ in 0..2 {
        let store = store.clone();
        let worker = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { (backend(&store).await, write(&store).await) })
        });
        let (_, written) = tokio::task::spawn_blocking(|| worker.join().unwrap()).await.unwrap();
        written.unwrap();
    }
    read(&store).await.unwrap();
}

#[tokio::test]
async fn a_refused_connection_is_unavailable_and_tells_no_secret() {
    let options = stores::postgres_options("postgres://nobody:secret@127.0.0.1:1/none?sslmode=disable");
    let store = SeaOrmStore::connect(options).await.unwrap();
    let error = ends(read(&store)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("secret"));
    assert!(is_unavailable(&store.begin().await.map(|_| ())));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_the_database_serves_again_without_a_restart() {
    let Some(server) = PostgresServer::private("infrastructure", Durability::Durable).unwrap() else {
        return;
    };
    let database = server.create_database().await;
    stores::migrate(database.url()).await;
    let store = SeaOrmStore::connect(stores::postgres_options(database.url())).await.unwrap();
    // Several connections lie in the pool when the server goes.
    let (a, b, c) =
        (store.begin().await.unwrap(), store.begin().await.unwrap(), store.begin().await.unwrap());
    drop((a, b, c));
    write(&store).await.unwrap();
    server.kill().unwrap();
    for _ in 0..3 {
        assert!(is_unavailable(&ends(write(&store)).await));
    }
    server.start().unwrap();
    write(&store).await.unwrap();

    // Without a call meanwhile, every connection in the pool is dead and nobody knows.
    let (a, b, c) =
        (store.begin().await.unwrap(), store.begin().await.unwrap(), store.begin().await.unwrap());
    drop((a, b, c));
    sleep(Duration::from_millis(600)).await;
    server.kill().unwrap();
    server.start().unwrap();
    write(&store).await.unwrap();
    server.kill().unwrap();
    server.start().unwrap();
    read(&store).await.unwrap();
    store.begin().await.unwrap().commit().await.unwrap();
    drop(store);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeping_database_gets_time_to_wake_up() {
    let Some(database) = stores::postgres_database().await else {
        return;
    };
    let (proxy, url) = ChaosProxy::before(database.url()).unwrap();
    proxy.fail(NetworkFault::Asleep(Duration::from_millis(2_500)));
    let store = SeaOrmStore::connect(stores::postgres_options(&url)).await.unwrap();
    // Much longer than a connection may take while the database is awake.
    ends(write(&store)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_behind_a_silent_network_is_unavailable_within_the_budget() {
    let Some(database) = stores::postgres_database().await else {
        return;
    };
    let (proxy, url) = ChaosProxy::before(database.url()).unwrap();
    let store = SeaOrmStore::connect(stores::postgres_options(&url)).await.unwrap();
    write(&store).await.unwrap();
    proxy.fail(NetworkFault::Swallow);
    for _ in 0..2 {
        assert!(is_unavailable(&ends(read(&store)).await));
        assert!(is_unavailable(&ends(write(&store)).await));
    }
    proxy.heal().unwrap();
    write(&store).await.unwrap();
}

#[tokio::test]
async fn sessions_carry_the_budgets_and_pooled_ones_carry_nothing() {
    let (store, database) = postgres_or_skip!(|options| options);
    assert_eq!(value::<String>(&store, "SELECT current_setting('statement_timeout')").await, "1s");
    assert_eq!(value::<String>(&store, "SELECT current_setting('lock_timeout')").await, "500ms");
    assert_eq!(value::<String>(&store, "SELECT current_setting('application_name')").await, "holdfast");
    let location = DatabaseLocation::Postgres { url: database.url().to_owned(), pooler: true };
    let options = DatabaseOptions { location, ..stores::postgres_options(database.url()) };
    let pooled = SeaOrmStore::connect(options.clone()).await.unwrap();
    assert_eq!(value::<String>(&pooled, "SELECT current_setting('statement_timeout')").await, "0");
    assert!(ends(pooled.call().execute_unprepared("SELECT pg_sleep(600)")).await.is_err());
    // Without kept statements each one runs in a transaction, which carries the budget.
    let unprepared = SeaOrmStore::connect(DatabaseOptions { statement_cache: 0, ..options }).await.unwrap();
    assert_eq!(value::<String>(&unprepared, "SELECT current_setting('statement_timeout')").await, "1s");
    assert_eq!(
        value::<i64>(&unprepared, "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''").await,
        0
    );
}

#[tokio::test]
async fn a_sqlite_file_is_durable_and_its_readers_cannot_write() {
    let (store, _folder) = stores::sqlite().await;
    assert_eq!(value::<String>(&store, "SELECT * FROM pragma_journal_mode").await, "wal");
    assert_eq!(value::<i32>(&store, "SELECT * FROM pragma_synchronous").await, 2);
    assert_eq!(value::<i32>(&store, "SELECT * FROM pragma_foreign_keys").await, 1);
    assert_eq!(value::<i32>(&store, "SELECT * FROM pragma_query_only").await, 1);
    assert_eq!(value::<i32>(&store, "SELECT * FROM pragma_busy_timeout").await, 1_000);
}

#[tokio::test]
async fn a_missing_sqlite_file_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let options = stores::sqlite_options(&folder.path().join("absent.db"));
    assert!(is_unavailable(&SeaOrmStore::connect(options).await.map(|_| ())));
    assert!(!folder.path().join("absent.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_go_on_while_a_unit_of_work_writes_to_sqlite() {
    let (store, _folder) = stores::sqlite().await;
    let unit = store.begin().await.unwrap();
    unit.users().insert(&fixtures::account().build()).await.unwrap();
    ends(read(&store)).await.unwrap();
    assert!(is_unavailable(&ends(write(&store)).await));
    unit.commit().await.unwrap();
    write(&store).await.unwrap();
}
