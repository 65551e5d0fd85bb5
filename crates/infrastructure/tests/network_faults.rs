//! Calls of the store over a network that fails in every way we know: never a wrong success, never a doubled write, never
//! another error than `Unavailable`, never slower than a request may take, and full service afterwards.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture, future::join_all};
use holdfast_application::{
    domain::{
        Timestamp,
        sessions::{AuthEvent, EndReason, EventKind, Rotation, Session},
        tasks::{Task, Title},
        users::Account,
    },
    ports::{
        Deleted, Direction, SortBy, Start, Store, StoreError, TaskChanges, TaskFilter, TaskOrder, TaskQuery,
        TokenHash, Updated,
    },
};
use holdfast_infrastructure::database::{DatabaseLocation, DatabaseOptions, SeaOrmStore};
use holdfast_testkit::{ChaosProxy, NetworkFault, fixtures, ids::unique};
use tokio::time::timeout;

#[expect(dead_code, reason = "SQLite has no network")]
mod stores;

/// No answer may take longer; the budgets of the store end much earlier.
const REQUEST: Duration = Duration::from_secs(5);

/// The rows that one operation works on, its own alone.
#[derive(Clone)]
struct Rows {
    account: Account,
    newcomer: Account,
    task: Task,
    new_task: Task,
    session: Session,
    new_session: Session,
    event: AuthEvent,
}

impl Rows {
    async fn new(store: &dyn Store) -> Self {
        let account = fixtures::account().build();
        let owner = account.user.id;
        let rows = Self {
            newcomer: fixtures::account().build(),
            task: fixtures::task(owner).build(),
            new_task: fixtures::task(owner).build(),
            session: fixtures::session(owner),
            new_session: fixtures::session(owner),
            event: fixtures::event(owner, EventKind::SignedIn, now()),
            account,
        };
        store.users().insert(&rows.account).await.unwrap();
        store.tasks().insert(&rows.task).await.unwrap();
        store.sessions().insert(&rows.session).await.unwrap();
        rows
    }

    fn rotation(&self) -> Rotation {
        let next = holdfast_application::domain::TokenId::new(unique());
        self.session.rotate(next, "k1".into(), fixtures::LIFETIMES, now()).unwrap()
    }
}

fn now() -> Timestamp {
    fixtures::at(10)
}

type Run = fn(Arc<dyn Store>, Rows) -> BoxFuture<'static, Result<(), StoreError>>;
type Effects = fn(Arc<dyn Store>, Rows) -> BoxFuture<'static, i64>;

/// Something that is asked of the store. It fails the test by itself when the answer is a wrong one.
struct Operation {
    name: &'static str,
    run: Run,
    /// How many times it has happened, as the rows tell; nothing for what only reads.
    effects: Option<Effects>,
}

const fn reads(name: &'static str, run: Run) -> Operation {
    Operation { name, run, effects: None }
}

const fn writes(name: &'static str, run: Run, effects: Effects) -> Operation {
    Operation { name, run, effects: Some(effects) }
}

const OPERATIONS: [Operation; 17] = [
    reads("ping", |store, _| async move { store.ping().await }.boxed()),
    reads("find a task", |store, rows| {
        async move {
            let found = store.tasks().find(rows.task.owner, rows.task.id).await?;
            assert_eq!(found, Some(rows.task));
            Ok(())
        }
        .boxed()
    }),
    reads("list tasks", |store, rows| {
        async move {
            let order = TaskOrder { by: SortBy::CreatedAt, direction: Direction::Descending };
            let filter = TaskFilter::default();
            let query = TaskQuery { filter, order, start: Start::Offset(0), limit: 50 };
            assert_eq!(store.tasks().list(rows.task.owner, &query).await?, [rows.task]);
            Ok(())
        }
        .boxed()
    }),
    reads("count tasks", |store, rows| {
        async move {
            assert_eq!(store.tasks().count(rows.task.owner, &TaskFilter::default()).await?, 1);
            Ok(())
        }
        .boxed()
    }),
    reads("find an account", |store, rows| {
        async move {
            let email = rows.account.user.email.as_str().to_owned();
            assert_eq!(store.users().find_by_email(&email).await?, Some(rows.account));
            Ok(())
        }
        .boxed()
    }),
    reads("find a session", |store, rows| {
        async move {
            let found = store.sessions().find(rows.session.owner, rows.session.id).await?;
            assert_eq!(found, Some(rows.session));
            Ok(())
        }
        .boxed()
    }),
    writes(
        "insert a task",
        |store, rows| async move { store.tasks().insert(&rows.new_task).await }.boxed(),
        |store, rows| new_tasks(store, rows).boxed(),
    ),
    writes(
        "update a task",
        |store, rows| {
            async move {
                let title = Some(Title::stored("Changed".to_owned()));
                let changes = TaskChanges { title, ..TaskChanges::default() };
                let (owner, id) = (rows.task.owner, rows.task.id);
                let updated = store.tasks().update(owner, id, &changes, None, now()).await?;
                assert!(matches!(updated, Updated::Done(task) if task.revision.number() == 2));
                Ok(())
            }
            .boxed()
        },
        |store, rows| {
            async move {
                let task = store.tasks().find(rows.task.owner, rows.task.id).await.unwrap();
                task.unwrap().revision.number() - 1
            }
            .boxed()
        },
    ),
    writes(
        "delete a task",
        |store, rows| {
            async move {
                let deleted = store.tasks().delete(rows.task.owner, rows.task.id, None).await?;
                assert_eq!(deleted, Deleted::Done);
                Ok(())
            }
            .boxed()
        },
        |store, rows| {
            async move {
                let task = store.tasks().find(rows.task.owner, rows.task.id).await.unwrap();
                i64::from(task.is_none())
            }
            .boxed()
        },
    ),
    writes(
        "insert an account",
        |store, rows| async move { store.users().insert(&rows.newcomer).await }.boxed(),
        |store, rows| {
            async move { i64::from(store.users().find(rows.newcomer.user.id).await.unwrap().is_some()) }
                .boxed()
        },
    ),
    writes(
        "note a sign-in",
        |store, rows| {
            async move {
                assert!(store.users().record_sign_in(rows.account.user.id, now()).await?);
                Ok(())
            }
            .boxed()
        },
        |store, rows| {
            async move {
                let user = store.users().find(rows.account.user.id).await.unwrap().unwrap();
                i64::from(user.last_sign_in_at.is_some())
            }
            .boxed()
        },
    ),
    writes(
        "insert a session",
        |store, rows| async move { store.sessions().insert(&rows.new_session).await }.boxed(),
        |store, rows| {
            async move {
                let (owner, id) = (rows.new_session.owner, rows.new_session.id);
                i64::from(store.sessions().find(owner, id).await.unwrap().is_some())
            }
            .boxed()
        },
    ),
    writes(
        "rotate a session",
        |store, rows| {
            async move {
                let rotated = store.sessions().rotate(&rows.rotation()).await?;
                assert!(rotated.is_some_and(|session| session.generation == 2));
                Ok(())
            }
            .boxed()
        },
        |store, rows| {
            async move {
                let session = store.sessions().find(rows.session.owner, rows.session.id).await.unwrap();
                session.unwrap().generation - 1
            }
            .boxed()
        },
    ),
    writes(
        "end a session",
        |store, rows| {
            async move {
                let Session { owner, id, .. } = rows.session;
                assert!(store.sessions().end(owner, id, EndReason::SignedOut, now()).await?);
                Ok(())
            }
            .boxed()
        },
        |store, rows| {
            async move {
                let session = store.sessions().find(rows.session.owner, rows.session.id).await.unwrap();
                i64::from(session.unwrap().ended.is_some())
            }
            .boxed()
        },
    ),
    writes(
        "append to the history",
        |store, rows| async move { store.audit().append(&rows.event).await }.boxed(),
        |store, rows| events(store, rows).boxed(),
    ),
    writes(
        "deny a token",
        |store, rows| {
            async move {
                let user = rows.account.user.id;
                assert!(store.legacy_tokens().deny(user, TokenHash([7; 32]), fixtures::at(1_000)).await?);
                Ok(())
            }
            .boxed()
        },
        |store, rows| {
            async move {
                let user = rows.account.user.id;
                let bearer = store.legacy_tokens().bearer(user, TokenHash([7; 32])).await.unwrap();
                i64::from(bearer.is_none())
            }
            .boxed()
        },
    ),
    writes(
        "a task and an entry in one unit of work",
        |store, rows| {
            async move {
                let work = store.begin().await?;
                work.tasks().insert(&rows.new_task).await?;
                work.audit().append(&rows.event).await?;
                work.commit().await
            }
            .boxed()
        },
        |store, rows| {
            async move {
                let tasks = new_tasks(store.clone(), rows.clone()).await;
                assert_eq!(tasks, events(store, rows).await, "both or none");
                tasks
            }
            .boxed()
        },
    ),
];

async fn new_tasks(store: Arc<dyn Store>, rows: Rows) -> i64 {
    let found = store.tasks().find(rows.new_task.owner, rows.new_task.id).await.unwrap();
    i64::from(found.is_some())
}

async fn events(store: Arc<dyn Store>, rows: Rows) -> i64 {
    let entries = store.audit().latest(rows.event.user, None, 10).await.unwrap();
    i64::try_from(entries.len()).unwrap()
}

/// A delay that every budget has room for.
const SHORT: Duration = Duration::from_millis(5);

const FAULTS: [NetworkFault; 8] = [
    NetworkFault::Refuse,
    NetworkFault::ResetBefore,
    NetworkFault::ResetDuring,
    NetworkFault::CutAfter { bytes: 1 },
    NetworkFault::CutAfter { bytes: 20 },
    NetworkFault::Swallow,
    NetworkFault::Delay(SHORT),
    NetworkFault::Delay(Duration::from_secs(3)),
];

/// One operation while the network fails.
async fn under(fault: NetworkFault, operation: &Operation, through: Arc<dyn Store>, rows: Rows) -> bool {
    let Operation { name, run, effects: _ } = operation;
    let answer = timeout(REQUEST, run(through, rows)).await;
    match answer.unwrap_or_else(|_| panic!("{name} under {fault:?} has no answer")) {
        Ok(()) => true,
        Err(StoreError::Unavailable(_)) => false,
        Err(other) => panic!("{name} under {fault:?}: {other:?}"),
    }
}

/// Every operation at once while the network fails, then what became of it, then every operation once more.
async fn survive(fault: NetworkFault, proxy: &ChaosProxy, through: Arc<dyn Store>, direct: Arc<dyn Store>) {
    let mut rows = Vec::new();
    for _ in &OPERATIONS {
        rows.push(Rows::new(&*direct).await);
    }
    // Connections of before, on which the fault strikes; others are opened under it.
    join_all((0..4).map(|_| through.ping())).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    proxy.fail(fault);
    let cases = OPERATIONS.iter().zip(&rows);
    let answers = join_all(
        cases.clone().map(|(operation, rows)| under(fault, operation, through.clone(), rows.clone())),
    )
    .await;
    proxy.heal().unwrap();
    let passable = fault == NetworkFault::Delay(SHORT);
    assert!(answers.iter().all(|acknowledged| *acknowledged == passable), "{fault:?}: {answers:?}");
    for ((operation, rows), acknowledged) in cases.zip(answers) {
        let Operation { name, run, effects } = operation;
        if let Some(effects) = effects {
            let happened = effects(direct.clone(), rows.clone()).await;
            let possible = if acknowledged { 1..=1 } else { 0..=1 };
            assert!(possible.contains(&happened), "{name} under {fault:?} happened {happened} times");
        }
        let fresh = Rows::new(&*direct).await;
        run(through.clone(), fresh).await.unwrap_or_else(|error| panic!("{name} after {fault:?}: {error:?}"));
    }
}

async fn survive_all(pooler: bool) {
    let Some(database) = stores::postgres_database().await else {
        return;
    };
    let options = |url: &str| {
        let location = DatabaseLocation::Postgres { url: url.to_owned(), pooler };
        let statement_cache = if pooler { 0 } else { 100 };
        // A database that is gone is not waited for: the budgets are what is under test.
        let wake_timeout = Duration::ZERO;
        DatabaseOptions { location, pool_size: 24, statement_cache, wake_timeout }
    };
    let direct: Arc<dyn Store> = Arc::new(SeaOrmStore::connect(options(database.url())).await.unwrap());
    let (proxy, url) = stores::behind_a_proxy(database.url());
    let through: Arc<dyn Store> = Arc::new(SeaOrmStore::connect(options(&url)).await.unwrap());
    for fault in FAULTS {
        survive(fault, &proxy, through.clone(), direct.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_network_fault_doubles_a_write_or_makes_a_wrong_answer() {
    survive_all(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_network_fault_does_so_without_prepared_statements_either() {
    survive_all(true).await;
}
