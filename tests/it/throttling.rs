//! Throttling by client address, as somebody outside meets it.

use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, TestApp, send};

async fn attempt(app: &TestApp, forwarded_for: &str) -> Answer {
    let request = app.request(Method::POST, "/api/v1/auth/login").header("X-Forwarded-For", forwarded_for);
    send(request.json(&json!({ "email": "nobody@example.com", "password": "wrong password" }))).await
}

#[tokio::test]
async fn after_a_burst_of_twenty_sign_ins_the_next_waits() {
    let app = TestApp::on_sqlite(&[("RATE_LIMIT", "on")]);
    for n in 0..20 {
        // Without a trusted proxy the header is anybody's claim and changes nothing.
        assert_eq!(attempt(&app, &format!("203.0.113.{n}")).await.problem(401), "INVALID_CREDENTIALS", "{n}");
    }
    let refused = attempt(&app, "203.0.113.99").await;
    assert_eq!(refused.problem(429), "RATE_LIMITED");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    assert!(!refused.header("ratelimit").is_empty() && !refused.header("ratelimit-policy").is_empty());
    assert_eq!(app.get("/health").await.status, 200, "only the auth routes are throttled");
    let refresh = app.post("/api/v1/auth/refresh", &json!({ "refresh_token": "x" })).await;
    assert_eq!(refresh.problem(401), "REFRESH_TOKEN_INVALID", "refreshing has a bucket of its own");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_bucket() {
    let app = TestApp::on_sqlite(&[("RATE_LIMIT", "on"), ("TRUSTED_PROXIES", "127.0.0.0/8")]);
    for n in 0..20 {
        // What stands left of the proxy's own entry was written by the client.
        assert_eq!(attempt(&app, &format!("198.51.100.{n}, 203.0.113.7")).await.status, 401, "{n}");
    }
    assert_eq!(attempt(&app, "198.51.100.77, 203.0.113.7").await.problem(429), "RATE_LIMITED");
    assert_eq!(attempt(&app, "203.0.113.8").await.problem(401), "INVALID_CREDENTIALS");
}
