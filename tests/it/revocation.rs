//! Two instances over one database: what ends on one is refused there before the answer, and on the other soon after.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{PASSWORD, Person, TestApp, on_both_databases};

on_both_databases!(
    what_ends_on_one_instance_is_refused_by_the_other,
    an_instance_that_starts_refuses_what_ended_before,
    once_a_sign_out_is_answered_no_request_is_let_in,
);

/// Only to end a test whose condition never comes; what is promised, 2 s, is nothing that a busy machine could be held to.
const DEADLINE: Duration = Duration::from_mins(1);

/// Waits until the condition holds.
async fn until(told: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, wait).await.is_ok(), "{told}");
}

/// Waits until the instance judges by memory.
async fn warm(app: &TestApp) {
    until("the instance never learned", async || {
        app.get("/health/ready").await.body["revocation"] == "by_memory"
    })
    .await;
}

/// A way to end the session of `person`: its name, who asks, the method, the path and the body.
struct Way {
    name: &'static str,
    by_admin: bool,
    method: Method,
    path: String,
    body: Value,
}

fn ways() -> Vec<Way> {
    let way = |name, by_admin, method, path: &str, body| Way {
        name,
        by_admin,
        method,
        path: path.to_owned(),
        body,
    };
    vec![
        way("logout", false, Method::POST, "/api/v1/auth/logout", json!({})),
        way("logout-everywhere", false, Method::POST, "/api/v1/auth/logout", json!({ "scope": "global" })),
        way("own-session", false, Method::DELETE, "/api/v1/auth/sessions/{sid}", Value::Null),
        way(
            "password",
            false,
            Method::POST,
            "/api/v1/auth/password",
            json!({ "current_password": PASSWORD, "new_password": format!("{PASSWORD} 2") }),
        ),
        way("own-account", false, Method::DELETE, "/api/v1/users/me", json!({ "password": PASSWORD })),
        way("session", true, Method::DELETE, "/api/v1/users/{id}/sessions/{sid}", Value::Null),
        way("sessions", true, Method::DELETE, "/api/v1/users/{id}/sessions", Value::Null),
        way("ban", true, Method::POST, "/api/v1/users/{id}/ban", json!({ "reason": "spam" })),
        way("role", true, Method::PUT, "/api/v1/users/{id}/role", json!({ "role": "admin" })),
    ]
}

impl Way {
    async fn carry_out(&self, app: &TestApp, admin: &Person, person: &Person) {
        let session = app.call(person, Method::GET, "/api/v1/auth/session", None).await;
        let session = session.body["session"]["session_id"].as_str().unwrap();
        let path = self.path.replace("{id}", &person.user_id).replace("{sid}", session);
        let body = Some(&self.body).filter(|body| !body.is_null());
        let by = if self.by_admin { admin } else { person };
        let answer = app.call(by, self.method.clone(), &path, body).await;
        assert_eq!(answer.status, 200, "{}: {}", self.name, answer.text);
    }
}

/// Ends the session by a refresh token that was replaced twice.
async fn reuse(app: &TestApp, person: &Person) {
    let refresh =
        async |token: &str| app.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).await;
    let second = refresh(&person.refresh).await.body["data"]["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refresh(&second).await.status, 200);
    assert_eq!(refresh(&person.refresh).await.problem(401), "REFRESH_TOKEN_INVALID");
}

/// Somebody whose token both instances accept by memory.
async fn known(here: &TestApp, there: &TestApp, name: &str) -> Person {
    let person = here.person(name).await;
    for app in [here, there] {
        assert!(app.knows(&person.access).await && app.knows(&person.long_lived).await, "{name}");
    }
    person
}

async fn what_ends_on_one_instance_is_refused_by_the_other(here: &TestApp) {
    let there = here.beside();
    let admin = here.admin("root").await;
    let bystander = known(here, &there, "bystander").await;
    warm(here).await;
    warm(&there).await;
    let mut ended = Vec::new();
    for way in ways() {
        let person = known(here, &there, way.name).await;
        way.carry_out(here, &admin, &person).await;
        assert!(!here.knows(&person.access).await && !here.knows(&person.long_lived).await, "{}", way.name);
        ended.push((way.name, person));
    }
    let thief = known(here, &there, "reuse").await;
    reuse(here, &thief).await;
    assert!(!here.knows(&thief.access).await);
    ended.push(("reuse", thief));
    // The others end, and this one stays.
    let first = known(here, &there, "others").await;
    let wish = json!({ "email": first.email, "password": PASSWORD });
    let second = Person::from(&here.post("/api/v1/auth/login", &wish).await);
    let answer =
        here.call(&second, Method::POST, "/api/v1/auth/logout", Some(&json!({ "scope": "others" }))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!here.knows(&first.access).await);
    ended.push(("others", first));
    for (name, person) in &ended {
        for token in [&person.access, &person.long_lived] {
            until(name, async || !there.knows(token).await).await;
        }
    }
    for app in [here, &there] {
        assert!(app.knows(&bystander.access).await && app.knows(&second.access).await);
    }
}

async fn an_instance_that_starts_refuses_what_ended_before(here: &TestApp) {
    let mut ended = Vec::new();
    let admin = here.admin("root").await;
    for way in ways() {
        let person = here.person(way.name).await;
        way.carry_out(here, &admin, &person).await;
        ended.push(person);
    }
    let there = here.beside();
    for round in ["by row", "by memory"] {
        for person in &ended {
            assert!(!there.knows(&person.access).await, "{} {round}", person.email);
        }
        warm(&there).await;
    }
}

async fn once_a_sign_out_is_answered_no_request_is_let_in(app: &TestApp) {
    warm(app).await;
    for round in 0..4 {
        let person = app.person(&format!("ada{round}")).await;
        let answered = Arc::new(AtomicBool::new(false));
        let requests = (0..32).map(|_| async {
            loop {
                let afterwards = answered.load(Ordering::SeqCst);
                let known = app.knows(&person.access).await;
                if afterwards {
                    return known;
                }
            }
        });
        let sign_out = async {
            let answer = app.call(&person, Method::POST, "/api/v1/auth/logout", Some(&json!({}))).await;
            answered.store(true, Ordering::SeqCst);
            answer.status
        };
        let (let_in, status) = futures_util::future::join(join_all(requests), sign_out).await;
        assert_eq!(status, 200);
        assert_eq!(let_in.into_iter().filter(|known| *known).count(), 0, "round {round}");
    }
}

/// With `REVOCATION=strict` nothing is remembered, so that nothing has to be learned.
async fn every_row_is_read(here: &TestApp) {
    let there = here.beside();
    for round in 0..3 {
        let person = here.person(&format!("ada{round}")).await;
        assert!(there.knows(&person.access).await);
        let answer = here.call(&person, Method::POST, "/api/v1/auth/logout", Some(&json!({}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!there.knows(&person.access).await && !here.knows(&person.access).await);
        assert_eq!(there.get("/health/ready").await.body["revocation"], "by_row");
    }
}

#[tokio::test]
async fn strictly_the_other_instance_refuses_at_once_on_sqlite() {
    every_row_is_read(&TestApp::on_sqlite(&[("REVOCATION", "strict")])).await;
}

#[tokio::test]
async fn strictly_the_other_instance_refuses_at_once_on_postgres() {
    if let Some(app) = TestApp::on_postgres(&[("REVOCATION", "strict")]).await {
        every_row_is_read(&app).await;
    }
}
