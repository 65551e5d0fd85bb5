//! Rows that no version of ours has written, how times lie in a SQLite file, and what a second process does to it.

use holdfast_application::{
    domain::{
        Stored,
        sessions::{EndReason, EventKind},
    },
    ports::{Repositories, Store, StoreError},
};
use holdfast_infrastructure::database::SeaOrmStore;
use holdfast_testkit::fixtures;
use sea_orm::ConnectionTrait;

#[expect(dead_code, reason = "PostgreSQL is for other tests of this folder")]
mod stores;

#[tokio::test]
async fn names_that_only_a_newer_version_knows_fail_no_list_and_no_sign_out() {
    let (store, _folder) = stores::sqlite().await;
    let account = fixtures::account().build();
    store.users().insert(&account).await.unwrap();
    let session = fixtures::session(account.user.id);
    store.sessions().insert(&session).await.unwrap();
    store.sessions().end(session.owner, session.id, EndReason::Reuse, fixtures::at(1)).await.unwrap();
    store
        .audit()
        .append(&fixtures::event(session.owner, EventKind::SignedIn, fixtures::at(1)))
        .await
        .unwrap();
    store.call().execute_unprepared("UPDATE sessions SET revoked_reason = 'whim'").await.unwrap();
    store.call().execute_unprepared("UPDATE auth_events SET kind = 'whim'").await.unwrap();
    let whim = || "whim".to_owned();
    let found = store.sessions().find(session.owner, session.id).await.unwrap().unwrap();
    assert_eq!(found.ended, Some((fixtures::at(1), Stored::Newer(whim()))));
    let history = store.audit().latest(account.user.id, None, 1).await.unwrap();
    assert_eq!(history[0].kind, Stored::Newer(whim()));
    let end = store.sessions().end(session.owner, session.id, EndReason::SignedOut, fixtures::at(2)).await;
    assert!(!end.unwrap(), "it has ended already");
}

#[tokio::test]
async fn a_file_that_another_process_writes_to_is_unavailable_and_then_of_use_again() {
    let (store, folder) = stores::sqlite().await;
    let options = stores::sqlite_options(&folder.path().join("holdfast.db"));
    let other = SeaOrmStore::connect(options).await.unwrap();
    let unit = other.begin().await.unwrap();
    let refused = store.users().insert(&fixtures::account().build()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)));
    drop(unit);
    store.users().insert(&fixtures::account().build()).await.unwrap();
    store.begin().await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn integers_hold_the_microseconds_on_sqlite() {
    let (store, _folder) = stores::sqlite().await;
    let account = fixtures::account().build();
    store.users().insert(&account).await.unwrap();
    let at = fixtures::micros(-62_135_596_799_999_999);
    assert!(store.users().record_sign_in(account.user.id, at).await.unwrap());
    let call = store.call();
    let statement = sea_orm::Statement::from_sql_and_values(
        call.get_database_backend(),
        "SELECT last_sign_in_at, typeof(last_sign_in_at), typeof(id) FROM users",
        [],
    );
    let row = call.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), at.micros());
    assert_eq!(row.try_get_by_index::<String>(1).unwrap(), "integer");
    assert_eq!(row.try_get_by_index::<String>(2).unwrap(), "blob");
    let user = store.users().find(account.user.id).await.unwrap().unwrap();
    assert_eq!(user.last_sign_in_at, Some(at));
}
