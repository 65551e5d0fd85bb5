//! How SQLite carries lists of tasks out: the statements that `task_pages` makes, and what SQLite plans for them. What
//! PostgreSQL does with them is looked at in `tests/task_plans`.

use std::sync::Mutex;

use async_trait::async_trait;
use holdfast_application::{
    domain::{TaskId, Timestamp, UserId, tasks::Priority},
    ports::{Direction, Position, SortBy, SortKey, Start, TaskFilter, TaskOrder, TaskQuery},
};
use migration::{DatabaseUrl, Runner};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use uuid::Uuid;

use super::task_pages;

/// Answers nothing, and remembers what it was asked.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Listener {
    fn hear(&self, statement: Statement) {
        self.0.lock().unwrap().push(statement.sql);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait]
impl ConnectionTrait for Listener {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    async fn execute_raw(&self, _: Statement) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom("lists change nothing".to_owned()))
    }

    async fn execute_unprepared(&self, _: &str) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom("lists change nothing".to_owned()))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.hear(statement);
        Ok(None)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.hear(statement);
        Ok(Vec::new())
    }
}

/// A migrated file.
struct File {
    connection: SqliteConnection,
    _folder: tempfile::TempDir,
}

impl File {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::parse(&format!("sqlite://{}/holdfast.db", folder.path().display())).unwrap();
        Runner::new(&url).up(None).await.unwrap();
        Self { connection: SqliteConnection::connect(&url.connect_url()).await.unwrap(), _folder: folder }
    }

    async fn plan(&mut self, sql: &str) -> Vec<String> {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = sqlx::raw_sql(explain).fetch_all(&mut self.connection).await.unwrap();
        rows.iter().map(|row| row.get("detail")).collect()
    }
}

/// All filters, with `text` the last half of them.
fn filters() -> Vec<TaskFilter> {
    let at = Timestamp::from_micros(0).unwrap();
    let mut filters = Vec::new();
    for parts in 0..16_u8 {
        let part = |number: u8| parts & 1 << number > 0;
        filters.push(TaskFilter {
            priority: part(0).then_some(Priority::UrgentImportant),
            completed: part(1).then_some(false),
            due_after: part(2).then_some(at),
            due_before: part(2).then_some(at),
            text: part(3).then(|| "text".to_owned()),
        });
    }
    filters
}

fn starts(by: SortBy) -> Vec<Start> {
    let at = || Some(Timestamp::from_micros(0).unwrap());
    let keys = match by {
        SortBy::CreatedAt | SortBy::UpdatedAt => vec![SortKey::Time(at())],
        SortBy::Due => vec![SortKey::Time(at()), SortKey::Time(None)],
        SortBy::Priority => vec![SortKey::Rank(2)],
        SortBy::Title => vec![SortKey::Text("b".to_owned())],
    };
    let behind = keys.into_iter().map(|key| Start::After(Position { key, id: TaskId::new(Uuid::nil()) }));
    [Start::Offset(0)].into_iter().chain(behind).collect()
}

/// What is wrong with the plan of one of the pages, if anything.
fn fault(plan: &[String], query: &TaskQuery) -> Option<&'static str> {
    let ordered = match query.order.by {
        // Between two due times their index is the better one, and what is found is sorted.
        SortBy::CreatedAt => query.filter.due_after.is_none(),
        SortBy::Due => true,
        SortBy::UpdatedAt | SortBy::Priority | SortBy::Title => false,
    };
    if !plan.iter().any(|step| step.starts_with("SEARCH tasks USING") && step.contains("(owner_id=?")) {
        return Some("does not begin with the owner");
    }
    if plan.iter().any(|step| step.starts_with("SCAN")) {
        return Some("reads others' rows");
    }
    (ordered && plan.iter().any(|step| step.contains("TEMP B-TREE"))).then_some("sorts")
}

/// One line for each list whose plan is not what is promised.
async fn broken(file: &mut File) -> Vec<String> {
    let (listener, owner, mut broken) = (Listener::default(), UserId::new(Uuid::nil()), Vec::new());
    for filter in filters() {
        task_pages::count(&listener, owner, &filter).await.unwrap();
        for sql in listener.take() {
            let plan = file.plan(&sql).await;
            let covering = filter.text.is_some() || plan[0].contains("COVERING INDEX");
            if plan.len() != 1 || !plan[0].contains("(owner_id=?") || !covering {
                broken.push(format!("{sql}: {plan:?}"));
            }
        }
        for by in [SortBy::CreatedAt, SortBy::UpdatedAt, SortBy::Due, SortBy::Priority, SortBy::Title] {
            for direction in [Direction::Ascending, Direction::Descending] {
                for start in starts(by) {
                    let order = TaskOrder { by, direction };
                    let query = TaskQuery { filter: filter.clone(), order, start, limit: 51 };
                    task_pages::list(&listener, owner, &query).await.unwrap();
                    for sql in listener.take() {
                        let plan = file.plan(&sql).await;
                        broken.extend(fault(&plan, &query).map(|fault| format!("{sql}: {fault}: {plan:?}")));
                    }
                }
            }
        }
    }
    broken
}

#[tokio::test]
async fn on_sqlite_every_list_is_one_owners_and_those_that_an_index_promises_sort_nothing() {
    let mut file = File::new().await;
    let faults = broken(&mut file).await;
    assert!(faults.is_empty(), "{}\n{}", faults.len(), faults.join("\n"));
    // Without what serves them, the promises are seen to be broken.
    sqlx::query("DROP INDEX tasks_owner_due_state_idx").execute(&mut file.connection).await.unwrap();
    let faults = broken(&mut file).await;
    assert!(
        faults.iter().any(|fault| fault.contains("due_at\" ASC") && fault.contains("sorts")),
        "{faults:?}"
    );
    sqlx::query("DROP INDEX tasks_owner_created_state_idx").execute(&mut file.connection).await.unwrap();
    let faults = broken(&mut file).await;
    assert!(faults.iter().any(|fault| fault.contains("COUNT")), "{faults:?}");
}
