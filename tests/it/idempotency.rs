//! Creates that are repeated: at the same moment, over a link that loses answers, and while the first is under way.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::{
    app::{Answer, Person, TestApp, on_both_databases, send},
    unreliable_link::{Fate, UnreliableLink},
};

on_both_databases!(
    a_hundred_repeats_at_once_make_one_task,
    over_a_link_that_loses_and_doubles_every_task_is_made_once,
    a_repeat_gets_the_stored_answer_after_the_task_is_gone,
);

const TASKS: &str = "/api/v1/tasks";

fn create(app: &TestApp, person: &Person, key: &str, body: &Value) -> RequestBuilder {
    app.request(Method::POST, TASKS).bearer_auth(&person.access).header("Idempotency-Key", key).json(body)
}

/// All tasks of `person` without what differs from one history to another, sorted by title.
async fn state(app: &TestApp, person: &Person) -> Vec<Value> {
    let (mut tasks, mut query) = (Vec::new(), "limit=100&sort_by=title&sort_order=asc".to_owned());
    loop {
        let page = app.call(person, Method::GET, &format!("{TASKS}?{query}"), None).await;
        tasks.extend(page.body["data"]["tasks"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page.body["data"]["next_cursor"].as_str() else { break };
        query = format!("limit=100&sort_by=title&sort_order=asc&cursor={cursor}");
    }
    for task in &mut tasks {
        let task = task.as_object_mut().unwrap();
        for member in ["id", "user_id", "created_at", "updated_at"] {
            task.remove(member).unwrap();
        }
    }
    tasks
}

async fn a_hundred_repeats_at_once_make_one_task(app: &TestApp) {
    let ada = app.person("ada").await;
    let body = json!({ "title": "once", "description": "ü".repeat(5_000) });
    let repeats = (0..100).map(|_| tokio::spawn(send(create(app, &ada, "k", &body))));
    let mut texts = BTreeSet::new();
    let mut first = 0;
    for answer in join_all(repeats).await {
        let answer = answer.unwrap();
        if answer.status == 409 {
            assert_eq!(answer.problem(409), "IDEMPOTENCY_KEY_IN_USE");
            continue;
        }
        assert_eq!(answer.status, 201, "{}", answer.text);
        first += usize::from(answer.header("idempotent-replayed").is_empty());
        texts.insert(answer.text);
    }
    assert_eq!((texts.len(), first), (1, 1));
    let last = send(create(app, &ada, "k", &body)).await;
    assert_eq!((last.status, last.header("idempotent-replayed")), (201, "true"));
    assert!(texts.contains(&last.text));
    assert_eq!(state(app, &ada).await.len(), 1);
}

async fn a_repeat_gets_the_stored_answer_after_the_task_is_gone(app: &TestApp) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let body = json!({ "title": "Ä \u{1f980}", "due_datetime": "2030-01-01T00:00:00.123456Z" });
    let first = send(create(app, &ada, "k", &body)).await;
    let path = first.header("location").to_owned();
    assert_eq!(app.call(&ada, Method::DELETE, &path, None).await.status, 200);
    let again = send(create(app, &ada, "\"k\"", &body)).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    for name in ["location", "etag", "content-type"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!(app.call(&ada, Method::GET, &path, None).await.problem(404), "NOT_FOUND");
    let other = send(create(app, &ada, "k", &json!({ "title": "other" }))).await;
    assert_eq!(other.problem(422), "IDEMPOTENCY_KEY_REUSED");
    let of_bob = send(create(app, &bob, "k", &body)).await;
    assert_eq!((of_bob.status, of_bob.header("idempotent-replayed")), (201, ""));
    assert_ne!(of_bob.body["data"]["id"], first.body["data"]["id"]);
}

const WORKERS: usize = 8;
const TASKS_EACH: usize = 25;

fn wish(n: usize) -> Value {
    json!({ "title": format!("{n:04}"), "description": format!("task {n}"), "is_completed": n.is_multiple_of(2) })
}

async fn over_a_link_that_loses_and_doubles_every_task_is_made_once(app: &TestApp) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let link = Arc::new(UnreliableLink::to(&app.base).await);
    let workers = (0..WORKERS).map(|worker| {
        let (link, client, access) = (link.clone(), app.client.clone(), ada.access.clone());
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for n in worker * TASKS_EACH..(worker + 1) * TASKS_EACH {
                let request = client.post(format!("{}{TASKS}", link.base)).bearer_auth(&access);
                let request =
                    request.header("Connection", "close").header("Idempotency-Key", format!("\"{n}\""));
                answers.push(answered(&request.json(&wish(n))).await);
            }
            answers
        })
    });
    let answers: Vec<Answer> =
        join_all(workers).await.into_iter().flat_map(|answers| answers.unwrap()).collect();
    for fate in [Fate::AnswerLost, Fate::BreaksOff, Fate::Doubled] {
        assert!(link.met(fate) >= WORKERS * TASKS_EACH / 10, "{fate:?}");
    }
    // What the client was told is what is there.
    for answer in &answers {
        let shown = app.call(&ada, Method::GET, answer.header("location"), None).await;
        assert_eq!(shown.body["data"], answer.body["data"]);
    }
    for n in 0..WORKERS * TASKS_EACH {
        app.task(&bob, &wish(n)).await;
    }
    assert_eq!(state(app, &ada).await, state(app, &bob).await, "the same as over a good link");
}

/// Repeats the request until its answer arrives, as a careful client does.
async fn answered(request: &RequestBuilder) -> Answer {
    for _ in 0..50 {
        let Ok(response) = request.try_clone().unwrap().send().await else { continue };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let Ok(text) = response.text().await else { continue };
        match status {
            201 => return Answer { status, headers, body: serde_json::from_str(&text).unwrap(), text },
            // Under way, or too busy at this moment.
            409 | 503 => {}
            _ => panic!("{status}: {text}"),
        }
    }
    panic!("no answer arrives")
}

#[tokio::test]
async fn while_the_first_is_under_way_a_repeat_is_409() {
    let Some(app) = TestApp::on_postgres(&[]).await else { return };
    let ada = app.person("ada").await;
    let body = json!({ "title": "t" });
    // Another instance has written the key and not yet committed.
    let mut other = sqlx::PgConnection::connect(&app.database_url()).await.unwrap();
    let claim = "INSERT INTO idempotency_keys (owner_id, key, fingerprint, status, body, created_at) \
                 VALUES ($1::uuid, 'k', decode(repeat('00', 32), 'hex'), 201, '', now())";
    let mut transaction = other.begin().await.unwrap();
    sqlx::query(claim).bind(&ada.user_id).execute(&mut *transaction).await.unwrap();
    let refused = send(create(&app, &ada, "k", &body)).await;
    assert_eq!(refused.problem(409), "IDEMPOTENCY_KEY_IN_USE");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(send(create(&app, &ada, "other", &body)).await.status, 201, "other keys are not concerned");
    transaction.rollback().await.unwrap();
    let made = send(create(&app, &ada, "k", &body)).await;
    assert_eq!((made.status, made.header("idempotent-replayed")), (201, ""), "{}", made.text);
    assert_eq!(state(&app, &ada).await.len(), 2);
}
