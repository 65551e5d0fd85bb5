//! `Idempotency-Key` on creates.

use std::time::Duration;

use serde_json::json;

use crate::app::{Answer, Ask, Person, TestApp, faults};

const TASKS: &str = "/api/v1/tasks";

fn create<'a>(person: &Person<'a>, key: &str, title: &str) -> Ask<'a> {
    person.post(TASKS, &json!({ "title": title })).header("idempotency-key", key)
}

async fn count(person: &Person<'_>) -> u64 {
    let list = person.get(TASKS).send().await.expect(200);
    list["data"]["total_count"].as_u64().unwrap()
}

/// Everything of an answer that must be the same on a repeat.
fn kept(answer: &Answer) -> (u16, &str, &str, &str, &[u8]) {
    let header = |name| answer.header(name);
    (answer.status.as_u16(), header("content-type"), header("location"), header("etag"), &answer.body)
}

#[actix_web::test]
async fn a_repeat_gets_the_stored_answer_whatever_became_of_the_task() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let first = create(&person, "k", "x").send().await;
    let path = first.header("location").to_owned();
    let shown = person.get(&path).send().await.expect(200);
    assert_eq!(first.expect(201)["data"], shown["data"]);
    assert_eq!((first.header("etag"), first.header("idempotent-replayed")), ("\"r1\"", ""));
    let repeat = async || {
        let answer = create(&person, "\"k\"", "x").send().await;
        assert_eq!((kept(&answer), answer.header("idempotent-replayed")), (kept(&first), "true"));
        assert_ne!(answer.header("x-request-id"), first.header("x-request-id"));
    };
    repeat().await;
    person.patch(&path, &json!({ "title": "y" })).send().await.expect(200);
    repeat().await;
    person.delete(&path).send().await.expect(200);
    repeat().await;
    assert_eq!(count(&person).await, 0);
}

#[actix_web::test]
async fn an_answer_is_the_same_with_a_key_and_without() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (with, without) =
        (create(&person, "k", "x").send().await, person.post(TASKS, &json!({ "title": "x" })).send().await);
    let id = |answer: &Answer| answer.json()["data"]["id"].as_str().unwrap().to_owned();
    let text = |answer: &Answer| String::from_utf8(answer.body.clone()).unwrap().replace(&id(answer), "ID");
    assert_eq!(text(&with), text(&without));
    let names = |answer: &Answer| {
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&with), names(&without));
    assert_eq!(with.header("content-type"), without.header("content-type"));
}

#[actix_web::test]
async fn another_body_under_the_key_is_refused() {
    let app = TestApp::new().await;
    let person = app.person().await;
    create(&person, "k", "x").send().await.expect(201);
    create(&person, "k", "y").send().await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    let spaced = person.ask(actix_web::http::Method::POST, TASKS).header("idempotency-key", "k");
    spaced.bytes("{ \"title\": \"x\" }").send().await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(count(&person).await, 1);
    create(&person, "K", "y").send().await.expect(201);
    let other = app.person().await;
    create(&other, "k", "y").send().await.expect(201);
    assert_eq!((count(&person).await, count(&other).await), (2, 1));
}

#[actix_web::test]
async fn a_refusal_is_not_stored() {
    let app = TestApp::new().await;
    let person = app.person().await;
    create(&person, "k", "").send().await.problem(422, "VALIDATION_ERROR");
    app.post(TASKS, &json!({ "title": "x" })).header("idempotency-key", "k").send().await.expect_status(401);
    let answer = create(&person, "k", "x").send().await;
    answer.expect(201);
    assert_eq!(answer.header("idempotent-replayed"), "");
}

#[actix_web::test]
async fn a_key_is_forgotten_after_a_day() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let first = create(&person, "k", "x").send().await.expect(201);
    app.clock.advance(Duration::from_hours(24));
    let login = json!({ "email": person.email, "password": holdfast_testkit::fixtures::PASSWORD });
    let login = app.post("/api/v1/auth/login", &login).send().await.expect(200);
    let access = login["data"]["access_token"].as_str().unwrap();
    let again = app.post(TASKS, &json!({ "title": "y" })).bearer(access).header("idempotency-key", "k");
    let again = again.send().await.expect(201);
    assert_eq!(again["data"]["title"], "y");
    assert_ne!(again["data"]["id"], first["data"]["id"]);
}

#[actix_web::test]
async fn a_bad_key_is_told_with_everything_else_that_is_wrong() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for (key, code) in [("", "blank"), ("a, b", "invalid_value"), (&*"x".repeat(256), "too_long")] {
        let problem = create(&person, key, " ").send().await.problem(422, "VALIDATION_ERROR");
        assert_eq!(faults(&problem), [&*format!("Idempotency-Key:{code}"), "title:blank"]);
        let problem = create(&person, key, "x").send().await.problem(422, "VALIDATION_ERROR");
        assert_eq!(faults(&problem), [format!("Idempotency-Key:{code}")]);
    }
    let twice = create(&person, "k", "x").header("idempotency-key", "k").send().await;
    assert_eq!(twice.faults(), ["Idempotency-Key:invalid_value"]);
    create(&person, "", "x").bearer("too").send().await.problem(401, "TOKEN_INVALID");
    assert_eq!(count(&person).await, 0);
}

#[actix_web::test]
async fn a_create_without_a_key_asks_the_store_as_often_as_a_read() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let before = app.store.calls();
    let created = person.post(TASKS, &json!({ "title": "x" })).send().await;
    let to_create = app.store.calls() - before;
    person.get(created.header("location")).send().await.expect(200);
    assert_eq!(to_create, app.store.calls() - before - to_create);
}

#[actix_web::test]
async fn the_frozen_surface_knows_no_keys() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for (n, key) in (1..).zip(["k", "k", "", "a, b"]) {
        let body = json!({ "title": "x", "priority": "urgent_important" });
        let answer = person.post("/api/tasks", &body).header("idempotency-key", key).send().await;
        answer.expect(201);
        assert_eq!((answer.header("idempotent-replayed"), count(&person).await), ("", n));
    }
}
