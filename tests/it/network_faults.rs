//! Every operation over HTTP while the network to the database fails: each answers what it always answers, or 503 with
//! `Retry-After`; and whoever repeats it afterwards finds it done once.

#![expect(clippy::print_stdout, reason = "the figures are for people")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;
use holdfast_testkit::{ChaosProxy, NetworkFault};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::app::{Answer, PASSWORD, Person, TestApp, send};

/// Only to end a test whose answer never comes.
const DEADLINE: Duration = Duration::from_mins(1);
const ABSENT: &str = "01900000-0000-7000-8000-000000000000";
/// Formed like the token of a link, and none.
const NO_LINK: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const FAULTS: [NetworkFault; 7] = [
    NetworkFault::Refuse,
    NetworkFault::ResetBefore,
    NetworkFault::ResetDuring,
    NetworkFault::CutAfter { bytes: 1 },
    NetworkFault::CutAfter { bytes: 20 },
    NetworkFault::Swallow,
    NetworkFault::Delay(Duration::from_secs(3)),
];

/// Who calls, and on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// Nobody, where no database is needed.
    Offline,
    /// Somebody who makes many such calls.
    User,
    /// Somebody who makes this call alone, because it changes who they are.
    Own,
    /// An administrator, on somebody who is there for this call alone.
    Admin,
}
use Caller::{Admin, Offline, Own, User};

/// Every operation of the canonical surface, and the frozen one's tasks. `{task}` and the like are of the rows that
/// the call is about.
const OPERATIONS: &[(Caller, &str, &str)] = &[
    (Offline, "GET", "/"),
    (Offline, "GET", "/.well-known/jwks.json"),
    (Offline, "GET", "/api/docs"),
    (Offline, "GET", "/api/docs/{file}"),
    (Offline, "GET", "/api/openapi.json"),
    (Offline, "GET", "/health"),
    (Offline, "GET", "/health/auth"),
    (Offline, "GET", "/health/live"),
    (User, "GET", "/health/db"),
    (User, "GET", "/health/ready"),
    (Own, "POST", "/api/v1/auth/signup"),
    (User, "POST", "/api/v1/auth/signin"),
    (User, "POST", "/api/v1/auth/login"),
    (User, "POST", "/api/v1/auth/token"),
    (Own, "POST", "/api/v1/auth/refresh"),
    (Own, "POST", "/api/v1/auth/logout"),
    (User, "GET", "/api/v1/auth/me"),
    (User, "GET", "/api/v1/auth/session"),
    (User, "GET", "/api/v1/auth/token-info"),
    (User, "POST", "/api/v1/auth/verify"),
    (User, "GET", "/api/v1/auth/accounts"),
    (Own, "POST", "/api/v1/auth/password"),
    (User, "POST", "/api/v1/auth/password/forgot"),
    (User, "POST", "/api/v1/auth/password/reset"),
    (User, "POST", "/api/v1/auth/email/verify"),
    (User, "POST", "/api/v1/auth/email/verify/request"),
    (User, "POST", "/api/v1/auth/email/confirm"),
    (User, "GET", "/api/v1/auth/sessions"),
    (User, "GET", "/api/v1/auth/events"),
    (Own, "DELETE", "/api/v1/auth/sessions/{session}"),
    (User, "GET", "/api/v1/auth/second-factor"),
    (Own, "POST", "/api/v1/auth/second-factor"),
    (User, "DELETE", "/api/v1/auth/second-factor"),
    (User, "POST", "/api/v1/auth/second-factor/confirm"),
    (User, "POST", "/api/v1/auth/second-factor/recovery-codes"),
    (User, "GET", "/api/v1/auth/tokens"),
    (Own, "POST", "/api/v1/auth/tokens"),
    (Own, "DELETE", "/api/v1/auth/tokens/{token}"),
    (User, "GET", "/api/v1/users/me"),
    (User, "PATCH", "/api/v1/users/me"),
    (Own, "DELETE", "/api/v1/users/me"),
    (User, "POST", "/api/v1/users/me/email"),
    (User, "GET", "/api/v1/users/me/export"),
    (Admin, "GET", "/api/v1/users"),
    (Admin, "GET", "/api/v1/users/events/export"),
    (Admin, "GET", "/api/v1/users/{user}"),
    (Admin, "PATCH", "/api/v1/users/{user}"),
    (Admin, "PUT", "/api/v1/users/{user}/role"),
    (Admin, "POST", "/api/v1/users/{user}/ban"),
    (Admin, "DELETE", "/api/v1/users/{user}/ban"),
    (Admin, "GET", "/api/v1/users/{user}/accounts"),
    (Admin, "GET", "/api/v1/users/{user}/events"),
    (Admin, "GET", "/api/v1/users/{user}/sessions"),
    (Admin, "DELETE", "/api/v1/users/{user}/sessions"),
    (Admin, "DELETE", "/api/v1/users/{user}/sessions/{session}"),
    (User, "GET", "/api/v1/tasks"),
    (User, "POST", "/api/v1/tasks"),
    (User, "GET", "/api/v1/tasks/{task}"),
    (User, "PUT", "/api/v1/tasks/{task}"),
    (User, "PATCH", "/api/v1/tasks/{task}"),
    (User, "DELETE", "/api/v1/tasks/{task}"),
    (User, "PATCH", "/api/v1/tasks/{task}/complete"),
    (User, "GET", "/api/tasks"),
    // Whoever repeats this has made two: the frozen surface knows no `Idempotency-Key`.
    (User, "POST", "/api/tasks"),
    (User, "GET", "/api/tasks/{task}"),
    (User, "PUT", "/api/tasks/{task}"),
    (User, "DELETE", "/api/tasks/{task}"),
    (User, "PATCH", "/api/tasks/{task}/complete"),
];

fn body(method: &str, path: &str, on: &Person) -> Option<Value> {
    Some(match (method, path.trim_start_matches("/api/v1")) {
        ("POST", "/auth/signup") => {
            json!({ "email": format!("new-{}", on.email), "password": PASSWORD })
        }
        ("POST", "/auth/signin" | "/auth/login") => json!({ "email": on.email, "password": PASSWORD }),
        ("POST", "/auth/refresh") => json!({ "refresh_token": on.refresh }),
        ("POST", "/auth/password") => {
            json!({ "current_password": PASSWORD, "new_password": format!("{PASSWORD} 2") })
        }
        ("POST", "/auth/password/forgot") => json!({ "email": on.email }),
        ("POST", "/auth/password/reset") => {
            json!({ "token": NO_LINK, "new_password": format!("{PASSWORD} 2") })
        }
        ("POST", "/auth/email/verify" | "/auth/email/confirm") => json!({ "token": NO_LINK }),
        ("POST" | "DELETE", "/auth/second-factor") | ("POST", "/auth/second-factor/recovery-codes") => {
            json!({ "password": PASSWORD })
        }
        ("POST", "/auth/second-factor/confirm") => json!({ "code": "000000" }),
        ("POST", "/auth/tokens") => personal_token(),
        ("POST", "/users/me/email") => {
            json!({ "email": format!("other-{}", on.email), "password": PASSWORD })
        }
        ("DELETE", "/users/me") => json!({ "password": PASSWORD }),
        ("PATCH", "/users/me" | "/users/{user}") => json!({ "name": "Ada" }),
        ("PUT", "/users/{user}/role") => json!({ "role": "user" }),
        ("POST", "/users/{user}/ban") => json!({ "reason": "spam" }),
        ("POST", "/tasks" | "/api/tasks") => {
            json!({ "title": "made under a fault", "priority": "urgent_important" })
        }
        ("PUT", _) => json!({ "title": "x", "priority": "urgent_important", "is_completed": true }),
        ("PATCH", "/tasks/{task}") => json!({ "title": "x" }),
        ("PATCH", _) => json!({ "completed": true }),
        _ => return None,
    })
}

fn personal_token() -> Value {
    json!({ "name": "script", "scopes": ["tasks:read"], "password": PASSWORD })
}

/// One call, ready to be made as often as one likes.
struct Call {
    name: String,
    request: reqwest::RequestBuilder,
    offline: bool,
}

impl Call {
    async fn answer(&self) -> Answer {
        let answer = timeout(DEADLINE, send(self.request.try_clone().unwrap())).await;
        answer.unwrap_or_else(|_| panic!("{} has no answer", self.name))
    }
}

/// Everybody and everything that one round of calls is about.
async fn calls(app: &TestApp, round: usize, admin: &Person) -> Vec<Call> {
    let user = app.person(&format!("user-{round}")).await;
    let mut calls = Vec::new();
    for (n, &(caller, method, path)) in OPERATIONS.iter().enumerate() {
        let on = match caller {
            Offline | User => user.clone(),
            Own | Admin => app.person(&format!("own-{n}-{round}")).await,
        };
        let by = if caller == Admin { admin } else { &on };
        let mut address = path.replace("{user}", &on.user_id).replace("{file}", "index.css");
        if path.contains("{task}") {
            let task = app.task(&on, &json!({ "title": "t" })).await;
            address = address.replace("{task}", task["id"].as_str().unwrap());
        }
        if path.contains("{session}") {
            let listed = app.call(&on, Method::GET, "/api/v1/auth/sessions", None).await;
            let session = listed.body["sessions"][0]["id"].as_str().unwrap_or(ABSENT).to_owned();
            address = address.replace("{session}", &session);
        }
        if path.contains("{token}") {
            let made = app.call(&on, Method::POST, "/api/v1/auth/tokens", Some(&personal_token())).await;
            assert_eq!(made.status, 201, "{}", made.text);
            address = address.replace("{token}", made.body["data"]["id"].as_str().unwrap());
        }
        let mut request = app.request(method.parse().unwrap(), &address);
        if path == "/api/v1/auth/token" {
            let grant = [("grant_type", "password"), ("username", &on.email), ("password", PASSWORD)];
            let grant = grant.map(|(name, value)| format!("{name}={}", value.replace(' ', "+")));
            request =
                request.header("Content-Type", "application/x-www-form-urlencoded").body(grant.join("&"));
        } else if caller != Offline && !path.ends_with("/signup") {
            request = request.bearer_auth(&by.access);
        }
        if let Some(body) = body(method, path, &on) {
            request = request.json(&body);
        }
        match (method, path) {
            ("POST", "/api/v1/tasks") => request = request.header("Idempotency-Key", "\"once\""),
            ("PUT" | "PATCH" | "DELETE", path) if path.starts_with("/api/v1/tasks/") => {
                request = request.header("If-Match", "\"r1\"");
            }
            _ => {}
        }
        calls.push(Call { name: format!("{method} {path}"), request, offline: caller == Offline });
    }
    calls
}

/// What a call answers first and when it is repeated, while nothing fails.
type Usual = BTreeMap<String, (u16, u16)>;

async fn usual(calls: &[Call]) -> Usual {
    let mut usual = Usual::new();
    for call in calls {
        let first = call.answer().await;
        assert!(first.status < 500, "{}: {}", call.name, first.text);
        usual.insert(call.name.clone(), (first.status, call.answer().await.status));
    }
    usual
}

fn assert_unavailable(call: &Call, fault: NetworkFault, answer: &Answer) {
    assert_eq!(answer.status, 503, "{} under {fault:?}: {}", call.name, answer.text);
    assert!(!answer.header("retry-after").is_empty(), "{} under {fault:?}: {}", call.name, answer.text);
    // OAuth has a shape of its own (RFC 6749 §5.2).
    if call.name != "POST /api/v1/auth/token" {
        assert_eq!(answer.problem(503), "SERVICE_UNAVAILABLE");
    }
}

async fn survive(fault: NetworkFault, calls: &[Call], usual: &Usual, network: &ChaosProxy) -> Duration {
    network.fail(fault);
    let answers = join_all(calls.iter().map(async |call| {
        let begun = Instant::now();
        (call.answer().await, begun.elapsed())
    }))
    .await;
    network.heal().unwrap();
    let mut slowest = Duration::ZERO;
    for (call, (answer, took)) in calls.iter().zip(&answers) {
        let (first, _) = usual[&call.name];
        slowest = slowest.max(*took);
        if answer.status != first {
            assert!(!call.offline, "{} needs no database: {}", call.name, answer.text);
            assert_unavailable(call, fault, answer);
        }
        assert!(call.name != "GET /health/ready" || answer.status == 503, "ready under {fault:?}");
    }
    until_ready(calls).await;
    for (call, (answer, _)) in calls.iter().zip(answers) {
        let (first, second) = usual[&call.name];
        let again = call.answer().await;
        let possible = if answer.status == first { BTreeSet::from([second]) } else { [first, second].into() };
        let name = &call.name;
        assert!(
            possible.contains(&again.status),
            "{name} under {fault:?} was {}, and then {possible:?} is right: {}",
            answer.status,
            again.text
        );
    }
    slowest
}

/// The service is full again once it says so.
async fn until_ready(calls: &[Call]) {
    let ready = calls.iter().find(|call| call.name == "GET /health/ready").unwrap();
    let turned = async { while ready.answer().await.status != 200 {} };
    timeout(DEADLINE, turned).await.expect("the service is not back");
}

async fn survive_all(app: &TestApp, network: &ChaosProxy) {
    let admin = app.admin("admin").await;
    let usual = usual(&calls(app, 0, &admin).await).await;
    for (round, fault) in FAULTS.into_iter().enumerate() {
        let calls = calls(app, round + 1, &admin).await;
        let slowest = survive(fault, &calls, &usual, network).await;
        println!("{fault:?}: the slowest of {} answers took {slowest:?}", calls.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_answers_anything_else_than_usual_or_503() {
    let Some((app, network)) = TestApp::behind_a_network().await else { return };
    survive_all(&app, &network).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_does_so_in_front_of_a_pooler_either() {
    let Some((app, network)) = TestApp::behind_a_network_and_a_pooler().await else { return };
    survive_all(&app, &network).await;
}

#[tokio::test]
async fn every_documented_operation_is_tried() {
    let app = TestApp::on_sqlite(&[]);
    let document = app.get("/api/openapi.json").await.body;
    let tried: BTreeSet<(String, String)> =
        OPERATIONS.iter().map(|(_, method, path)| ((*method).to_owned(), shape(path))).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let is_alias =
                operation["description"].as_str().is_some_and(|it| it.starts_with("The same as `"));
            let operation = (method.to_uppercase(), shape(path));
            assert!(is_alias || tried.contains(&operation), "add it to OPERATIONS: {operation:?}");
        }
    }
}

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
