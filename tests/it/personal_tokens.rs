//! A script with a personal access token, on two instances over one database: what ends it on one counts on the other at once.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};

use crate::app::{Answer, PASSWORD, Person, TestApp, on_both_databases, send};

on_both_databases!(
    a_script_works_within_its_scope_until_its_token_is_revoked,
    a_token_is_over_with_its_time_and_sleeps_during_a_ban,
    what_ends_all_access_ends_tokens_everywhere,
);

const TOKENS: &str = "/api/v1/auth/tokens";
const TASKS: &str = "/api/v1/tasks";

/// A new token of the person: its id and its text.
async fn made(app: &TestApp, person: &Person, scopes: &[&str]) -> (String, String) {
    let wish = json!({ "name": "backup", "scopes": scopes, "expires_in_days": 1, "password": PASSWORD });
    let answer = app.call(person, Method::POST, TOKENS, Some(&wish)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let text = |name: &str| answer.body["data"][name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

async fn call(app: &TestApp, token: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = app.request(method, path).bearer_auth(token);
    send(if let Some(body) = body { request.json(body) } else { request }).await
}

async fn a_script_works_within_its_scope_until_its_token_is_revoked(here: &TestApp) {
    let there = here.beside();
    let ada = here.person("ada").await;
    let (id, reads) = made(here, &ada, &["tasks:read"]).await;
    let (_, writes) = made(here, &ada, &["tasks:write"]).await;
    let task = json!({ "title": "made by a script" });
    for (app, tasks) in [(here, TASKS), (&there, "/api/tasks")] {
        let written = call(app, &writes, Method::POST, tasks, Some(&task)).await;
        assert_eq!(written.status, 201, "{}", written.text);
        let refused = call(app, &writes, Method::GET, tasks, None).await;
        assert_eq!(refused.problem(403), "FORBIDDEN");
        let listed = call(app, &reads, Method::GET, tasks, None).await;
        assert_eq!(listed.status, 200, "{}", listed.text);
        let refused = call(app, &reads, Method::POST, tasks, Some(&task)).await;
        assert_eq!(refused.problem(403), "FORBIDDEN");
        let challenge = refused.header("www-authenticate").to_owned();
        assert!(challenge.contains(r#"error="insufficient_scope", scope="tasks:write""#), "{challenge}");
        assert_eq!(call(app, &reads, Method::GET, "/api/v1/auth/me", None).await.problem(403), "FORBIDDEN");
    }
    let listed = call(&there, &reads, Method::GET, TASKS, None).await;
    assert_eq!(listed.body["data"]["total_count"], 2, "{}", listed.text);
    let shown = there.call(&ada, Method::GET, TOKENS, None).await;
    assert!(!shown.text.contains(&reads) && !shown.text.contains(&writes), "{}", shown.text);
    assert!(shown.body["data"]["tokens"][0]["last_used_at"].is_string(), "{}", shown.text);

    let stranger = here.person("eve").await;
    let path = format!("{TOKENS}/{id}");
    assert_eq!(here.call(&stranger, Method::DELETE, &path, None).await.problem(404), "NOT_FOUND");
    assert_eq!(call(here, &writes, Method::DELETE, &path, None).await.problem(403), "FORBIDDEN");
    assert!(there.knows(&reads).await);
    let revoked = here.call(&ada, Method::DELETE, &path, None).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    assert!(!there.knows(&reads).await && !here.knows(&reads).await);
    let written = call(&there, &writes, Method::POST, TASKS, Some(&task)).await;
    assert_eq!(written.status, 201, "the other one is good: {}", written.text);
    let events = there.call(&ada, Method::GET, "/api/v1/auth/events", None).await;
    let kinds: Vec<&str> = events.body["data"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    let created = "personal_token_created";
    assert_eq!(kinds, ["personal_token_revoked", created, created, "signed_up"]);
}

/// Lets the time of every token be up, as if it had passed.
async fn expire(app: &TestApp) {
    let url = app.database_url();
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        connection.execute("UPDATE personal_tokens SET expires_at = created_at").await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        connection.execute("UPDATE personal_tokens SET expires_at = created_at").await.unwrap();
        connection.close().await.unwrap();
    }
}

async fn a_token_is_over_with_its_time_and_sleeps_during_a_ban(here: &TestApp) {
    let there = here.beside();
    let (root, ada) = (here.admin("root").await, here.person("ada").await);
    let (_, token) = made(here, &ada, &["tasks:read"]).await;
    let (_, of_root) = made(here, &root, &["tasks:read", "tasks:write"]).await;
    let ban = format!("/api/v1/users/{}/ban", ada.user_id);
    let refused = call(here, &of_root, Method::POST, &ban, Some(&json!({}))).await;
    assert_eq!(refused.problem(403), "FORBIDDEN", "no token administrates");
    assert_eq!(here.call(&root, Method::POST, &ban, Some(&json!({}))).await.status, 200);
    assert!(!there.knows(&token).await && !here.knows(&token).await);
    assert_eq!(here.call(&root, Method::DELETE, &ban, None).await.status, 200);
    assert!(there.knows(&token).await && here.knows(&token).await);
    expire(here).await;
    assert!(!there.knows(&token).await && !here.knows(&token).await);
    let again = json!({ "email": ada.email, "password": PASSWORD });
    let ada = Person::from(&here.post("/api/v1/auth/login", &again).await);
    let shown = here.call(&ada, Method::GET, TOKENS, None).await;
    assert_eq!(shown.body["data"]["tokens"], json!([]), "{}", shown.text);
}

async fn what_ends_all_access_ends_tokens_everywhere(here: &TestApp) {
    let there = here.beside();
    let new = json!({ "current_password": PASSWORD, "new_password": "another horse, another battery" });
    for (name, method, path, body) in [
        ("out", Method::POST, "/api/v1/auth/logout", json!({ "scope": "global" })),
        ("password", Method::POST, "/api/v1/auth/password", new),
        ("sessions", Method::DELETE, "/api/v1/users/{id}/sessions", Value::Null),
        ("gone", Method::DELETE, "/api/v1/users/me", json!({ "password": PASSWORD })),
    ] {
        let person = here.person(name).await;
        let (_, token) = made(here, &person, &["tasks:read"]).await;
        assert!(there.knows(&token).await);
        let path = path.replace("{id}", &person.user_id);
        let done = here.call(&person, method, &path, Some(&body).filter(|body| !body.is_null())).await;
        assert_eq!(done.status, 200, "{name}: {}", done.text);
        assert!(!there.knows(&token).await && !here.knows(&token).await, "{name}");
    }
    let person = here.person("stays").await;
    let (_, token) = made(here, &person, &["tasks:read"]).await;
    for scope in ["others", "local"] {
        let wish = json!({ "scope": scope });
        let out = here.call(&person, Method::POST, "/api/v1/auth/logout", Some(&wish)).await;
        assert_eq!(out.status, 200, "{}", out.text);
        assert!(there.knows(&token).await && here.knows(&token).await, "{scope}");
    }
}
