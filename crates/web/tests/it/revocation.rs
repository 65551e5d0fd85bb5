//! Tokens of sessions that ended, on an instance that learns of them and on one that reads rows.

use holdfast_application::{
    domain::{SessionId, UserId, sessions::EndReason},
    ports::{Repositories as _, StoreError},
};
use holdfast_testkit::fixtures::at;
use serde_json::json;

use crate::app::{Person, TestApp};

/// What shows sessions, ends them, or tells whether a token is good.
const BY_ROW: [(&str, &str); 6] = [
    ("GET", "/api/v1/auth/me"),
    ("GET", "/api/v1/auth/session"),
    ("GET", "/api/v1/auth/token-info"),
    ("POST", "/api/v1/auth/verify"),
    ("GET", "/api/v1/auth/sessions"),
    ("DELETE", "/api/v1/auth/sessions/{id}"),
];

/// Ends the session as another instance would: past everything that this one could remember.
async fn end_elsewhere(app: &TestApp, person: &Person<'_>) -> SessionId {
    let user: UserId = person.id.parse().unwrap();
    let sessions = app.store.sessions().live(user, at(0), 9).await.unwrap();
    let id = sessions[0].id;
    assert!(app.store.sessions().end(user, id, EndReason::SignedOut, at(0)).await.unwrap());
    id
}

#[actix_web::test]
async fn an_instance_that_learns_asks_nothing_about_sessions() {
    let app = TestApp::new().await;
    let ada = app.person().await;
    let calls = async || {
        let before = app.store.calls();
        ada.get("/api/v1/tasks").send().await.expect(200);
        app.store.calls() - before
    };
    let by_row = calls().await;
    app.services.auth.learn_revocations().await.unwrap();
    assert_eq!(calls().await, by_row - 1);
}

#[actix_web::test]
async fn what_shows_or_ends_sessions_reads_the_row() {
    for (method, path) in BY_ROW {
        let app = TestApp::new().await;
        let ada = app.person().await;
        app.services.auth.learn_revocations().await.unwrap();
        let id = end_elsewhere(&app, &ada).await;
        ada.get("/api/v1/tasks").send().await.expect(200);
        let path = path.replace("{id}", &id.to_string());
        ada.ask(method.parse().unwrap(), &path).send().await.problem(401, "TOKEN_INVALID");
        // What was seen is remembered.
        ada.get("/api/v1/tasks").send().await.problem(401, "TOKEN_INVALID");
    }
}

#[actix_web::test]
async fn without_a_database_whoever_is_not_remembered_waits() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person().await, app.person().await);
    bob.post("/api/v1/auth/logout", &json!({})).send().await.expect(200);
    app.store.fail_next(StoreError::Unavailable("gone".into()));
    ada.get("/api/v1/tasks").send().await.problem(503, "SERVICE_UNAVAILABLE");
    app.store.fail_next(StoreError::Unavailable("gone".into()));
    bob.get("/api/v1/tasks").send().await.problem(401, "TOKEN_INVALID");
    assert!(app.store.is_armed(), "what ended here is known without a database");
}

#[actix_web::test]
async fn readiness_tells_how_tokens_are_refused_and_does_not_depend_on_it() {
    let app = TestApp::new().await;
    let ready = async || app.get("/health/ready").send().await.expect(200);
    assert_eq!(ready().await, json!({ "status": "ready", "revocation": "by_row" }));
    app.services.auth.learn_revocations().await.unwrap();
    assert_eq!(ready().await, json!({ "status": "ready", "revocation": "by_memory" }));
    app.clock.set(at(11));
    assert_eq!(ready().await, json!({ "status": "ready", "revocation": "by_row" }));
}
