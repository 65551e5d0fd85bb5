//! Every call of every repository over a network that fails in every way we know: never a wrong success, never a doubled
//! write, never another error than `Unavailable`, and full service afterwards.
//!
//! What a call answers and leaves behind is compared with the same call over a good network, whatever the call is.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

mod operations;
mod rows;
#[expect(dead_code, reason = "SQLite has no network")]
#[path = "../stores/mod.rs"]
mod stores;

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::join_all, stream};
use holdfast_application::ports::{Store, StoreError};
use holdfast_infrastructure::database::{DatabaseLocation, DatabaseOptions, SeaOrmStore};
use holdfast_testkit::{
    ChaosProxy, NetworkFault,
    postgres::{PgBouncer, TestDatabase},
};
use tokio::time::timeout;

use operations::{Operation, operations};
use rows::Rows;

/// Only to end a test whose answer never comes; the budgets of the store end much earlier.
const DEADLINE: Duration = Duration::from_mins(1);
/// Calls at one moment while nothing fails, so that each finds a connection.
const AT_A_TIME: usize = 8;
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

/// What a call answers, and the rows before and after it, over a good network.
struct Clean {
    answer: String,
    before: String,
    after: String,
}

async fn clean(operation: &Operation, store: &Arc<dyn Store>) -> Clean {
    let rows = Rows::new(&**store).await;
    let before = rows.snapshot(&**store).await;
    let answer = (operation.run)(store.clone(), rows.clone()).await;
    let answer = answer.unwrap_or_else(|error| panic!("{}: {error:?}", operation.name));
    Clean { answer: rows.anonymous(&answer), before, after: rows.snapshot(&**store).await }
}

/// One call while the network fails: whether it was acknowledged.
async fn under(
    fault: NetworkFault,
    operation: &Operation,
    clean: &Clean,
    through: Arc<dyn Store>,
    rows: &Rows,
) -> bool {
    let name = operation.name;
    let answer = timeout(DEADLINE, (operation.run)(through, rows.clone())).await;
    match answer.unwrap_or_else(|_| panic!("{name} under {fault:?} has no answer")) {
        Ok(answer) => {
            assert_eq!(rows.anonymous(&answer), clean.answer, "{name} under {fault:?}");
            true
        }
        Err(StoreError::Unavailable(_)) => false,
        Err(other) => panic!("{name} under {fault:?}: {other:?}"),
    }
}

/// Every call at once while the network fails, then what became of it, then every call once more.
async fn survive(
    fault: NetworkFault,
    cases: &[(Operation, Clean)],
    proxy: &ChaosProxy,
    through: &Arc<dyn Store>,
    direct: &Arc<dyn Store>,
) {
    let rows: Vec<Rows> =
        stream::iter(cases).map(|_| Rows::new(&**direct)).buffered(AT_A_TIME).collect().await;
    // Connections of before, on which the fault strikes; others are opened under it.
    join_all((0..4).map(|_| through.ping())).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    proxy.fail(fault);
    let running = cases
        .iter()
        .zip(&rows)
        .map(|((operation, clean), rows)| under(fault, operation, clean, through.clone(), rows));
    let answers = join_all(running).await;
    proxy.heal().unwrap();
    let passable = fault == NetworkFault::Delay(SHORT);
    let passed = answers.iter().filter(|acknowledged| **acknowledged).count();
    // The shortest answers fit into what passes of one that is cut; whoever comes late on a slow machine may be refused.
    let as_expected = if passable { passed > 0 } else { passed * 10 < cases.len() };
    assert!(as_expected, "{passed} of {} calls passed under {fault:?}", cases.len());
    for (((operation, clean), rows), acknowledged) in cases.iter().zip(&rows).zip(answers) {
        let name = operation.name;
        let stored = rows.snapshot(&**direct).await;
        if acknowledged {
            assert_eq!(stored, clean.after, "{name} under {fault:?} was acknowledged");
        } else {
            let whole = stored == clean.after || stored == clean.before;
            assert!(whole, "{name} under {fault:?} left this behind: {stored}");
        }
    }
    let again = stream::iter(cases).map(async |(operation, clean)| {
        let rows = Rows::new(&**direct).await;
        let answer = (operation.run)(through.clone(), rows.clone()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{} after {fault:?}: {error:?}", operation.name));
        assert_eq!(rows.anonymous(&answer), clean.answer, "{} after {fault:?}", operation.name);
    });
    again.buffered(AT_A_TIME).collect::<()>().await;
}

fn options(url: &str, pooler: bool) -> DatabaseOptions {
    let location = DatabaseLocation::Postgres { url: url.to_owned(), pooler };
    let statement_cache = if pooler { 0 } else { 100 };
    // A database that is gone is not waited for: the budgets are what is under test.
    DatabaseOptions { location, pool_size: 24, workers: 0, statement_cache, wake_timeout: Duration::ZERO }
}

/// `url` leads to the database, maybe through a pooler; the network in front of it fails.
async fn survive_all(database: &TestDatabase, url: &str, pooler: bool) {
    let connect =
        async |url: &str, pooler| SeaOrmStore::connect(options(url, pooler)).await.map(Arc::new).unwrap();
    let direct: Arc<dyn Store> = connect(database.url(), false).await;
    let (proxy, url) = ChaosProxy::before(url).unwrap();
    let through: Arc<dyn Store> = connect(&url, pooler).await;
    let mut cases = Vec::new();
    for operation in operations() {
        let clean = clean(&operation, &direct).await;
        cases.push((operation, clean));
    }
    for fault in FAULTS {
        survive(fault, &cases, &proxy, &through, &direct).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_network_fault_doubles_a_write_or_makes_a_wrong_answer() {
    let Some(database) = stores::postgres_database().await else { return };
    survive_all(&database, database.url(), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_network_fault_does_so_without_prepared_statements_either() {
    let Some(database) = stores::postgres_database().await else { return };
    survive_all(&database, database.url(), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_network_fault_does_so_in_front_of_a_pooler_either() {
    let Some(database) = stores::postgres_database().await else { return };
    let Some(pooler) = PgBouncer::in_front_of(database.url(), "network faults").unwrap() else { return };
    survive_all(&database, pooler.url(), true).await;
}

/// Methods of the storage ports, as their files have them: `Trait::method`.
fn declared() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../application/src/ports");
    let mut methods = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        let mut port = None;
        for line in source.lines() {
            let name =
                |after: &str| Some(line.strip_prefix(after)?.split(['(', ':', ' ']).next()?.to_owned());
            if let Some(name) = name("pub trait ") {
                port =
                    Some(name).filter(|it| it.ends_with("Repository") || it == "Store" || it == "UnitOfWork");
            }
            if let (Some(port), Some(method)) = (&port, name("    async fn ")) {
                methods.insert(format!("{port}::{method}"));
            }
        }
    }
    methods
}

#[test]
fn every_method_of_every_port_of_storage_is_tried() {
    let tried: BTreeSet<String> = operations().iter().map(|operation| operation.name.to_owned()).collect();
    let declared = declared();
    assert!(declared.len() > 60, "the ports are found: {declared:?}");
    let forgotten: Vec<_> = declared.difference(&tried).collect();
    assert!(forgotten.is_empty(), "add them to operations.rs: {forgotten:?}");
    let unknown: Vec<_> = tried.difference(&declared).collect();
    assert!(unknown.is_empty(), "no port has these: {unknown:?}");
}
