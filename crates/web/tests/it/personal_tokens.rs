//! Personal access tokens: how they are made, shown and revoked, and how a request that brings one is answered.

use actix_web::http::Method;
use holdfast_application::{
    domain::{PersonalTokenId, UserId, personal_tokens::PERSONAL_TOKEN_LIMIT},
    ports::{PersonalTokenText, StoreError},
};
use holdfast_testkit::fixtures::{PASSWORD, at};
use serde_json::{Value, json};

use crate::{
    app::{Answer, Ask, Person, TestApp, faults},
    logs,
};

const TOKENS: &str = "/api/v1/auth/tokens";
const TASKS: &str = "/api/v1/tasks";

fn wish(scopes: &[&str]) -> Value {
    json!({ "name": " backup ", "scopes": scopes, "password": PASSWORD })
}

/// A new token of the person; answers what was told of it.
async fn made(person: &Person<'_>, scopes: &[&str]) -> Value {
    person.post(TOKENS, &wish(scopes)).send().await.expect(201)["data"].clone()
}

async fn listed(person: &Person<'_>) -> Vec<Value> {
    let list = person.get(TOKENS).send().await.expect(200);
    list["data"]["tokens"].as_array().unwrap().clone()
}

fn with<'a>(app: &'a TestApp, token: &Value, method: Method, path: &str) -> Ask<'a> {
    app.ask(method, path).bearer(token["token"].as_str().unwrap())
}

/// An answer without what differs from one request to the next.
fn bytes(answer: &Answer) -> (u16, String, String) {
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let text = text.replace(answer.header("x-request-id"), "…");
    (answer.status.as_u16(), answer.header("www-authenticate").to_owned(), text)
}

#[actix_web::test]
async fn a_token_is_shown_once_and_known_by_its_beginning() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let answer = person.post(TOKENS, &wish(&["tasks:write", "tasks:read", "tasks:read"])).send().await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut token = answer.expect(201)["data"].clone();
    let text = token.as_object_mut().unwrap().remove("token").unwrap();
    let text = text.as_str().unwrap();
    assert!(text.starts_with("hfp_") && text.len() == 96, "{text}");
    assert!(text.starts_with(token["prefix"].as_str().unwrap()), "{token}");
    let expires_at = at(90 * 86_400).to_string();
    let expected = json!({
        "id": token["id"], "name": "backup", "scopes": ["tasks:read", "tasks:write"], "prefix": &text[..20],
        "created_at": at(0).to_string(), "expires_at": expires_at, "last_used_at": null,
    });
    assert_eq!(token, expected);
    assert_eq!(listed(&person).await, [expected]);
    app.clock.set(at(61));
    app.get(TASKS).bearer(text).send().await.expect(200);
    assert_eq!(listed(&person).await[0]["last_used_at"], at(61).to_string());
    let export = person.get("/api/v1/users/me/export").send().await.expect(200);
    assert_eq!(export["personal_tokens"], json!(listed(&person).await));
    assert!(!export.to_string().contains(&text[24..]), "{export}");
    let events = person.get("/api/v1/auth/events").send().await.expect(200);
    assert_eq!(events["data"]["events"][0]["kind"], "personal_token_created");
}

#[actix_web::test]
async fn all_that_is_wrong_with_a_wish_is_told_at_once() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let told = async |wish: Value| person.post(TOKENS, &wish).send().await.faults();
    assert_eq!(told(json!({})).await, ["name:missing", "password:missing", "scopes:missing"]);
    let wrong = json!({ "name": " ", "scopes": [], "expires_in_days": 0, "password": 1, "code": 2 });
    let expected = [
        "code:wrong_type",
        "expires_in_days:invalid_value",
        "name:blank",
        "password:wrong_type",
        "scopes:blank",
    ];
    assert_eq!(told(wrong).await, expected);
    let good = |member: &str, value: Value| {
        let mut wish = wish(&["tasks:read"]);
        wish[member] = value;
        wish
    };
    for (member, value, code) in [
        ("name", json!("ü".repeat(101)), "too_long"),
        ("name", json!("a\0"), "nul"),
        ("scopes", json!("tasks:read"), "wrong_type"),
        ("scopes", json!({ "tasks:read": true }), "wrong_type"),
        ("scopes", json!(null), "null"),
        ("scopes", json!(["tasks:read", "tasks:admin"]), "invalid_value"),
        ("scopes", json!(["tasks:read tasks:write"]), "invalid_value"),
        ("scopes", json!(["TASKS:READ"]), "invalid_value"),
        ("scopes", json!(["tasks:read", null]), "wrong_type"),
        ("scopes", json!([["tasks:read"]]), "wrong_type"),
        ("expires_in_days", json!(367), "invalid_value"),
        ("expires_in_days", json!(-1), "invalid_value"),
        ("expires_in_days", json!(1.5), "invalid_value"),
        ("expires_in_days", json!(1e300), "invalid_value"),
        ("expires_in_days", json!("90"), "wrong_type"),
        ("expires_in_days", json!(null), "null"),
    ] {
        assert_eq!(told(good(member, value.clone())).await, [format!("{member}:{code}")], "{value}");
    }
    assert_eq!(listed(&person).await, [] as [Value; 0]);
    for (days, seconds) in [(1, 86_400), (366, 366 * 86_400)] {
        let token = person.post(TOKENS, &good("expires_in_days", json!(days))).send().await.expect(201);
        assert_eq!(token["data"]["expires_at"], at(seconds).to_string());
    }
}

#[actix_web::test]
async fn the_password_confirms_it() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let mut wrong = wish(&["tasks:read"]);
    wrong["password"] = json!("hunter2hunter2");
    person.post(TOKENS, &wrong).send().await.problem(401, "INVALID_CREDENTIALS");
    assert_eq!(listed(&person).await, [] as [Value; 0]);
    let events = person.get("/api/v1/auth/events").send().await.expect(200);
    assert_eq!(events["data"]["events"][0]["kind"], "sign_in_failed");
}

/// Every call that a token may do with one of its scopes: the method, the path, the body, what it needs, and what it answers.
fn calls(task: &str) -> Vec<(Method, String, Value, &'static str, u16)> {
    let mut calls = Vec::new();
    for (tasks, deleted) in [(TASKS, 200), ("/api/tasks", 204)] {
        let one = format!("{tasks}/{task}");
        let whole = json!({ "title": "x", "priority": "urgent_important", "is_completed": true });
        let (read, write) = ("tasks:read", "tasks:write");
        calls.extend([
            (Method::GET, tasks.to_owned(), Value::Null, read, 200),
            (Method::HEAD, tasks.to_owned(), Value::Null, read, 200),
            (Method::GET, one.clone(), Value::Null, read, 200),
            (Method::POST, tasks.to_owned(), json!({ "title": "x" }), write, 201),
            (Method::PUT, one.clone(), whole, write, 200),
            (Method::PATCH, format!("{one}/complete"), json!({ "completed": false }), write, 200),
            (Method::DELETE, one, Value::Null, write, deleted),
        ]);
    }
    calls.push((Method::PATCH, format!("{TASKS}/{task}"), json!({ "title": "y" }), "tasks:write", 200));
    calls
}

#[actix_web::test]
async fn a_token_does_what_its_scopes_say_and_is_told_which_one_is_missing() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let both = made(&person, &["tasks:read", "tasks:write"]).await;
    for (given, token) in [
        ("tasks:read", made(&person, &["tasks:read"]).await),
        ("tasks:write", made(&person, &["tasks:write"]).await),
    ] {
        for n in 0..calls("").len() {
            let task = person.task(&json!({ "title": "mine" })).await;
            let (method, path, body, needed, status) = calls(task["id"].as_str().unwrap()).swap_remove(n);
            let ask = |token: &Value| {
                let ask = with(&app, token, method.clone(), &path);
                if body.is_null() { ask } else { ask.json(&body) }
            };
            let answer = ask(&token).send().await;
            if given == needed {
                answer.expect_status(status);
                continue;
            }
            let challenge =
                format!(r#"Bearer realm="holdfast", error="insufficient_scope", scope="{needed}""#);
            assert_eq!(answer.header("www-authenticate"), challenge, "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            answer.expect_status(403);
            if method != Method::HEAD {
                let problem = answer.json();
                assert_eq!(problem["error_code"], "FORBIDDEN");
                assert!(problem["detail"].as_str().unwrap().contains(needed), "{problem}");
            }
            let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
            assert_eq!(
                person.get(&path).send().await.expect(200)["data"],
                task,
                "refused, and done all the same"
            );
            ask(&both).send().await.expect_status(status);
        }
    }
}

#[actix_web::test]
async fn what_takes_no_token_says_so() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let token = made(&person, &["tasks:read", "tasks:write"]).await;
    let own = format!("{TOKENS}/{}", token["id"].as_str().unwrap());
    for (method, path) in [
        (Method::GET, TOKENS),
        (Method::POST, TOKENS),
        (Method::DELETE, &own),
        (Method::GET, "/auth/tokens"),
        (Method::GET, "/api/v1/auth/me"),
        (Method::GET, "/api/auth/me"),
        (Method::GET, "/api/v1/auth/events"),
        (Method::GET, "/api/v1/users/me/export"),
        (Method::DELETE, "/api/v1/users/me"),
        (Method::GET, "/api/v1/users"),
    ] {
        let answer = with(&app, &token, method, path).json(&wish(&["tasks:read"])).send().await;
        let problem = answer.expect(403);
        assert_eq!(problem["error_code"], "FORBIDDEN");
        let challenge = r#"Bearer realm="holdfast", error="insufficient_scope""#;
        assert_eq!(answer.header("www-authenticate"), challenge, "{path}");
        assert!(problem["detail"].as_str().unwrap().contains("personal access token"), "{problem}");
    }
    assert_eq!(listed(&person).await.len(), 1);
}

#[actix_web::test]
async fn every_bad_token_is_refused_with_the_same_bytes() {
    let app = TestApp::new().await;
    let (person, other) = (app.person().await, app.person().await);
    let token = made(&person, &["tasks:read"]).await;
    let text = token["token"].as_str().unwrap().to_owned();
    let revoked = made(&person, &["tasks:read"]).await;
    let path = format!("{TOKENS}/{}", revoked["id"].as_str().unwrap());
    person.delete(&path).send().await.expect(200);
    let id: PersonalTokenId = token["id"].as_str().unwrap().parse().unwrap();
    let [owner, stranger]: [UserId; 2] = [&person, &other].map(|person| person.id.parse().unwrap());
    let sealed = |owner, id| PersonalTokenText::seal(owner, id, &[5; 32]).0.expose().to_owned();
    let bad = [
        revoked["token"].as_str().unwrap().to_owned(),
        text[..95].to_owned(),
        format!("{text}A"),
        format!("{}{}", &text[..95], if text.ends_with('A') { 'B' } else { 'A' }),
        text.replacen("hfp_", "HFP_", 1),
        text.replacen("hfp_", "", 1),
        format!("hfp_{}", person.access),
        "hfp_".to_owned(),
        sealed(owner, id),
        sealed(stranger, id),
    ];
    for path in [TASKS, "/api/tasks", "/api/v1/auth/me"] {
        let expected = bytes(&app.get(path).bearer("x").send().await);
        assert_eq!(expected.0, 401);
        for text in &bad {
            assert_eq!(bytes(&app.get(path).bearer(text).send().await), expected, "{path}: {text}");
        }
    }
    app.clock.set(at(90 * 86_400 - 1));
    app.get(TASKS).bearer(&text).send().await.expect(200);
    app.clock.set(at(90 * 86_400));
    let expected = bytes(&app.get(TASKS).bearer("x").send().await);
    assert_eq!(bytes(&app.get(TASKS).bearer(&text).send().await), expected, "its time is up");
}

#[actix_web::test]
async fn a_revoked_token_is_told_to_nobody_else_and_gone_for_its_owner() {
    let app = TestApp::new().await;
    let (person, other) = (app.person().await, app.person().await);
    let token = made(&person, &["tasks:read"]).await;
    let path = format!("{TOKENS}/{}", token["id"].as_str().unwrap());
    other.delete(&path).send().await.problem(404, "NOT_FOUND");
    person.delete(&format!("{TOKENS}/nonsense")).send().await.problem(404, "NOT_FOUND");
    with(&app, &token, Method::GET, TASKS).send().await.expect(200);
    let done = person.delete(&path).send().await.expect(200);
    assert_eq!(done["success"], true);
    with(&app, &token, Method::GET, TASKS).send().await.problem(401, "TOKEN_INVALID");
    person.delete(&path).send().await.problem(404, "NOT_FOUND");
    assert_eq!(listed(&person).await, [] as [Value; 0]);
    let events = person.get("/api/v1/auth/events").send().await.expect(200);
    assert_eq!(events["data"]["events"][0]["kind"], "personal_token_revoked");
}

#[actix_web::test]
async fn one_more_than_there_may_be_is_a_conflict() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for _ in 0..PERSONAL_TOKEN_LIMIT {
        made(&person, &["tasks:read"]).await;
    }
    let refused = person.post(TOKENS, &wish(&["tasks:read"])).send().await;
    refused.problem(409, "PERSONAL_TOKEN_LIMIT");
    assert_eq!(listed(&person).await.len(), PERSONAL_TOKEN_LIMIT);
}

#[actix_web::test]
async fn a_script_and_its_owner_share_their_idempotency_keys() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let token = made(&person, &["tasks:write"]).await;
    let create =
        async |ask: Ask<'_>| ask.header("idempotency-key", "k").json(&json!({ "title": "x" })).send().await;
    let first = create(with(&app, &token, Method::POST, TASKS)).await;
    let second = create(person.ask(Method::POST, TASKS)).await;
    assert_eq!((first.expect(201), first.header("idempotent-replayed")), (second.expect(201), ""));
    assert_eq!(second.header("idempotent-replayed"), "true");
}

#[actix_web::test]
async fn the_log_tells_who_called_and_no_token() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (lines, _guard) = logs::listen();
    let token = made(&person, &["tasks:read"]).await;
    with(&app, &token, Method::GET, TASKS).send().await.expect(200);
    with(&app, &token, Method::POST, TASKS).send().await.expect(403);
    let text = lines.text();
    let answered: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["target"] == "holdfast::http")
        .collect();
    assert_eq!(answered[1]["fields"]["user_id"], json!(person.id), "{text}");
    let id = token["id"].as_str().unwrap();
    assert!(text.lines().any(|line| line.contains("in use") && line.contains(id)), "{text}");
    let secret = &token["token"].as_str().unwrap()[46..];
    assert!(!text.contains(secret) && !text.contains("hfp_") && !text.contains(PASSWORD), "{text}");
}

#[actix_web::test]
async fn without_a_database_a_token_is_neither_good_nor_bad() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let token = made(&person, &["tasks:read"]).await;
    app.store.fail_next(StoreError::Unavailable("gone".into()));
    with(&app, &token, Method::GET, TASKS).send().await.problem(503, "SERVICE_UNAVAILABLE");
    with(&app, &token, Method::GET, TASKS).send().await.expect(200);
    let faulty = person.post(TASKS, &json!({})).send().await.problem(422, "VALIDATION_ERROR");
    assert_eq!(faults(&faulty), ["title:missing"], "and nothing else has changed for a session");
}
