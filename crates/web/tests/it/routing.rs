//! Paths, methods and what is answered where nothing is.

use actix_web::http::Method;
use serde_json::json;

use crate::app::{PROXY, TestApp};

#[actix_web::test]
async fn an_unknown_path_is_a_problem() {
    let app = TestApp::new().await;
    for path in
        ["/nothing", "/api", "/api/v2/tasks", "/api/v1/tasks/x/y", "/health/other", "/api/docs/passwd"]
    {
        app.get(path).send().await.problem(404, "NOT_FOUND");
    }
}

#[actix_web::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = TestApp::new().await;
    for (method, path, allow) in [
        (Method::DELETE, "/api/v1/tasks", "GET, POST, HEAD"),
        (Method::POST, "/api/v1/tasks/x", "GET, PUT, PATCH, DELETE, HEAD"),
        (Method::GET, "/api/v1/tasks/x/complete", "PATCH"),
        (Method::PATCH, "/api/tasks/x", "GET, PUT, DELETE, HEAD"),
        (Method::GET, "/auth/login", "POST"),
        (Method::POST, "/", "GET, HEAD"),
        (Method::OPTIONS, "/health", "GET, HEAD"),
    ] {
        let answer = app.ask(method, path).send().await;
        answer.problem(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
}

#[actix_web::test]
async fn head_works_where_get_does() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for path in ["/", "/health", "/api/docs", "/api/openapi.json"] {
        app.ask(Method::HEAD, path).send().await.expect_status(200);
    }
    person.ask(Method::HEAD, "/api/v1/tasks").send().await.expect_status(200);
    app.ask(Method::HEAD, "/api/v1/tasks").send().await.expect_status(401);
}

#[actix_web::test]
async fn a_trailing_slash_leads_to_the_path_without_it() {
    let app = TestApp::new().await;
    for (path, target) in [
        ("/api/v1/tasks/", "/api/v1/tasks"),
        ("/api/tasks/?limit=1&q=a%20b", "/api/tasks?limit=1&q=a%20b"),
        ("/health/", "/health"),
        ("/nothing//", "/nothing"),
        ("//evil.example/", "/evil.example"),
    ] {
        let answer = app.ask(Method::POST, path).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (307, target), "{path}");
    }
}

#[actix_web::test]
async fn the_greeting_tells_version_and_documentation() {
    let app = TestApp::new().await;
    let greeting = app.get("/").send().await.expect(200);
    assert_eq!((&greeting["name"], &greeting["version"]), (&json!("Holdfast"), &json!("1.2.3")));
    for link in ["docs", "redoc", "openapi", "health"] {
        app.get(greeting[link].as_str().unwrap()).send().await.expect_status(200);
    }
}

#[actix_web::test]
async fn a_request_id_is_taken_from_a_trusted_proxy_alone() {
    let app = TestApp::new().await;
    let given = |peer: &'static str, id: &'static str| {
        let ask = app.get("/health").peer(peer).header("x-request-id", id);
        async move { ask.send().await.header("x-request-id").to_owned() }
    };
    assert_eq!(given(PROXY, "proxy-1.2_3").await, "proxy-1.2_3");
    assert_ne!(given(crate::app::STRANGER, "proxy-1").await, "proxy-1");
    for insane in ["", "a b", "x\"y", "é"] {
        assert_ne!(given(PROXY, insane).await, insane);
    }
    let long = "x".repeat(129);
    let answer = app.get("/health").peer(PROXY).header("x-request-id", &long).send().await;
    assert_ne!(answer.header("x-request-id"), long);
    assert_ne!(
        app.get("/health").send().await.header("x-request-id"),
        app.get("/health").send().await.header("x-request-id")
    );
}
