//! What becomes of lists when the replica is killed, unreachable, in trouble, or at odds with what it replays.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use holdfast_application::domain::UserId;
use holdfast_infrastructure::database::SeaOrmStore;
use holdfast_testkit::{ChaosProxy, NetworkFault};
use sea_orm::{ConnectionTrait, Statement};
use tokio::task::JoinHandle;

use crate::{
    scene::{
        Pair, execute, list, owner, state, until, until_the_primary_helps_out, until_the_replica_answers,
        who_answers,
    },
    stores,
};

/// Callers who list on and on; a list that fails fails the test.
struct Readers {
    over: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Readers {
    fn start(store: &Arc<SeaOrmStore>, owner: UserId) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let reader = || {
            let (store, over) = (store.clone(), over.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(list(&store, owner).await.len(), 1);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            })
        };
        let tasks = (0..4).map(|_| reader()).collect();
        Self { over, tasks }
    }

    async fn stop(self) {
        self.over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_fails_while_the_replica_is_killed_and_it_answers_again_once_it_is_back() {
    let Some(pair) = Pair::alone().await else { return };
    let store = Arc::new(pair.store().await);
    let owner = owner(&store).await;
    until_the_replica_answers(&store, owner).await;
    let readers = Readers::start(&store, owner);
    pair.servers.replica.kill().unwrap();
    until(async || !state(&store).in_use).await;
    until_the_primary_helps_out(&store, owner).await;
    pair.servers.replica.start().unwrap();
    until(async || state(&store).in_use).await;
    readers.stop().await;
    until_the_replica_answers(&store, owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_fails_on_the_way_to_the_replica() {
    let Some(pair) = Pair::telltale().await else { return };
    let (proxy, url) = ChaosProxy::before(&pair.replica_url()).unwrap();
    let store = Arc::new(pair.reading_from(stores::postgres_options(&url)).await);
    let owner = owner(&store).await;
    let readers = Readers::start(&store, owner);
    let faults = [
        NetworkFault::Swallow,
        NetworkFault::Refuse,
        NetworkFault::ResetDuring,
        NetworkFault::CutAfter { bytes: 20 },
        NetworkFault::Delay(Duration::from_secs(3)),
    ];
    for fault in faults {
        until(async || state(&store).in_use).await;
        proxy.fail(fault);
        until(async || !state(&store).in_use).await;
        assert_eq!(who_answers(&store, owner).await, "primary");
        proxy.heal().unwrap();
    }
    readers.stop().await;
    until_the_replica_answers(&store, owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_answers_whatever_the_replica_says() {
    let Some(pair) = Pair::telltale().await else { return };
    let store = pair.store().await;
    let owner = owner(&store).await;
    // A recovery conflict, a cancelled statement, a missing column, and a list that takes too long.
    for wish in ["40001", "57014", "42703", "0.9"] {
        until_the_replica_answers(&store, owner).await;
        pair.wish(wish).await;
        until_the_primary_helps_out(&store, owner).await;
        assert_eq!(who_answers(&store, owner).await, "primary");
        pair.wish("").await;
    }
    until_the_replica_answers(&store, owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_fails_when_the_replica_cancels_it_to_go_on_replaying() {
    let Some(pair) = Pair::alone().await else { return };
    pair.servers.replica.restart_with(&["max_standby_streaming_delay=0"]).unwrap();
    // Long enough on the replica for a vacuum to come in between.
    pair.wish("0.05").await;
    let store = Arc::new(pair.store().await);
    let owner = owner(&store).await;
    let readers = Readers::start(&store, owner);
    let replica = SeaOrmStore::connect(stores::postgres_options(&pair.replica_url())).await.unwrap();
    let conflicts = async || {
        let call = replica.call();
        let sql = "SELECT confl_snapshot + confl_lock + confl_bufferpin FROM pg_stat_database_conflicts \
                   WHERE datname = current_database()";
        let statement = Statement::from_string(call.get_database_backend(), sql);
        let row = call.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    until(async || {
        // Whoever still sees the former versions is in the way of their removal.
        execute(pair.database.url(), "UPDATE stored_tasks SET revision = revision + 1").await;
        execute(pair.database.url(), "VACUUM stored_tasks").await;
        conflicts().await > 0
    })
    .await;
    readers.stop().await;
    pair.wish("").await;
    drop(replica);
    pair.servers.replica.restart_with(&[]).unwrap();
    until_the_replica_answers(&store, owner).await;
}
