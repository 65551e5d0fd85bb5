//! Administrators take the security history of all accounts along.

use actix_web::{
    body::to_bytes,
    http::Method,
    test::{TestRequest, call_service, init_service},
};
use holdfast_application::{
    domain::{
        SessionId, Stored, UserId,
        sessions::{AuthEvent, Client, EventKind},
        users::Role,
    },
    ports::{Repositories as _, StoreError},
};
use holdfast_testkit::{
    fixtures::{at, event, owner},
    ids::unique,
};
use serde_json::{Value, json};

use crate::{app::TestApp, logs};

const PATH: &str = "/api/v1/users/events/export";

fn lines(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[actix_web::test]
async fn each_entry_is_a_line_of_json_the_oldest_first() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let person = app.person().await;
    let session = SessionId::new(unique());
    let client = Client {
        user_agent: Some("curl \"8\"\n".into()),
        ip_prefix: Some("192.0.2.0/24".into()),
        device: None,
    };
    let user: UserId = person.id.parse().unwrap();
    let newer = Stored::Newer("passkey_lost".to_owned());
    let full =
        AuthEvent { session: Some(session), client, kind: newer, ..event(user, EventKind::SignedIn, at(30)) };
    let nobodys = event(AuthEvent::NOBODY, EventKind::SignInFailed, at(31));
    for event in [&nobodys, &full] {
        app.store.audit().append(event).await.unwrap();
    }
    app.clock.set(at(60));

    let answer = admin.get(PATH).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/x-ndjson"));
    assert_eq!(answer.header("content-disposition"), r#"attachment; filename="holdfast-events.jsonl""#);
    assert_eq!(answer.header("cache-control"), "no-store");
    let told = lines(&answer.body);
    let [.., third, last] = &told[..] else { panic!("{told:?}") };
    let expected = json!({
        "id": full.id.to_string(),
        "user_id": person.id,
        "kind": "passkey_lost",
        "at": "2026-01-01T00:00:30Z",
        "session_id": session.to_string(),
        "ip_prefix": "192.0.2.0/24",
        "user_agent": "curl \"8\"\n",
    });
    assert_eq!(*third, expected);
    assert_eq!(last["user_id"], "00000000-0000-0000-0000-000000000000");
    assert_eq!((&last["kind"], &last["session_id"]), (&json!("sign_in_failed"), &Value::Null));
    let people: Vec<_> =
        told[..told.len() - 2].iter().map(|line| line["user_id"].as_str().unwrap()).collect();
    assert!(people.contains(&&*admin.id) && people.contains(&&*person.id), "{people:?}");
}

#[actix_web::test]
async fn from_and_until_cut_a_part_of_it_out() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for n in 0..700 {
        app.store.audit().append(&event(owner(), EventKind::SignedIn, at(100 + n))).await.unwrap();
    }
    app.clock.set(at(850));
    let told = async |query: &str| lines(&admin.get(&format!("{PATH}{query}")).send().await.body);
    assert!(told("").await.len() >= 700);
    let part = told("?from=2026-01-01T00:01:40Z&until=2026-01-01T00:13:19Z").await;
    assert_eq!((part.len(), &part[0]["at"]), (699, &json!("2026-01-01T00:01:40Z")));
    assert_eq!(told("?from=2026-01-01T00:13:19Z").await.len(), 1);
    assert_eq!(told("?until=2026-01-01T00:00:00Z").await, Vec::<Value>::new());
    for query in ["?from=yesterday", "?until=1767225600", "?from=2026-01-01"] {
        admin.get(&format!("{PATH}{query}")).send().await.problem(422, "VALIDATION_ERROR");
    }
}

#[actix_web::test]
async fn it_is_for_administrators_and_the_log_tells_who_took_it() {
    let app = TestApp::new().await;
    let (admin, person) = (app.admin().await, app.person().await);
    app.get(PATH).send().await.problem(401, "TOKEN_MISSING");
    // Who may not have it is not told what is wrong with the question either.
    for query in ["", "?from=yesterday"] {
        person.get(&format!("{PATH}{query}")).send().await.problem(403, "FORBIDDEN");
    }
    let (heard, _guard) = logs::listen();
    person.get(PATH).send().await.problem(403, "FORBIDDEN");
    assert!(!heard.text().contains("events_exported"), "{}", heard.text());
    assert_eq!(admin.ask(Method::HEAD, PATH).send().await.status.as_u16(), 200);
    let text = heard.text();
    let line = text.lines().find(|line| line.contains("events_exported")).unwrap_or_else(|| panic!("{text}"));
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["target"], &line["fields"]["administrator"]),
        (&json!("holdfast::security"), &json!(admin.id))
    );
}

#[actix_web::test]
async fn what_happens_on_the_way_breaks_it_off() {
    for demoted in [false, true] {
        let app = TestApp::new().await;
        let admin = app.admin().await;
        let id: UserId = admin.id.parse().unwrap();
        for n in 0..600 {
            app.store.audit().append(&event(owner(), EventKind::SignedIn, at(n))).await.unwrap();
        }
        app.clock.set(at(700));
        let service = init_service(holdfast_web::app(&app.state)).await;
        let bearer = ("authorization", format!("Bearer {}", admin.access));
        let request = TestRequest::get().uri(PATH).insert_header(bearer).to_request();
        let response = call_service(&service, request).await;
        assert_eq!(response.status().as_u16(), 200, "it has begun");
        if demoted {
            assert!(app.store.users().set_role(id, Role::User, at(700)).await.unwrap());
        } else {
            // the administrator, the first piece, the administrator
            app.store.fail_nth(3, StoreError::Unavailable("gone".into()));
        }
        assert!(to_bytes(response.into_body()).await.is_err(), "nobody shall take it for the whole");
    }
}
