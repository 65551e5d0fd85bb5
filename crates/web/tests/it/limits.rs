//! Throttling, per client address and per account.

use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::http::Method;
use async_trait::async_trait;
use holdfast_application::ports::{BucketSize, BucketsUnreachable, Drawing, SharedBuckets};
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

type Drawn = Result<Drawing, BucketsUnreachable>;

/// Buckets of all instances that answer what the test wants, and a full one after that. They remember who was asked for.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<Drawn>>,
    asked: Mutex<Vec<(String, String, BucketSize)>>,
}

impl Scripted {
    fn answer(&self, answers: impl IntoIterator<Item = Drawn>) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn asked(&self) -> Vec<(String, String, BucketSize)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[async_trait]
impl SharedBuckets for Scripted {
    async fn draw(&self, name: &str, owner: &str, size: BucketSize) -> Drawn {
        self.asked.lock().unwrap().push((name.to_owned(), owner.to_owned(), size));
        let answer = self.answers.lock().unwrap().pop_front();
        answer.unwrap_or(Ok(Drawing::Left(size.burst - 1)))
    }
}

async fn sharing() -> (TestApp, Arc<Scripted>) {
    let (app, buckets) = (limited().await, Arc::new(Scripted::default()));
    app.state.share_buckets(buckets.clone());
    (app, buckets)
}

#[actix_web::test]
async fn where_buckets_are_shared_they_alone_decide() {
    let (app, buckets) = sharing().await;
    buckets.answer([Ok(Drawing::Left(7)), Ok(Drawing::Empty(Duration::from_millis(1_001)))]);
    let let_in = app.post("/api/v1/auth/login", &json!({})).send().await;
    let_in.problem(422, "VALIDATION_ERROR");
    assert_eq!(let_in.header("ratelimit-policy"), "\"sign-in\";q=20;w=1200");
    assert_eq!(let_in.header("ratelimit"), "\"sign-in\";r=7;t=60");
    let refused = app.post("/api/v1/auth/login", &json!({})).send().await;
    let problem = refused.problem(429, "RATE_LIMITED");
    assert_eq!(problem["detail"], "Too many attempts; try again in 2 s");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(refused.header("ratelimit-policy"), "\"sign-in\";q=20;w=1200");
    assert_eq!(refused.header("ratelimit"), "\"sign-in\";r=0;t=2");
    for _ in 0..30 {
        let answer = app.post("/api/v1/auth/login", &json!({})).send().await;
        assert_eq!(answer.header("ratelimit"), "\"sign-in\";r=19;t=60", "not those of this instance");
    }
}

#[actix_web::test]
async fn while_shared_buckets_are_out_of_reach_an_instance_has_counted_along() {
    let (app, buckets) = sharing().await;
    for _ in 0..15 {
        app.post("/api/v1/auth/login", &json!({})).send().await.problem(422, "VALIDATION_ERROR");
    }
    buckets.answer([Ok(Drawing::Empty(Duration::from_mins(1))); 10]);
    for _ in 0..10 {
        app.post("/api/v1/auth/login", &json!({})).send().await.problem(429, "RATE_LIMITED");
    }
    buckets.answer([Err(BucketsUnreachable); 6]);
    for left in (0..5).rev() {
        let answer = app.post("/api/v1/auth/login", &json!({})).send().await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.header("ratelimit"), format!("\"sign-in\";r={left};t=60"));
    }
    app.post("/api/v1/auth/login", &json!({})).send().await.problem(429, "RATE_LIMITED");
}

#[actix_web::test]
async fn a_shared_bucket_is_asked_for_each_attempt_of_a_network_and_for_nothing_else() {
    let (app, buckets) = sharing().await;
    for (peer, owner) in [
        ("203.0.113.9", "203.0.113.9/32"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::2", "2001:db8::/64"),
    ] {
        for (path, name, burst) in [
            ("/api/v1/auth/signup", "sign-in", 20),
            ("/auth/register", "sign-in", 20),
            ("/api/v1/auth/refresh", "refresh", 60),
        ] {
            app.post(path, &json!({})).peer(peer).send().await;
            let size = BucketSize { burst, interval: Duration::from_mins(1) };
            assert_eq!(buckets.asked(), [(name.to_owned(), owner.to_owned(), size)], "{path}");
        }
    }
    let person = app.person().await;
    buckets.asked();
    person.get("/api/v1/users/me").send().await.expect(200);
    person.get("/api/v1/tasks").send().await.expect(200);
    app.get("/health").send().await.expect(200);
    assert_eq!(buckets.asked(), [], "reading is free");
    app.state.limit_rate(RateLimit::Off);
    app.post("/api/v1/auth/login", &json!({})).send().await.problem(422, "VALIDATION_ERROR");
    assert_eq!(buckets.asked(), [], "throttling is off");
    app.state.limit_rate(RateLimit::On {
        sign_in: Allowance::per_minute(3, 6),
        refresh: Allowance::per_minute(1, 1),
    });
    app.post("/api/v1/auth/login", &json!({})).send().await.problem(422, "VALIDATION_ERROR");
    assert_eq!(buckets.asked()[0].2, BucketSize { burst: 3, interval: Duration::from_secs(10) });
}
