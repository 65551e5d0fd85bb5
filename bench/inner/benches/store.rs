//! What a statement takes on a SQLite file, where no network hides what we do: making its text, binding,
//! reading rows and mapping them.

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use holdfast_application::{
    domain::tasks::Priority,
    ports::{Direction, Repositories as _, SortBy, Start, TaskChanges, TaskFilter, TaskOrder, TaskQuery},
};
use holdfast_infrastructure::database::{DatabaseLocation, DatabaseOptions, SeaOrmStore};
use holdfast_testkit::fixtures;
use migration::{DatabaseUrl, Runner};
use tokio::runtime::{Builder, Runtime};

async fn store(folder: &tempfile::TempDir) -> SeaOrmStore {
    let path = folder.path().join("bench.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display())).expect("a URL");
    Runner::new(&url).up(None).await.expect("migrations");
    let options = DatabaseOptions {
        location: DatabaseLocation::Sqlite { path },
        pool_size: 4,
        workers: 0,
        statement_cache: 100,
        wake_timeout: Duration::from_secs(5),
    };
    SeaOrmStore::connect(options).await.expect("a store")
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn statements(criterion: &mut Criterion) {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let store = runtime.block_on(store(&folder));
    let account = fixtures::account().build();
    let owner = account.user.id;
    runtime.block_on(store.users().insert(&account)).expect("an account");
    let mut first = None;
    for number in 0..200 {
        let task = fixtures::task(owner)
            .title(&format!("Task number {number}"))
            .description("with some words")
            .build();
        runtime.block_on(store.tasks().insert(&task)).expect("a task");
        first.get_or_insert(task.id);
    }
    let id = first.expect("there are tasks");
    let page = |filter: TaskFilter| TaskQuery {
        filter,
        order: TaskOrder { by: SortBy::CreatedAt, direction: Direction::Descending },
        start: Start::Offset(0),
        limit: 50,
    };
    let (all, some) = (
        page(TaskFilter::default()),
        page(TaskFilter { completed: Some(false), text: Some("number".to_owned()), ..TaskFilter::default() }),
    );
    let mut group = criterion.benchmark_group("store, SQLite");
    group.bench_function("find", |bench| {
        bench.to_async(&runtime).iter(|| store.tasks().find(owner, black_box(id)));
    });
    group
        .bench_function("list 50", |bench| bench.to_async(&runtime).iter(|| store.tasks().list(owner, &all)));
    group.bench_function("list 50, filtered", |bench| {
        bench.to_async(&runtime).iter(|| store.tasks().list(owner, &some));
    });
    group.bench_function("count, filtered", |bench| {
        bench.to_async(&runtime).iter(|| store.tasks().count(owner, &some.filter));
    });
    let changes = TaskChanges { priority: Priority::from_rank(0), ..TaskChanges::default() };
    group.bench_function("update (with fsync)", |bench| {
        bench.to_async(&runtime).iter(|| store.tasks().update(owner, id, &changes, None, fixtures::at(1)));
    });
    group.bench_function("insert (with fsync)", |bench| {
        bench.to_async(&runtime).iter_batched(
            || fixtures::task(owner).build(),
            |task| async { store.tasks().insert(&{ task }).await },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, statements);
criterion_main!(benches);
