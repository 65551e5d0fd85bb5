//! Lists from a replica: they show whatever anybody was told before, from whoever answers, and no failure of the replica's is
//! one of ours.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

mod failures;
mod scene;
#[expect(dead_code, reason = "SQLite has no replicas")]
#[path = "../stores/mod.rs"]
mod stores;

use std::sync::Arc;

use holdfast_application::ports::{Repositories as _, Store as _, TaskFilter};
use holdfast_infrastructure::database::{DatabaseLocation, DatabaseOptions, SeaOrmStore};
use holdfast_testkit::{
    conformance::{Fresh, tasks::all_about_tasks},
    postgres::PgBouncer,
};

use scene::{Pair, add, ends, execute, list, owner, state, until, until_the_replica_answers, who_answers};

#[tokio::test(flavor = "multi_thread")]
async fn every_case_about_tasks_holds_over_a_replica() {
    let Some(pair) = Pair::plain_rows().await else { return };
    let store = Arc::new(pair.store().await);
    let fresh = Fresh::new(store.clone(), ());
    ends(all_about_tasks(&fresh)).await;
    let state = state(&store);
    assert!(state.answered > 0, "{state:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_at_once_what_any_instance_has_acknowledged() {
    let Some(pair) = Pair::alone().await else { return };
    let here = pair.store().await;
    let owner = owner(&here).await;
    until_the_replica_answers(&here, owner).await;
    // The other instance, and one whose commits are acknowledged before they are on the disk.
    let unflushed = format!("{}?options=-c%20synchronous_commit%3Doff", pair.database.url());
    let unflushed = SeaOrmStore::connect(stores::postgres_options(&unflushed)).await.unwrap();
    for elsewhere in [pair.primary_store().await, unflushed] {
        for _ in 0..50 {
            let added = add(&elsewhere, owner).await;
            let tasks = list(&here, owner).await;
            assert!(tasks.iter().any(|task| task.id == added));
            let counted = here.tasks().count(owner, &TaskFilter::default()).await.unwrap();
            assert_eq!(counted, tasks.len() as u64);
        }
        until_the_replica_answers(&here, owner).await;
    }

    pair.on_replica("SELECT pg_wal_replay_pause()").await;
    for _ in 0..3 {
        let added = add(&pair.primary_store().await, owner).await;
        let tasks = list(&here, owner).await;
        assert!(tasks.iter().any(|task| task.id == added));
        assert_eq!(who_answers(&here, owner).await, "primary");
    }
    assert!(!state(&here).in_use);
    pair.on_replica("SELECT pg_wal_replay_resume()").await;
    until_the_replica_answers(&here, owner).await;
    assert!(state(&here).in_use);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_replica_of_this_very_database_answers() {
    let Some(pair) = Pair::telltale().await else { return };
    let plain = pair.primary_store().await;
    let owner = owner(&plain).await;
    // A copy with the same rows, and the same names, beside the one that is served.
    let beside = format!("{}_beside", pair.database.name());
    let copy = format!("CREATE DATABASE \"{beside}\" TEMPLATE \"{}\"", pair.database.name());
    drop(plain);
    execute(&pair.servers.primary.url("postgres"), &copy).await;
    // Another cluster altogether.
    let Some(stranger) = stores::postgres_database().await else { return };
    let elsewhere =
        [pair.database.url().to_owned(), pair.servers.replica.url(&beside), stranger.url().to_owned()];
    for url in &elsewhere {
        until(async || {
            SeaOrmStore::connect(stores::postgres_options(url)).await.unwrap().ping().await.is_ok()
        })
        .await;
        let store = pair.reading_from(stores::postgres_options(url)).await;
        for _ in 0..5 {
            let added = add(&store, owner).await;
            assert!(list(&store, owner).await.iter().any(|task| task.id == added));
            assert_eq!(who_answers(&store, owner).await, "primary");
        }
        let state = state(&store);
        assert!(state.answered == 0 && state.passed_on > 0 && !state.in_use, "{state:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_went_its_own_way_answers_no_more() {
    let Some(pair) = Pair::telltale().await else { return };
    let replica = pair.servers.primary.replica().unwrap();
    let url = replica.url(pair.database.name());
    let store = pair.reading_from(stores::postgres_options(&url)).await;
    let owner = owner(&store).await;
    until_the_replica_answers(&store, owner).await;
    execute(&url, "SELECT pg_promote()").await;
    // It is ahead of the primary from here on, with rows that nobody here was told of.
    let strays = "INSERT INTO stored_tasks SELECT owner_id, gen_random_uuid(), title, title_sort, description, search_text, \
                  due_at, priority, is_completed, revision, created_at, updated_at FROM stored_tasks";
    for expected in 2..7 {
        execute(&url, strays).await;
        add(&store, owner).await;
        assert_eq!(list(&store, owner).await.len(), expected);
        assert_eq!(who_answers(&store, owner).await, "primary");
    }
    assert!(!state(&store).in_use);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_behind_a_pooler_answers_as_well() {
    let Some(pair) = Pair::telltale().await else { return };
    let Some(pooler) = PgBouncer::in_front_of(&pair.replica_url(), "infrastructure: replica").unwrap() else {
        return;
    };
    let location = DatabaseLocation::Postgres { url: pooler.url().to_owned(), pooler: true };
    let options = DatabaseOptions { location, statement_cache: 0, ..stores::postgres_options(pooler.url()) };
    let store = pair.reading_from(options).await;
    let owner = owner(&store).await;
    until_the_replica_answers(&store, owner).await;
    for _ in 0..20 {
        let added = add(&store, owner).await;
        assert!(list(&store, owner).await.iter().any(|task| task.id == added));
    }
    until_the_replica_answers(&store, owner).await;
}
