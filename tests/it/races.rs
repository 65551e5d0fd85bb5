//! Many at one moment: the same address, the same task, a lock that somebody else holds.

use futures_util::future::{join, join_all};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};

use crate::app::{Answer, PASSWORD, TestApp, behind_a_pooler, on_both_databases, send};

on_both_databases!(
    one_of_sixty_four_sign_ups_with_one_address_wins,
    parallel_changes_of_different_fields_are_all_kept,
    a_task_that_is_completed_and_deleted_at_once_is_gone,
    what_meets_a_lock_is_refused_or_waits_and_nothing_is_half_done,
);
behind_a_pooler!(
    one_of_sixty_four_sign_ups_with_one_address_wins,
    parallel_changes_of_different_fields_are_all_kept,
    a_task_that_is_completed_and_deleted_at_once_is_gone,
);

const TASKS: &str = "/api/v1/tasks";
/// Rounds of each race: who wins is chance.
const ROUNDS: usize = 20;

/// Sends it until there is room for it.
async fn insist(request: RequestBuilder) -> Answer {
    for _ in 0..200 {
        let answer = send(request.try_clone().unwrap()).await;
        if answer.status != 503 {
            return answer;
        }
        assert!(!answer.header("retry-after").is_empty(), "{}", answer.text);
    }
    panic!("there is never room for it");
}

async fn one_of_sixty_four_sign_ups_with_one_address_wins(app: &TestApp) {
    let wish = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answers = join_all((0..64).map(|_| app.post("/api/v1/auth/signup", &wish))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        match answer.status {
            409 => assert_eq!(answer.problem(409), "EMAIL_EXISTS"),
            // More at one moment than are hashed in two seconds.
            _ => assert_eq!(answer.problem(503), "SERVICE_UNAVAILABLE"),
        }
    }
    let login = app.post("/api/v1/auth/login", &wish).await;
    assert_eq!(login.status, 200, "{}", login.text);
}

async fn parallel_changes_of_different_fields_are_all_kept(app: &TestApp) {
    let ada = app.person("ada").await;
    let task = app.task(&ada, &json!({ "title": "t", "priority": "urgent_important" })).await;
    let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
    for round in 0..ROUNDS {
        let priority = ["urgent_important", "not_urgent_not_important"][round % 2];
        let wanted = json!({
            "title": format!("title {round}"),
            "description": format!("description {round}"),
            "due_datetime": format!("20{:02}-01-01T00:00:00Z", 30 + round),
            "priority": priority,
            "is_completed": round % 2 == 0,
        });
        let changes = wanted.as_object().unwrap().iter().map(|(field, value)| {
            let change = app.request(Method::PATCH, &path).bearer_auth(&ada.access);
            insist(change.json(&json!({ field.as_str(): value })))
        });
        for answer in join_all(changes).await {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let shown = app.call(&ada, Method::GET, &path, None).await;
        for (field, value) in wanted.as_object().unwrap() {
            assert_eq!(shown.body["data"][field], *value, "round {round}: {}", shown.text);
        }
    }
}

async fn a_task_that_is_completed_and_deleted_at_once_is_gone(app: &TestApp) {
    let ada = app.person("ada").await;
    for round in 0..ROUNDS {
        let task = app.task(&ada, &json!({ "title": format!("{round}") })).await;
        let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
        let complete = |done: bool| {
            let request = app.request(Method::PATCH, &format!("{path}/complete")).bearer_auth(&ada.access);
            insist(request.json(&json!({ "completed": done })))
        };
        let delete = || insist(app.request(Method::DELETE, &path).bearer_auth(&ada.access));
        let (completed, deleted) =
            join(join_all([complete(true), complete(false), complete(true)]), join_all([delete(), delete()]))
                .await;
        for answer in &completed {
            assert!([200, 404].contains(&answer.status), "{}", answer.text);
        }
        let won = deleted.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(won, 1, "one of two deletes it: {deleted:?}");
        assert_eq!(app.call(&ada, Method::GET, &path, None).await.problem(404), "NOT_FOUND");
    }
    assert_eq!(app.call(&ada, Method::GET, TASKS, None).await.body["data"]["total_count"], 0);
}

/// Somebody else's transaction on the same database.
enum Other {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Other {
    async fn begin(app: &TestApp) -> Self {
        let url = app.database_url();
        if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            connection.execute("BEGIN IMMEDIATE").await.unwrap();
            Self::Sqlite(connection)
        } else {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            connection.execute("BEGIN; UPDATE tasks SET title = title").await.unwrap();
            Self::Postgres(connection)
        }
    }

    async fn end(self) {
        match self {
            Self::Postgres(mut connection) => connection.execute("ROLLBACK").await.map(drop).unwrap(),
            Self::Sqlite(mut connection) => connection.execute("ROLLBACK").await.map(drop).unwrap(),
        }
    }
}

async fn what_meets_a_lock_is_refused_or_waits_and_nothing_is_half_done(app: &TestApp) {
    let ada = app.person("ada").await;
    let task = app.task(&ada, &json!({ "title": "before" })).await;
    let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
    let change = |title: &str| {
        let request = app.request(Method::PATCH, &path).bearer_auth(&ada.access);
        request.header("If-Match", "\"r1\"").json(&json!({ "title": title }))
    };
    let other = Other::begin(app).await;
    let refused = send(change("after")).await;
    assert_eq!(refused.problem(503), "SERVICE_UNAVAILABLE");
    assert!(!refused.header("retry-after").is_empty());
    let shown = app.call(&ada, Method::GET, &path, None).await;
    assert_eq!((shown.status, &shown.body["data"]["title"]), (200, &json!("before")), "readers go on");
    other.end().await;
    // A refused writer may have been given up by the server and not yet by the database: it is done late, or not at all.
    let changed = insist(change("after")).await;
    assert!([200, 412].contains(&changed.status), "{}", changed.text);
    let shown = app.call(&ada, Method::GET, &path, None).await;
    assert_eq!((&shown.body["data"]["title"], shown.header("etag")), (&json!("after"), "\"r2\""));
}
