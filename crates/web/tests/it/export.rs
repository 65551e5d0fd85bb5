//! Taking along all that is kept about one's own account.

use actix_web::{
    body::to_bytes,
    http::Method,
    test::{TestRequest, call_service, init_service},
};
use holdfast_application::{
    domain::{
        OneTimeTokenId, Stored, UserId,
        sessions::{EndReason, Session},
        users::{Ban, Email, LinkPurpose},
    },
    ports::{OneTimeToken, Repositories as _, StoreError, TaskFilter, TokenHash},
};
use holdfast_testkit::{
    fixtures::{PASSWORD, at, session, task},
    ids::unique,
};
use serde_json::{Value, json};

use crate::{app::TestApp, logs};

const PATH: &str = "/api/v1/users/me/export";

#[actix_web::test]
async fn it_holds_everything_and_nothing_to_sign_in_with() {
    let app = TestApp::new().await;
    let (person, other) = (app.person().await, app.person().await);
    other.task(&json!({ "title": "somebody else's" })).await;
    let made = person.task(&json!({ "title": "a \"quoted\" 𝄞", "description": "b" })).await;
    let profile = json!({ "name": "Ada", "image": "https://example.com/a.png" });
    person.patch("/api/v1/users/me", &profile).send().await.expect(200);
    let user: UserId = person.id.parse().unwrap();
    let over = Ban { at: at(0), reason: None, expires_at: Some(at(0)) };
    app.store.users().set_ban(user, Some(&over), at(0)).await.unwrap();
    let newer = Stored::Newer("passkey_lost".to_owned());
    for (seconds, reason) in [(1, EndReason::SignedOut.into()), (2, newer)] {
        let ended = Session { ended: Some((at(seconds), reason)), ..session(user) };
        app.store.sessions().insert(&ended).await.unwrap();
    }
    let link = OneTimeToken {
        owner: user,
        id: OneTimeTokenId::new(unique()),
        purpose: LinkPurpose::ChangeEmail,
        hash: TokenHash([0xe5; 32]),
        email: Some(Email::stored("new@example.com".to_owned())),
        created_at: at(5),
        expires_at: at(86_405),
    };
    app.store.one_time_tokens().insert(&link).await.unwrap();
    app.clock.set(at(60));

    let answer = person.get(PATH).send().await;
    let document = answer.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("content-disposition"), r#"attachment; filename="holdfast-export.json""#);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.headers.contains_key("x-request-id"));

    assert_eq!(document["exported_at"], "2026-01-01T00:01:00Z");
    let expected = json!({
        "id": person.id,
        "email": person.email,
        "email_verified": false,
        "name": "Ada",
        "image": "https://example.com/a.png",
        "role": "user",
        "is_active": true,
        "ban": { "at": "2026-01-01T00:00:00Z", "reason": null, "expires_at": "2026-01-01T00:00:00Z" },
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "last_sign_in_at": "2026-01-01T00:00:00Z",
        "second_factor_since": null,
    });
    assert_eq!(document["account"], expected);
    assert_eq!(document["tasks"], json!([made]));
    assert_eq!(document["linked_accounts"], json!([]));
    let pending = json!([{
        "purpose": "change_email",
        "email": "new@example.com",
        "created_at": "2026-01-01T00:00:05Z",
        "expires_at": "2026-01-02T00:00:05Z",
    }]);
    assert_eq!(document["pending_links"], pending);
    let kinds: Vec<_> = document["events"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["signed_up"]);
    let mut ends: Vec<_> = document["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| (session["end_reason"].as_str(), session["ended_at"].as_str(), &session["is_current"]))
        .collect();
    ends.sort_unstable_by_key(|(reason, _, _)| *reason);
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(
        ends,
        [
            (None, None, &yes),
            (Some("passkey_lost"), Some("2026-01-01T00:00:02Z"), &no),
            (Some("signed_out"), Some("2026-01-01T00:00:01Z"), &no),
        ]
    );
    let members: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "account",
            "events",
            "exported_at",
            "linked_accounts",
            "pending_links",
            "personal_tokens",
            "sessions",
            "tasks"
        ]
    );
    let text = String::from_utf8(answer.body).unwrap();
    let hash = app.store.users().find_account(user).await.unwrap().unwrap().password_hash.unwrap();
    for secret in
        [PASSWORD, hash.expose(), &person.access, &person.refresh, "jti", "key_id", "hash", "somebody else"]
    {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[actix_web::test]
async fn many_rows_are_one_document() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let user: UserId = person.id.parse().unwrap();
    for n in 0..250 {
        app.store
            .tasks()
            .insert(&task(user).title(&format!("t{n}")).created_at(at(n)).build())
            .await
            .unwrap();
    }
    let document = person.get(PATH).send().await.expect(200);
    let tasks = document["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 250);
    assert!((0..250).all(|n| tasks[n]["title"] == format!("t{n}")));
}

#[actix_web::test]
async fn it_is_ones_own_alone() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let person = app.person().await;
    app.get(PATH).send().await.problem(401, "TOKEN_MISSING");
    admin.get(&format!("/api/v1/users/{}/export", person.id)).send().await.problem(404, "NOT_FOUND");
    let head = person.ask(Method::HEAD, PATH).send().await;
    assert_eq!((head.status.as_u16(), head.header("content-type")), (200, "application/json"));
}

#[actix_web::test]
async fn a_store_that_is_lost_before_it_begins_is_answered_as_such() {
    let app = TestApp::new().await;
    let person = app.person().await;
    // session, account
    app.store.fail_nth(2, StoreError::Unavailable("gone".into()));
    person.get(PATH).send().await.problem(503, "SERVICE_UNAVAILABLE");
}

#[actix_web::test]
async fn a_store_that_is_lost_on_the_way_breaks_it_off_and_is_logged_with_the_request() {
    let app = TestApp::new().await;
    let person = app.person().await;
    person.task(&json!({ "title": "x" })).await;
    let user: UserId = person.id.parse().unwrap();
    assert_eq!(app.store.tasks().count(user, &TaskFilter::default()).await.unwrap(), 1);
    let service = init_service(holdfast_web::app(&app.state)).await;
    let bearer = ("authorization", format!("Bearer {}", person.access));
    let (lines, _guard) = logs::listen();
    // session, account, links, sessions, events, tasks
    app.store.fail_nth(6, StoreError::Unavailable("gone missing".into()));
    let request = TestRequest::get().uri(PATH).insert_header(bearer).to_request();
    let response = call_service(&service, request).await;
    assert_eq!(response.status().as_u16(), 200, "it has begun");
    let id = response.headers().get("x-request-id").unwrap().to_str().unwrap().to_owned();
    assert!(to_bytes(response.into_body()).await.is_err(), "nobody shall take it for the whole");
    let text = lines.text();
    let line = text.lines().find(|line| line.contains("broke off")).unwrap_or_else(|| panic!("{text}"));
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["level"], &line["span"]["request_id"]), (&json!("WARN"), &json!(id)));
    assert!(line["fields"]["cause"].as_str().unwrap().contains("gone missing"), "{line}");
}

#[actix_web::test]
async fn an_account_that_is_deleted_meanwhile_breaks_it_off() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let user: UserId = person.id.parse().unwrap();
    let service = init_service(holdfast_web::app(&app.state)).await;
    let bearer = ("authorization", format!("Bearer {}", person.access));
    let request = TestRequest::get().uri(PATH).insert_header(bearer).to_request();
    let response = call_service(&service, request).await;
    assert_eq!(response.status().as_u16(), 200, "it has begun");
    assert!(app.store.users().delete(user).await.unwrap());
    assert!(to_bytes(response.into_body()).await.is_err(), "nobody shall take it for the whole");
}
