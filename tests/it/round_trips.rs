//! What a request costs the database: how often the server asks it and waits, route by route. A change that asks once
//! more is seen here, and so is one that asks less.

use holdfast_testkit::ChaosProxy;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::app::{PASSWORD, Person, TestApp, send};

/// How often each request is made. Statements that a connection meets for the first time, and what the server asks of
/// its own accord, only ever add: the cheapest time is the cost.
const TRIES: usize = 30;

/// Requests and the round trips of each.
const COSTS: &[(&str, &str, u64)] = &[
    ("GET", "/health/live", 0),
    ("GET", "/.well-known/jwks.json", 0),
    ("GET", "/api/v1/tasks/{task}", 1),
    // A page that is not full tells the total itself.
    ("GET", "/api/v1/tasks", 1),
    ("GET", "/api/v1/tasks?limit=2", 2),
    ("GET", "/api/v1/tasks?priority=urgent_important&completed=false&sort_by=due_datetime", 1),
    ("POST", "/api/v1/tasks", 1),
    ("PATCH", "/api/v1/tasks/{task}", 2),
    ("PUT", "/api/v1/tasks/{task}", 1),
    ("PATCH", "/api/v1/tasks/{task}/complete", 1),
    ("DELETE", "/api/v1/tasks/{new task}", 1),
    ("GET", "/api/tasks/{task}", 1),
    ("GET", "/api/tasks?limit=2", 2),
    ("POST", "/api/tasks", 1),
    ("PUT", "/api/tasks/{task}", 1),
    ("PATCH", "/api/tasks/{task}/complete", 1),
    ("GET", "/api/v1/auth/token-info", 2),
    ("GET", "/api/v1/auth/me", 2),
    ("GET", "/api/v1/auth/sessions", 2),
    ("POST", "/api/v1/auth/signin", 10),
    ("POST", "/api/v1/auth/refresh", 3),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_route_asks_the_database_as_often_as_it_must() {
    let Some((app, network)) = TestApp::behind_a_network().await else { return };
    let person = app.person("ada").await;
    let mut told = Vec::new();
    for &(method, path, expected) in COSTS {
        let cost = cost(&app, &network, &person, method, path).await;
        if cost != expected {
            told.push(format!("{method} {path}: {cost} round trips, expected {expected}"));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

async fn cost(app: &TestApp, network: &ChaosProxy, person: &Person, method: &str, path: &str) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..TRIES {
        let request = request(app, person, method, path).await;
        let before = network.round_trips();
        let answer = send(request).await;
        let after = network.round_trips();
        assert!(answer.status < 300, "{method} {path}: {}", answer.text);
        least = least.min(after - before);
    }
    least
}

async fn request(app: &TestApp, person: &Person, method: &str, path: &str) -> RequestBuilder {
    let mut address = path.to_owned();
    for place in ["{task}", "{new task}"] {
        if path.contains(place) {
            let task = app.task(person, &json!({ "title": "t" })).await;
            address = path.replace(place, task["id"].as_str().unwrap());
        }
    }
    let request = app.request(method.parse::<Method>().unwrap(), &address).bearer_auth(&person.access);
    match body(method, path, app, person).await {
        Some(body) => request.json(&body),
        None => request,
    }
}

async fn body(method: &str, path: &str, app: &TestApp, person: &Person) -> Option<Value> {
    Some(match (method, path) {
        (_, "/api/v1/auth/signin") => credentials(person),
        (_, "/api/v1/auth/refresh") => {
            let signed_in = Person::from(&app.post("/api/v1/auth/signin", &credentials(person)).await);
            json!({ "refresh_token": signed_in.refresh })
        }
        ("POST", _) => json!({ "title": "t", "priority": "urgent_important" }),
        ("PUT", _) => json!({ "title": "t", "priority": "urgent_important", "is_completed": true }),
        ("PATCH", path) if path.ends_with("/complete") => json!({ "completed": true }),
        ("PATCH", _) => json!({ "title": "another" }),
        _ => return None,
    })
}

fn credentials(person: &Person) -> Value {
    json!({ "email": person.email, "password": PASSWORD })
}
