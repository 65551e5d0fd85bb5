//! A table of tasks that was cut into parts as `docs/scaling.md` says: the store works on it as before, and every statement
//! goes to one part.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::collections::BTreeSet;

use holdfast_application::{
    domain::{UserId, tasks::Task},
    ports::{
        Deleted, Direction, Position, Repositories, SortBy, SortKey, Start, StoreError, TaskChanges,
        TaskFilter, TaskOrder, TaskQuery, Unique, Updated,
    },
};
use holdfast_infrastructure::database::{DatabaseOptions, SeaOrmStore};
use holdfast_testkit::{
    fixtures::{account, at, task},
    postgres::TestDatabase,
};
use migration::{DatabaseUrl, Runner};
use sea_orm::ConnectionTrait as _;
use sqlx::{Connection as _, PgConnection};

use plan::{Notices, Plan};

#[path = "task_plans/plan.rs"]
#[expect(dead_code, reason = "what a plan sorts is for other tests")]
mod plan;
#[expect(dead_code, reason = "SQLite is for other tests")]
mod stores;

const DOCUMENT: &str = include_str!("../../../docs/scaling.md");
const EACH: usize = 12;

/// The SQL of the document.
fn cut() -> &'static str {
    let sql = DOCUMENT.split("```sql\n").nth(1).unwrap();
    sql.split("```").next().unwrap()
}

struct Scene {
    store: SeaOrmStore,
    tasks: Vec<Task>,
}

impl Scene {
    /// Tasks of eight people, written before the table was cut.
    async fn new(database: &TestDatabase) -> Self {
        let options = DatabaseOptions { pool_size: 1, ..stores::postgres_options(database.url()) };
        let store = SeaOrmStore::connect(options.clone()).await.unwrap();
        let mut tasks = Vec::new();
        for person in 0..8 {
            let account = account().email(&format!("{person}@example.com")).build();
            store.users().insert(&account).await.unwrap();
            for (seconds, number) in (0..).zip(0..EACH) {
                let task = task(account.user.id)
                    .title(&format!("t{number}"))
                    .due(Some(at(seconds)))
                    .created_at(at(seconds));
                let task = task.completed(number % 3 == 0).build();
                store.tasks().insert(&task).await.unwrap();
                tasks.push(task);
            }
        }
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        sqlx::raw_sql(cut()).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        Self { store: SeaOrmStore::connect(options).await.unwrap(), tasks }
    }

    fn owners(&self) -> BTreeSet<UserId> {
        self.tasks.iter().map(|task| task.owner).collect()
    }

    async fn set(&self, sql: &str) {
        self.store.call().execute_unprepared(sql).await.unwrap();
    }

    /// All that lists ask.
    async fn lists(&self, owner: UserId) {
        for (completed, text) in [(None, None), (Some(true), None), (None, Some("t1".to_owned()))] {
            let filter = TaskFilter { completed, text, ..TaskFilter::default() };
            let expected = |task: &&Task| {
                task.owner == owner
                    && completed.is_none_or(|completed| task.completed == completed)
                    && filter.text.as_ref().is_none_or(|text| task.search_text().contains(text))
            };
            let expected: Vec<_> = self.tasks.iter().filter(expected).cloned().collect();
            for by in [SortBy::CreatedAt, SortBy::Due] {
                let order = TaskOrder { by, direction: Direction::Ascending };
                let query = |start| TaskQuery { filter: filter.clone(), order, start, limit: 100 };
                let found = self.store.tasks().list(owner, &query(Start::Offset(0))).await.unwrap();
                assert_eq!(found, expected);
                let position = Position { key: SortKey::of(&expected[0], by), id: expected[0].id };
                let found = self.store.tasks().list(owner, &query(Start::After(position))).await.unwrap();
                assert_eq!(found, expected[1..]);
            }
            assert_eq!(self.store.tasks().count(owner, &filter).await.unwrap(), expected.len() as u64);
        }
    }

    /// A task is made, found, changed and removed again.
    async fn writes(&self, owner: UserId) {
        let (tasks, new) = (self.store.tasks(), task(owner).build());
        tasks.insert(&new).await.unwrap();
        let again = tasks.insert(&new).await.unwrap_err();
        assert!(matches!(again, StoreError::Duplicate(Unique::Id)), "{again:?}");
        let done = TaskChanges { completed: Some(true), ..TaskChanges::default() };
        let updated = tasks.update(owner, new.id, &done, Some(new.revision), at(9)).await.unwrap();
        assert!(matches!(updated, Updated::Done(task) if task.completed));
        assert!(tasks.find(owner, new.id).await.unwrap().unwrap().completed);
        assert_eq!(tasks.delete(owner, new.id, None).await.unwrap(), Deleted::Done);
    }
}

#[tokio::test]
async fn on_a_table_in_parts_every_statement_goes_to_one_of_them() {
    let Some(database) = stores::postgres_database().await else { return };
    let scene = Scene::new(&database).await;
    let notices = Notices::listen();
    scene
        .set(
            "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_level = 'notice'; \
             SET auto_explain.log_format = 'json'",
        )
        .await;
    let mut used = BTreeSet::new();
    for mode in ["force_custom_plan", "force_generic_plan"] {
        scene.set(&format!("SET plan_cache_mode = {mode}")).await;
        for owner in scene.owners() {
            notices.take();
            scene.lists(owner).await;
            scene.writes(owner).await;
            let told = notices.take();
            assert!(told.len() > 15, "{}", told.len());
            let parts: BTreeSet<_> =
                told.iter().flat_map(Plan::tables).filter(|table| table.starts_with("tasks_")).collect();
            assert_eq!(parts.len(), 1, "{mode}: {parts:?}");
            used.extend(parts);
        }
    }
    assert!(used.len() > 1, "eight people and one part: {used:?}");
    let orphan = scene.store.tasks().insert(&task(UserId::new(uuid::Uuid::nil())).build()).await.unwrap_err();
    assert!(matches!(orphan, StoreError::OwnerMissing), "{orphan:?}");
    scene.store.users().delete(scene.tasks[0].owner).await.unwrap();
    let all = TaskFilter::default();
    assert_eq!(scene.store.tasks().count(scene.tasks[0].owner, &all).await.unwrap(), 0);
    // Nothing is pending on it.
    let runner = Runner::new(&DatabaseUrl::parse(database.url()).unwrap());
    assert!(runner.up(None).await.unwrap().is_empty());
}
