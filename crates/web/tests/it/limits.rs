//! Throttling per client address.

use holdfast_testkit::fixtures::PASSWORD;
use holdfast_web::{Allowance, RateLimit};
use serde_json::json;

use crate::app::{ORIGIN, PROXY, STRANGER, Settings, TestApp};

async fn limited() -> TestApp {
    TestApp::with(Settings { rate_limit: RateLimit::default(), ..Settings::default() }).await
}

#[actix_web::test]
async fn the_twenty_first_attempt_waits_whatever_path_it_takes() {
    let app = limited().await;
    let body = json!({ "email": "nobody@example.com", "password": PASSWORD });
    let paths = ["/api/v1/auth/signin", "/api/auth/login", "/auth/signin", "/api/v1/auth/login"];
    for n in 0..20 {
        app.post(paths[n % 4], &body).send().await.problem(401, "INVALID_CREDENTIALS");
    }
    for path in paths.into_iter().chain(["/api/v1/auth/signup", "/auth/register", "/api/v1/auth/token"]) {
        let answer = app.post(path, &body).header("origin", ORIGIN).send().await;
        answer.problem(429, "RATE_LIMITED");
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=6).contains(&wait), "{wait}");
        assert_eq!(answer.header("ratelimit-policy"), "\"sign-in\";q=20;w=120");
        assert_eq!(answer.header("ratelimit"), format!("\"sign-in\";r=0;t={wait}"));
        assert_eq!(answer.header("x-ratelimit-after"), "");
    }
    let body = json!({ "refresh_token": "x" });
    app.post("/api/v1/auth/refresh", &body).send().await.problem(401, "REFRESH_TOKEN_INVALID");
    app.get("/health").send().await.expect(200);
    app.post("/api/v1/auth/logout", &json!({})).send().await.expect(200);
}

#[actix_web::test]
async fn refreshes_have_a_bucket_of_their_own() {
    let app = limited().await;
    let body = json!({ "refresh_token": "x" });
    for _ in 0..60 {
        app.post("/api/v1/auth/refresh", &body).send().await.problem(401, "REFRESH_TOKEN_INVALID");
    }
    let answer = app.post("/auth/refresh", &body).send().await;
    answer.problem(429, "RATE_LIMITED");
    assert_eq!(answer.header("ratelimit-policy"), "\"refresh\";q=60;w=60");
}

#[actix_web::test]
async fn a_password_is_not_guessed_by_deleting_and_reading_is_free() {
    let app = limited().await;
    let person = app.person().await;
    let body = json!({ "password": "wrong" });
    for _ in 0..19 {
        person.delete("/api/v1/users/me").json(&body).send().await.problem(401, "INVALID_CREDENTIALS");
    }
    person.delete("/api/v1/users/me").json(&body).send().await.problem(429, "RATE_LIMITED");
    for _ in 0..30 {
        person.get("/api/v1/users/me").send().await.expect(200);
        person.patch("/api/v1/users/me", &json!({})).send().await.expect(200);
    }
}

#[actix_web::test]
async fn an_address_cannot_be_forged_and_a_neighbour_does_not_suffer() {
    let app = limited().await;
    let body = json!({ "email": "nobody@example.com", "password": PASSWORD });
    let attempt = |peer: &'static str, forwarded: String| {
        app.post("/api/v1/auth/signin", &body).peer(peer).header("x-forwarded-for", &forwarded).send()
    };
    for n in 0..20 {
        attempt(STRANGER, format!("198.51.100.{n}")).await.problem(401, "INVALID_CREDENTIALS");
    }
    attempt(STRANGER, "198.51.100.99".to_owned()).await.problem(429, "RATE_LIMITED");
    attempt(PROXY, format!("198.51.100.99, {STRANGER}")).await.problem(429, "RATE_LIMITED");
    attempt(PROXY, format!("::ffff:{STRANGER}")).await.problem(429, "RATE_LIMITED");
    attempt(PROXY, format!("{STRANGER}, 198.51.100.99")).await.problem(401, "INVALID_CREDENTIALS");
    for n in 0..20 {
        attempt("2001:db8::1", format!("{n}")).await.problem(401, "INVALID_CREDENTIALS");
    }
    attempt("2001:db8::ffff:2", String::new()).await.problem(429, "RATE_LIMITED");
    attempt("2001:db8:0:1::1", String::new()).await.problem(401, "INVALID_CREDENTIALS");
}

#[actix_web::test]
async fn a_swept_bucket_is_full_again() {
    let brief = Allowance::per_minute(1, 60_000);
    let rate_limit = RateLimit::On { sign_in: brief, refresh: brief };
    let app = TestApp::with(Settings { rate_limit, ..Settings::default() }).await;
    let body = json!({ "refresh_token": "x" });
    app.post("/api/v1/auth/refresh", &body).send().await.problem(401, "REFRESH_TOKEN_INVALID");
    actix_web::rt::time::sleep(std::time::Duration::from_millis(20)).await;
    app.state.sweep();
    app.post("/api/v1/auth/refresh", &body).send().await.problem(401, "REFRESH_TOKEN_INVALID");
}

#[actix_web::test]
async fn switched_off_nothing_waits() {
    let app = TestApp::new().await;
    let body = json!({ "email": "nobody@example.com", "password": PASSWORD });
    for _ in 0..50 {
        app.post("/api/v1/auth/signin", &body).send().await.problem(401, "INVALID_CREDENTIALS");
    }
}
