//! What happened to an account, told to its owner and to administrators.

use holdfast_application::{
    domain::{
        Stored, UserId,
        sessions::{AuthEvent, Client, EventKind},
    },
    ports::Repositories as _,
};
use holdfast_testkit::fixtures::{PASSWORD, at, event};
use serde_json::{Value, json};

use crate::app::{Person, TestApp};

const OWN: &str = "/api/v1/auth/events";

async fn kinds(person: &Person<'_>, query: &str) -> (Vec<String>, Value) {
    let page = person.get(&format!("{OWN}{query}")).send().await.expect(200)["data"].clone();
    let events = page["events"].as_array().unwrap();
    let kinds = events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect();
    (kinds, page["next_cursor"].clone())
}

async fn append(app: &TestApp, event: &AuthEvent) {
    app.store.audit().append(event).await.unwrap();
}

#[actix_web::test]
async fn an_entry_tells_what_when_and_from_where() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let client = Client {
        user_agent: Some("curl/8".to_owned()),
        ip_prefix: Some("192.0.2.0/24".to_owned()),
        device: None,
    };
    let user: UserId = person.id.parse().unwrap();
    let known = AuthEvent { client, ..event(user, EventKind::SignedIn, at(5)) };
    let kind = Stored::Newer("passkey_added".to_owned());
    let newer = AuthEvent { kind, ..event(user, EventKind::SignedIn, at(6)) };
    append(&app, &known).await;
    append(&app, &newer).await;
    let answer = person.get(OWN).send().await.expect(200);
    assert_eq!((&answer["success"], &answer["message"]), (&json!(true), &Value::Null));
    let expected = [
        json!({
            "id": newer.id.to_string(),
            "kind": "passkey_added",
            "at": "2026-01-01T00:00:06Z",
            "ip_prefix": null,
            "user_agent": null,
        }),
        json!({
            "id": known.id.to_string(),
            "kind": "signed_in",
            "at": "2026-01-01T00:00:05Z",
            "ip_prefix": "192.0.2.0/24",
            "user_agent": "curl/8",
        }),
    ];
    let data = &answer["data"];
    assert_eq!(data["events"].as_array().unwrap()[..2], expected);
    assert_eq!((&data["events"][2]["kind"], &data["next_cursor"]), (&json!("signed_up"), &Value::Null));
}

#[actix_web::test]
async fn pages_follow_each_other() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let user: UserId = person.id.parse().unwrap();
    for n in 1..=120 {
        append(&app, &event(user, EventKind::SignedIn, at(n))).await;
    }
    assert_eq!(kinds(&person, "").await.0.len(), 50);
    assert_eq!(kinds(&person, "?limit=100").await.0.len(), 100);
    let (first, cursor) = kinds(&person, "?limit=60").await;
    let (second, cursor) = kinds(&person, &format!("?limit=60&cursor={}", cursor.as_str().unwrap())).await;
    let (third, end) = kinds(&person, &format!("?limit=60&cursor={}", cursor.as_str().unwrap())).await;
    assert_eq!(
        (first.len(), second.len(), &third[..], end),
        (60, 60, &["signed_up".to_owned()][..], Value::Null)
    );
}

#[actix_web::test]
async fn cursors_and_limits_that_are_none_are_refused() {
    let app = TestApp::new().await;
    let (person, other) = (app.person().await, app.person().await);
    let user: UserId = person.id.parse().unwrap();
    append(&app, &event(user, EventKind::SignedIn, at(1))).await;
    let cursor = kinds(&person, "?limit=1").await.1.as_str().unwrap().to_owned();
    person.get(&format!("{OWN}?cursor={cursor}")).send().await.expect(200);
    other.get(&format!("{OWN}?cursor={cursor}")).send().await.problem(400, "INVALID_CURSOR");
    person.get(&format!("/api/v1/tasks?cursor={cursor}")).send().await.problem(400, "INVALID_CURSOR");
    for text in ["x", "", "%20"] {
        person.get(&format!("{OWN}?cursor={text}")).send().await.problem(400, "INVALID_CURSOR");
    }
    for query in ["?limit=0", "?limit=101", "?limit=x"] {
        assert_eq!(person.get(&format!("{OWN}{query}")).send().await.faults(), ["limit:invalid_value"]);
    }
}

#[actix_web::test]
async fn administrators_read_anybodys_flat_and_who_may_not_is_told_so_first() {
    let app = TestApp::new().await;
    let (admin, person, other) = (app.admin().await, app.person().await, app.person().await);
    let path = format!("/api/v1/users/{}/events", person.id);
    let own = person.get(OWN).send().await.expect(200)["data"].clone();
    assert_eq!(admin.get(&path).send().await.expect(200), own);
    assert_eq!(person.get(&path).send().await.expect(200), own);
    other.get(&format!("{path}?limit=0")).send().await.problem(403, "FORBIDDEN");
    assert_eq!(admin.get(&format!("{path}?limit=0")).send().await.faults(), ["limit:invalid_value"]);
}

#[actix_web::test]
async fn attempts_on_addresses_that_no_account_has_are_administrators_to_see() {
    let app = TestApp::new().await;
    let (admin, person) = (app.admin().await, app.person().await);
    let body = json!({ "email": "nobody@example.com", "password": PASSWORD });
    app.post("/api/v1/auth/login", &body).send().await.problem(401, "INVALID_CREDENTIALS");
    let path = format!("/api/v1/users/{}/events", AuthEvent::NOBODY);
    let events = admin.get(&path).send().await.expect(200)["events"].clone();
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert_eq!(
        (&events[0]["kind"], &events[0]["ip_prefix"]),
        (&json!("sign_in_failed"), &json!("203.0.113.0/24"))
    );
    person.get(&path).send().await.problem(403, "FORBIDDEN");
}
