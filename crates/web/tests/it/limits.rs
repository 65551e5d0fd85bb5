//! Throttling, per client address and per account.

use std::cell::Cell;

use actix_web::http::Method;
use holdfast_testkit::fixtures::{self, PASSWORD};
use holdfast_web::{Allowance, RateLimit};
use serde_json::{Value, json};

use crate::{
    app::{ORIGIN, PROXY, STRANGER, Settings, TestApp},
    logs::listen,
};

/// As many at once as by default. They come back so slowly that a busy machine sees none of it.
async fn limited() -> TestApp {
    let rate_limit =
        RateLimit::On { sign_in: Allowance::per_minute(20, 1), refresh: Allowance::per_minute(60, 1) };
    TestApp::with(Settings { rate_limit, ..Settings::default() }).await
}

/// The wish to sign in as somebody who has not been tried before.
fn nobody(n: usize) -> Value {
    json!({ "email": format!("nobody{n}@example.com"), "password": PASSWORD })
}

#[actix_web::test]
async fn the_twenty_first_attempt_waits_whatever_path_it_takes() {
    let app = limited().await;
    let paths = ["/api/v1/auth/signin", "/api/auth/login", "/auth/signin", "/api/v1/auth/login"];
    for n in 0..20 {
        let answer = app.post(paths[n % 4], &nobody(n)).send().await;
        answer.problem(401, "INVALID_CREDENTIALS");
        assert_eq!(answer.header("ratelimit-policy"), "\"sign-in\";q=20;w=1200");
        assert_eq!(answer.header("ratelimit"), format!("\"sign-in\";r={};t=60", 19 - n));
        assert_eq!(answer.header("x-ratelimit-limit"), "");
        assert_eq!(answer.header("x-ratelimit-remaining"), "");
    }
    for path in paths.into_iter().chain(["/api/v1/auth/signup", "/auth/register", "/api/v1/auth/token"]) {
        let answer = app.post(path, &nobody(20)).header("origin", ORIGIN).send().await;
        answer.problem(429, "RATE_LIMITED");
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(answer.header("ratelimit-policy"), "\"sign-in\";q=20;w=1200");
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
    assert_eq!(answer.header("ratelimit-policy"), "\"refresh\";q=60;w=3600");
}

#[actix_web::test]
async fn a_password_is_not_guessed_by_deleting_and_reading_is_free() {
    let app = limited().await;
    let person = app.person().await;
    let wrong = json!({ "password": "wrong" });
    for _ in 0..5 {
        person.delete("/api/v1/users/me").json(&wrong).send().await.problem(401, "INVALID_CREDENTIALS");
    }
    for _ in 0..14 {
        let answer = person.delete("/api/v1/users/me").json(&json!({ "password": PASSWORD })).send().await;
        answer.problem(429, "RATE_LIMITED");
        assert_eq!(answer.header("ratelimit-policy"), "\"network\";q=5;w=86400");
    }
    let answer = person.delete("/api/v1/users/me").json(&wrong).send().await;
    answer.problem(429, "RATE_LIMITED");
    assert_eq!(answer.header("ratelimit-policy"), "\"sign-in\";q=20;w=1200");
    for _ in 0..30 {
        let answer = person.get("/api/v1/users/me").send().await;
        answer.expect(200);
        assert_eq!((answer.header("ratelimit"), answer.header("x-ratelimit-whitelisted")), ("", ""));
        person.patch("/api/v1/users/me", &json!({})).send().await.expect(200);
    }
}

#[actix_web::test]
async fn an_account_that_was_failed_at_too_often_waits_and_one_that_does_not_exist_as_well() {
    let app = limited().await;
    let person = app.person().await;
    let paths = ["/api/v1/auth/signin", "/api/v1/auth/login"];
    for (email, address) in [(person.email.as_str(), "198.51.100.1"), ("nobody@example.com", "192.0.2.1")] {
        let attempt = |path: &str, password: &str| {
            app.post(path, &json!({ "email": email, "password": password })).peer(address).send()
        };
        for n in 0..5 {
            attempt(paths[n % 2], "wrong").await.problem(401, "INVALID_CREDENTIALS");
        }
        for (wait, from) in [(1, 0), (2, 1)] {
            app.clock.set(fixtures::at(from));
            if from > 0 {
                attempt(paths[0], "wrong").await.problem(401, "INVALID_CREDENTIALS");
            }
            for path in paths {
                let answer = attempt(path, PASSWORD).await;
                let problem = answer.problem(429, "RATE_LIMITED");
                assert_eq!(problem["detail"], format!("Too many attempts; try again in {wait} s"));
                assert_eq!(answer.header("retry-after"), wait.to_string());
                assert_eq!(answer.header("ratelimit-policy"), "\"network\";q=5;w=86400");
                assert_eq!(answer.header("ratelimit"), format!("\"network\";r=0;t={wait}"));
            }
            let form = format!("grant_type=password&username={email}&password=wrong");
            let token = app.ask(Method::POST, "/api/v1/auth/token").peer(address);
            let token = token.header("content-type", "application/x-www-form-urlencoded").bytes(form);
            token.send().await.problem(429, "RATE_LIMITED");
        }
        app.clock.set(fixtures::at(0));
    }
}

#[actix_web::test]
async fn an_address_cannot_be_forged_and_a_neighbour_does_not_suffer() {
    let app = limited().await;
    let tried = Cell::new(0);
    let attempt = |peer: &'static str, forwarded: String| {
        let wish = app.post("/api/v1/auth/signin", &nobody(tried.replace(tried.get() + 1)));
        let forged = [("forwarded", format!("for={forwarded}")), ("x-real-ip", forwarded.clone())];
        let wish = forged.iter().fold(wish, |wish, (name, value)| wish.header(name, value));
        wish.peer(peer).header("x-forwarded-for", &forwarded).send()
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
async fn a_proxy_that_is_not_trusted_is_told_once() {
    let (lines, _listening) = listen();
    let app = limited().await;
    for (n, peer) in [PROXY, STRANGER, STRANGER, "192.0.2.1"].into_iter().enumerate() {
        let wish =
            app.post("/api/v1/auth/signin", &nobody(n)).peer(peer).header("x-forwarded-for", "198.51.100.1");
        wish.send().await.problem(401, "INVALID_CREDENTIALS");
    }
    let text = lines.text();
    let told: Vec<&str> = text.lines().filter(|line| line.contains("TRUSTED_PROXIES")).collect();
    assert!(told.len() == 1 && told[0].contains(STRANGER), "{told:?}");
}

#[actix_web::test]
async fn switched_off_nothing_waits() {
    let app = TestApp::new().await;
    let body = json!({ "email": "nobody@example.com", "password": PASSWORD });
    for _ in 0..50 {
        app.post("/api/v1/auth/signin", &body).send().await.problem(401, "INVALID_CREDENTIALS");
    }
}
