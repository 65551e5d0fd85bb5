//! What browsers are told.

use actix_web::http::Method;

use crate::app::{ORIGIN, Settings, TestApp};

#[actix_web::test]
async fn an_allowed_origin_may_call_and_read_errors() {
    let app = TestApp::new().await;
    for path in ["/health", "/api/v1/tasks", "/api/nothing"] {
        let answer = app.get(path).header("origin", ORIGIN).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        // In one order, whichever worker answers.
        assert_eq!(
            answer.header("access-control-expose-headers"),
            "Location, ETag, Retry-After, X-Request-Id, RateLimit, RateLimit-Policy, Idempotent-Replayed"
        );
        assert!(answer.header("vary").contains("Origin"));
    }
}

#[actix_web::test]
async fn a_preflight_is_answered_for_ten_minutes() {
    let app = TestApp::new().await;
    let wanted = "authorization, idempotency-key, if-match, if-none-match, x-anything";
    let answer = app
        .ask(Method::OPTIONS, "/api/v1/tasks/1")
        .header("origin", ORIGIN)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", wanted)
        .send()
        .await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(answer.header("access-control-max-age"), "600");
    assert_eq!(answer.header("access-control-allow-headers"), wanted);
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(answer.header("access-control-allow-methods").contains(method));
    }
}

#[actix_web::test]
async fn a_foreign_origin_gets_no_grant_and_is_not_blocked() {
    let app = TestApp::new().await;
    for origin in ["https://evil.example", "null", "http://localhost:3001", "HTTP://LOCALHOST:3000"] {
        let answer = app.get("/health").header("origin", origin).send().await;
        answer.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), "");
        let answer = app
            .ask(Method::OPTIONS, "/api/v1/tasks")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .send()
            .await;
        assert_eq!(answer.status.as_u16(), 204);
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[actix_web::test]
async fn every_answer_is_hardened() {
    let app = TestApp::new().await;
    for path in
        ["/", "/health", "/api/v1/tasks", "/api/tasks", "/api/nothing", "/api/v1/tasks/", "/api/openapi.json"]
    {
        let answer = app.get(path).send().await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("strict-transport-security"), "");
        assert!(!answer.header("x-request-id").is_empty());
    }
    let production = TestApp::with(Settings { production: true, ..Settings::default() }).await;
    assert!(production.get("/").send().await.header("strict-transport-security").starts_with("max-age="));
}
