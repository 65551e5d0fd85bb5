//! The shape of every error, and what an error never tells.

use std::sync::Arc;

use async_trait::async_trait;
use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{Passwords, PasswordsError, StoreError, Verification},
};
use serde_json::json;

use crate::app::{Settings, TestApp};

#[actix_web::test]
async fn a_problem_is_complete() {
    let app = TestApp::new().await;
    let answer = app.get("/api/v1/tasks").send().await;
    let problem = answer.problem(401, "TOKEN_MISSING");
    assert_eq!(
        problem,
        json!({
            "type": "urn:holdfast:problem:token-missing", "title": "Unauthorized", "status": 401,
            "detail": "Not authenticated", "instance": "/api/v1/tasks", "success": false,
            "error": "Not authenticated", "error_code": "TOKEN_MISSING", "request_id": answer.header("x-request-id")
        })
    );
    assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="holdfast""#);
}

#[actix_web::test]
async fn a_bad_token_is_challenged_as_such_whatever_is_wrong_with_it() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let broken = format!("{}x", person.access);
    for token in ["", "x", &broken, &person.refresh, "a b", "é"] {
        let answer = app.get("/api/v1/auth/me").bearer(token).send().await;
        answer.problem(401, "TOKEN_INVALID");
        assert!(answer.header("www-authenticate").contains(r#"error="invalid_token""#));
    }
    let twice = person.get("/api/v1/auth/me").bearer(&person.access).send().await;
    twice.problem(401, "TOKEN_INVALID");
    let basic = app.get("/api/v1/auth/me").header("authorization", "Basic YTpi").send().await;
    basic.problem(401, "TOKEN_MISSING");
    app.clock.advance(std::time::Duration::from_mins(16));
    person.get("/api/v1/auth/me").send().await.problem(401, "TOKEN_INVALID");
}

#[actix_web::test]
async fn the_frozen_surface_adds_a_message() {
    let app = TestApp::new().await;
    let problem = app.get("/api/tasks").send().await.problem(401, "TOKEN_MISSING");
    assert_eq!(problem["message"], problem["detail"]);
    let problem = app.get("/api/tasks/x/y/z").send().await.problem(404, "NOT_FOUND");
    assert_eq!(problem["message"], problem["detail"]);
    let problem = app.get("/api/tasksfoo").send().await.problem(404, "NOT_FOUND");
    assert!(problem.get("message").is_none());
}

#[actix_web::test]
async fn a_lost_store_is_503_without_its_cause() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for path in ["/api/v1/tasks", "/api/tasks", "/api/v1/auth/me"] {
        app.store.fail_next(StoreError::Unavailable("password=hunter2 host=db".into()));
        let answer = person.get(path).send().await;
        let problem = answer.problem(503, "SERVICE_UNAVAILABLE");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}

#[actix_web::test]
async fn an_unexpected_failure_is_a_bare_500() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for path in ["/api/v1/tasks", "/api/tasks"] {
        app.store.fail_nth(2, StoreError::Unexpected("column secret_plan does not exist".into()));
        let problem = person.get(path).send().await.problem(500, "SERVER_ERROR");
        assert!(!problem.to_string().contains("secret_plan"), "{problem}");
    }
}

/// Fails in the way that it is told.
struct Broken(fn() -> Result<PasswordHash, PasswordsError>);

#[async_trait]
impl Passwords for Broken {
    async fn hash(&self, _: &Password) -> Result<PasswordHash, PasswordsError> {
        (self.0)()
    }

    async fn verify(&self, _: &Password, _: Option<&PasswordHash>) -> Result<Verification, PasswordsError> {
        std::future::pending().await
    }
}

async fn broken(hash: fn() -> Result<PasswordHash, PasswordsError>) -> TestApp {
    TestApp::with(Settings { passwords: Arc::new(Broken(hash)), ..Settings::default() }).await
}

#[actix_web::test]
async fn a_busy_hasher_says_when_to_come_back() {
    let busy = || Err(PasswordsError::Busy { retry_after: std::time::Duration::from_millis(1_200) });
    let app = broken(busy).await;
    let body = json!({ "email": "a@b.c", "password": "correct horse battery" });
    let answer = app.post("/api/v1/auth/signup", &body).send().await;
    answer.problem(503, "SERVICE_UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "2", "rounded up");
}

#[actix_web::test]
async fn a_panic_is_an_answer() {
    let app = broken(|| panic!("the cat is on the keyboard")).await;
    let body = json!({ "email": "a@b.c", "password": "correct horse battery" });
    let answer = app.post("/api/v1/auth/signup", &body).header("origin", crate::app::ORIGIN).send().await;
    let problem = answer.problem(500, "SERVER_ERROR");
    assert!(!problem.to_string().contains("keyboard"), "{problem}");
    assert_eq!(answer.header("access-control-allow-origin"), crate::app::ORIGIN);
}

#[actix_web::test]
async fn an_answer_that_takes_too_long_is_503() {
    let app = broken(|| panic!("not asked")).await;
    let body = json!({ "email": "a@b.c", "password": "correct horse battery" });
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    app.post("/api/v1/auth/signin", &body).send().await.problem(503, "SERVICE_UNAVAILABLE");
    assert_eq!(started.elapsed().as_secs(), 5);
}
