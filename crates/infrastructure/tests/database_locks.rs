//! Transactions that want the same rows in opposite order: deadlocks, and what becomes of those who lose.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::{sync::Arc, time::Duration};

use futures_util::future::join;
use holdfast_application::{
    domain::{
        TaskId, UserId,
        sessions::EndReason,
        tasks::{Revision, Task},
    },
    ports::{Repositories as _, Store, StoreError, TaskChanges, Updated},
};
use holdfast_infrastructure::database::{DatabaseOptions, SeaOrmStore};
use holdfast_testkit::fixtures;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::{sync::Barrier, time::timeout};

mod stores;

/// Only to end a test whose condition never comes.
const DEADLINE: Duration = Duration::from_mins(2);
/// Rounds of each race: who wins is chance.
const ROUNDS: i64 = 20;
/// Tries until a unit of work has gone through.
const TRIES: usize = 1_000;

async fn two_tasks(store: &dyn Store) -> [Task; 2] {
    let account = fixtures::account().build();
    store.users().insert(&account).await.unwrap();
    let tasks = [(); 2].map(|()| fixtures::task(account.user.id).build());
    for task in &tasks {
        store.tasks().insert(task).await.unwrap();
    }
    tasks
}

async fn revision(store: &dyn Store, task: &Task) -> Revision {
    store.tasks().find(task.owner, task.id).await.unwrap().unwrap().revision
}

/// Touches both, in this order, in one unit of work. `between` is awaited after the first.
async fn touch(
    store: &dyn Store,
    owner: UserId,
    [first, second]: [TaskId; 2],
    between: impl Future<Output = ()>,
) -> Result<(), StoreError> {
    let unit = store.begin().await?;
    let changes = TaskChanges { completed: Some(true), ..TaskChanges::default() };
    let done = unit.tasks().update(owner, first, &changes, None, fixtures::at(1)).await?;
    assert!(matches!(done, Updated::Done(_)));
    between.await;
    let done = unit.tasks().update(owner, second, &changes, None, fixtures::at(1)).await?;
    assert!(matches!(done, Updated::Done(_)));
    unit.commit().await
}

async fn touch_until_done(store: &dyn Store, owner: UserId, tasks: [TaskId; 2]) {
    for _ in 0..TRIES {
        match touch(store, owner, tasks, async {}).await {
            Ok(()) => return,
            Err(StoreError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("a unit of work never goes through");
}

async fn units_in_opposite_order_all_go_through_once(store: Arc<dyn Store>) {
    let [a, b] = two_tasks(&*store).await;
    let there = async {
        for _ in 0..ROUNDS {
            touch_until_done(&*store, a.owner, [a.id, b.id]).await;
        }
    };
    let back = async {
        for _ in 0..ROUNDS {
            touch_until_done(&*store, a.owner, [b.id, a.id]).await;
        }
    };
    join(there, back).await;
    for task in [&a, &b] {
        assert_eq!(revision(&*store, task).await, Revision::new(1 + 2 * ROUNDS));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn units_of_work_in_opposite_order_all_go_through_once_on_postgres() {
    let Some(database) = stores::postgres_database().await else { return };
    let store = SeaOrmStore::connect(stores::postgres_options(database.url())).await.unwrap();
    units_in_opposite_order_all_go_through_once(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_of_work_in_opposite_order_all_go_through_once_on_sqlite() {
    let (store, _folder) = stores::sqlite().await;
    units_in_opposite_order_all_go_through_once(Arc::new(store)).await;
}

/// Connections of now on look for deadlocks soon, before their wait for a lock is over.
async fn look_for_deadlocks_soon(connection: &mut PgConnection) {
    let soon = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''20ms''', current_database()); \
                END $$";
    connection.execute(soon).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_units_in_a_deadlock_one_goes_through_and_nothing_of_the_other_stays() {
    let Some(database) = stores::postgres_database().await else { return };
    look_for_deadlocks_soon(&mut PgConnection::connect(database.url()).await.unwrap()).await;
    let store = SeaOrmStore::connect(stores::postgres_options(database.url())).await.unwrap();
    let [a, b] = two_tasks(&store).await;
    let both_hold_one = Barrier::new(2);
    let meet = || async {
        both_hold_one.wait().await;
    };
    let (one, other) =
        join(touch(&store, a.owner, [a.id, b.id], meet()), touch(&store, a.owner, [b.id, a.id], meet()))
            .await;
    let lost =
        [&one, &other].into_iter().filter(|outcome| matches!(outcome, Err(StoreError::Unavailable(_))));
    assert_eq!(lost.count(), 1, "{one:?} {other:?}");
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    for task in [&a, &b] {
        assert_eq!(revision(&store, task).await, Revision::new(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_statement_that_loses_in_a_deadlock_is_tried_again() {
    let Some(database) = stores::postgres_database().await else { return };
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    look_for_deadlocks_soon(&mut other).await;
    // One connection, whose statistics are then known to be all there are.
    let options = DatabaseOptions { pool_size: 1, ..stores::postgres_options(database.url()) };
    let store = Arc::new(SeaOrmStore::connect(options).await.unwrap());
    // The other one never gives way: it looks for deadlocks too late.
    other.execute("SET deadlock_timeout = '10min'").await.unwrap();
    let mut watcher = PgConnection::connect(database.url()).await.unwrap();
    let survived = async {
        let mut both = false;
        while !(both && a_deadlock_is_told(&store, &mut watcher).await) {
            // The statement takes the rows in some order: with one of the two it holds a row already when it waits.
            let first = end_all_against(&store, &mut other, &mut watcher, "min").await;
            both = end_all_against(&store, &mut other, &mut watcher, "max").await && first;
        }
    };
    timeout(DEADLINE, survived).await.unwrap();
}

/// Ends both sessions of an account while somebody else holds one of them, and then wants the other. False where that took so
/// long that the limit on waiting came first.
async fn end_all_against(
    store: &Arc<SeaOrmStore>,
    other: &mut PgConnection,
    watcher: &mut PgConnection,
    holds: &str,
) -> bool {
    let account = fixtures::account().build();
    let owner = account.user.id;
    store.users().insert(&account).await.unwrap();
    for _ in 0..2 {
        store.sessions().insert(&fixtures::session(owner)).await.unwrap();
    }
    let touch = |rows: &str| {
        let sql = format!("UPDATE sessions SET generation = generation WHERE user_id = '{owner}' {rows}");
        sqlx::raw_sql(AssertSqlSafe(sql))
    };
    let held = format!("AND ctid = (SELECT {holds}(ctid) FROM sessions WHERE user_id = '{owner}')");
    other.execute("BEGIN").await.unwrap();
    other.execute(touch(&held)).await.unwrap();
    let ending = store.clone();
    let ending = tokio::spawn(async move {
        ending.sessions().end_all(owner, None, EndReason::Banned, fixtures::at(1)).await
    });
    while !ending.is_finished() && !somebody_waits(watcher).await {}
    other.execute(touch("")).await.unwrap();
    other.execute("COMMIT").await.unwrap();
    let live = async || store.sessions().live(owner, fixtures::at(2), 10).await.unwrap().len();
    match ending.await.unwrap() {
        Ok(ended) => {
            assert_eq!((ended.len(), live().await), (2, 0), "both are ended, in one of its tries");
            true
        }
        Err(StoreError::Unavailable(_)) => {
            assert_eq!(live().await, 2, "none is ended");
            false
        }
        Err(other) => panic!("{other:?}"),
    }
}

async fn somebody_waits(watcher: &mut PgConnection) -> bool {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(watcher).await.unwrap();
    waiting > 0
}

/// Whether a connection has told of a deadlock, which it does at the end of a transaction and once a second.
async fn a_deadlock_is_told(store: &SeaOrmStore, watcher: &mut PgConnection) -> bool {
    store.ping().await.unwrap();
    let told = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let told: i64 = sqlx::query_scalar(told).fetch_one(watcher).await.unwrap();
    told > 0
}
