//! Searches find the same with PostgreSQL's index for them and without it, and use it where it is.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use holdfast_application::{
    domain::{UserId, tasks::Task, text::fold},
    ports::{Direction, Repositories, SortBy, Start, TaskFilter, TaskOrder, TaskQuery},
};
use holdfast_infrastructure::database::{DatabaseOptions, SeaOrmStore};
use holdfast_testkit::fixtures::{account, at, task};
use migration::{DatabaseUrl, Runner};
use sea_orm::ConnectionTrait as _;

use plan::Notices;

#[path = "task_plans/plan.rs"]
#[expect(dead_code, reason = "what a plan sorts is for other tests")]
mod plan;
#[expect(dead_code, reason = "SQLite is for other tests")]
mod stores;

const INDEX: &str = "tasks_owner_search_idx";

/// Texts with what patterns, trigrams and other alphabets make of them.
const TITLES: [&str; 20] = [
    "100% sure",
    "100 sure",
    "snake_case",
    "snakexcase",
    "a\\b and c",
    "a\\%b",
    "[x]*?. it's \"",
    "--- ... ---",
    "ΟΔΟΣ Α",
    "caf\u{e9}",
    "cafe\u{301}",
    "Straße",
    "𝄞𝄞𝄞 clef",
    "日本語テキスト",
    "İstanbul",
    "word wording sword",
    "two  spaces",
    "x y z",
    "ﬁne",
    "🦔🦔🦔",
];

const SEARCHES: [&str; 36] = [
    "sure",
    "100%",
    "0% s",
    "% sure",
    "e_c",
    "snake_",
    "\\b a",
    "a\\%b",
    "a\\%",
    "%%%",
    "___",
    "\\\\\\",
    "[x]",
    "s \"",
    "---",
    "... -",
    "οδοσ α",
    "caf\u{e9}",
    "cafe\u{301}",
    "fe\u{301}",
    "straße",
    "traß",
    "𝄞𝄞𝄞",
    "𝄞 c",
    "本語テ",
    "日本",
    "i\u{307}s",
    "stanbul",
    "word",
    "ordi",
    "o  s",
    "o s",
    "x y",
    "ﬁne",
    "🦔🦔🦔",
    "not there",
];

struct Scene {
    store: SeaOrmStore,
    tasks: Vec<Task>,
}

impl Scene {
    async fn new(url: &str) -> Self {
        let options = DatabaseOptions { pool_size: 1, ..stores::postgres_options(url) };
        let store = SeaOrmStore::connect(options).await.unwrap();
        let mut tasks = Vec::new();
        for person in 0..3 {
            let account = account().email(&format!("{person}@example.com")).build();
            store.users().insert(&account).await.unwrap();
            for (seconds, title) in (0..).zip(TITLES.iter().skip(person)) {
                let task = task(account.user.id)
                    .title(title)
                    .description("Sure of it")
                    .created_at(at(seconds))
                    .build();
                store.tasks().insert(&task).await.unwrap();
                tasks.push(task);
            }
        }
        Self { store, tasks }
    }

    fn owners(&self) -> Vec<UserId> {
        let mut owners: Vec<_> = self.tasks.iter().map(|task| task.owner).collect();
        owners.dedup();
        owners
    }

    /// Asks for everything, and compares with what plain Rust finds.
    async fn finds_what_is_there(&self) {
        for owner in self.owners() {
            for search in SEARCHES {
                let filter = TaskFilter { text: Some(fold(search)), ..TaskFilter::default() };
                let order = TaskOrder { by: SortBy::CreatedAt, direction: Direction::Ascending };
                let query = TaskQuery { filter, order, start: Start::Offset(0), limit: 100 };
                let found = self.store.tasks().list(owner, &query).await.unwrap();
                let owned = self.tasks.iter().filter(|task| task.owner == owner);
                let expected: Vec<_> =
                    owned.filter(|task| task.search_text().contains(&fold(search))).cloned().collect();
                assert_eq!(found, expected, "{search:?}");
                let counted = self.store.tasks().count(owner, &query.filter).await.unwrap();
                assert_eq!(counted, expected.len() as u64, "{search:?}");
            }
        }
    }
}

#[tokio::test]
async fn searches_find_the_same_with_their_index_as_without() {
    let Some(database) = stores::postgres_database().await else { return };
    let scene = Scene::new(database.url()).await;
    scene.finds_what_is_there().await;
    Runner::new(&DatabaseUrl::parse(database.url()).unwrap()).create_search_index().await.unwrap();
    let notices = Notices::listen();
    // Nothing else is left to follow, so that even this small a table is searched by it.
    for sql in [
        "ALTER TABLE tasks DROP CONSTRAINT tasks_pkey",
        "DROP INDEX tasks_owner_created_state_idx, tasks_owner_due_state_idx",
        "SET enable_seqscan = off",
        "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_level = 'notice'; \
         SET auto_explain.log_format = 'json'",
    ] {
        scene.store.call().execute_unprepared(sql).await.unwrap();
    }
    for mode in ["force_custom_plan", "force_generic_plan"] {
        scene.store.call().execute_unprepared(&format!("SET plan_cache_mode = {mode}")).await.unwrap();
        notices.take();
        scene.finds_what_is_there().await;
        let plans = notices.take();
        let by_text: Vec<_> = plans.iter().filter(|plan| format!("{plan:?}").contains("LIKE")).collect();
        assert!(by_text.len() >= 2 * 3 * 30, "{}", by_text.len());
        for plan in by_text {
            let told = format!("{plan:?}");
            assert!(told.contains(INDEX) && told.contains("~~"), "{told}");
        }
    }
}
