//! What operators and browsers meet: health, headers, origins, documents.

use std::path::Path;

use reqwest::Method;
use serde_json::json;

use crate::app::{TestApp, on_both_databases, send};

on_both_databases!(
    health_answers_without_an_account,
    every_answer_carries_the_security_headers,
    known_origins_may_call_and_others_get_no_grant,
    the_documentation_is_served_from_here_alone,
);

async fn health_answers_without_an_account(app: &TestApp) {
    for (path, status) in [
        ("/health", "healthy"),
        ("/health/db", "database connected"),
        ("/health/auth", "authentication system operational"),
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!(status)), "{path}: {}", answer.text);
    }
    for path in ["/health/live", "/health/ready", "/"] {
        assert_eq!(app.get(path).await.status, 200, "{path}");
    }
}

async fn every_answer_carries_the_security_headers(app: &TestApp) {
    for path in ["/health", "/api/v1/tasks", "/nowhere", "/api/docs"] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("content-security-policy").is_empty(), "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
    assert_eq!(app.get("/api/v1/tasks").await.header("cache-control"), "no-store");
}

async fn known_origins_may_call_and_others_get_no_grant(app: &TestApp) {
    let ask = async |method: Method, origin: &str| {
        let request = app.request(method, "/api/v1/tasks").header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "PATCH");
        send(request.header("Access-Control-Request-Headers", "authorization,if-match")).await
    };
    let preflight = ask(Method::OPTIONS, "http://localhost:3000").await;
    assert!([200, 204].contains(&preflight.status), "{}", preflight.text);
    assert_eq!(preflight.header("access-control-allow-origin"), "http://localhost:3000");
    assert_eq!(preflight.header("access-control-allow-credentials"), "true");
    assert_eq!(preflight.header("access-control-max-age"), "600");
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    let refused = ask(Method::GET, "http://localhost:3000").await;
    assert_eq!(refused.problem(401), "TOKEN_MISSING");
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "http://localhost:3000",
        "errors are readable, too"
    );
    assert!(refused.header("access-control-expose-headers").to_lowercase().contains("retry-after"));
    for origin in ["http://evil.example", "http://localhost:3000.evil.example", "null"] {
        assert_eq!(ask(Method::OPTIONS, origin).await.header("access-control-allow-origin"), "", "{origin}");
        assert_eq!(ask(Method::GET, origin).await.header("access-control-allow-origin"), "", "{origin}");
    }
}

async fn the_documentation_is_served_from_here_alone(app: &TestApp) {
    let document = app.get("/api/openapi.json").await;
    assert_eq!((document.status, document.body["openapi"].as_str().map(|v| &v[..3])), (200, Some("3.1")));
    assert_eq!(app.get("/api/v1/openapi.json").await.text, document.text);
    for path in ["/api/docs", "/api/redoc"] {
        let page = app.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert!(
            !page.text.contains("https://") && !page.text.contains("//cdn"),
            "{path} loads from elsewhere"
        );
        for asset in page.text.split(['"', '\'']).filter(|part| is_asset(part)) {
            let url = if asset.starts_with('/') {
                asset.to_owned()
            } else {
                format!("/api/docs/{}", asset.trim_start_matches("./"))
            };
            assert_eq!(app.get(&url).await.status, 200, "{path} needs {asset}");
        }
    }
}

fn is_asset(link: &str) -> bool {
    Path::new(link).extension().is_some_and(|extension| extension == "js" || extension == "css")
}
