//! What people do about their own account without a mail: another password, the history, the export; and what an operator
//! does to stored passwords with a pepper.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, PASSWORD, Person, TestApp, on_both_databases, send};

on_both_databases!(
    another_password_ends_every_session_and_begins_one,
    of_several_changes_at_once_one_counts,
    the_history_is_read_page_by_page_and_by_its_owner_alone,
    the_export_holds_everything_of_ones_own,
    a_pepper_is_introduced_rotated_lost_and_given_up,
);

const NEW: &str = "staple battery horse correct";

async fn sign_in(app: &TestApp, password: &str) -> Answer {
    app.post("/api/v1/auth/login", &json!({ "email": "ada@example.com", "password": password })).await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).await
}

async fn change(app: &TestApp, person: &Person, current: &str, new: &str) -> Answer {
    let wish = json!({ "current_password": current, "new_password": new });
    app.call(person, Method::POST, "/api/v1/auth/password", Some(&wish)).await
}

async fn kinds(app: &TestApp, person: &Person) -> Vec<String> {
    let answer = app.call(person, Method::GET, "/api/v1/auth/events", None).await;
    let events = answer.body["data"]["events"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

async fn another_password_ends_every_session_and_begins_one(app: &TestApp) {
    let phone = app.person("ada").await;
    let laptop = Person::from(&sign_in(app, PASSWORD).await);
    assert_eq!(change(app, &laptop, "wrong", NEW).await.problem(401), "INVALID_CREDENTIALS");
    let refused = change(app, &laptop, PASSWORD, "password1").await;
    assert_eq!((refused.problem(422), refused.faulty_fields()), ("VALIDATION_ERROR", vec!["new_password"]));
    assert!(app.knows(&phone.access).await && app.knows(&laptop.access).await);

    let changed = change(app, &laptop, PASSWORD, NEW).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    for token in [&phone.access, &phone.long_lived, &laptop.access] {
        assert!(!app.knows(token).await, "a token outlived the password");
    }
    for token in [&phone.refresh, &laptop.refresh] {
        assert_eq!(refresh(app, token).await.problem(401), "REFRESH_TOKEN_INVALID");
    }
    let now = Person::from(&changed);
    assert!(app.knows(&now.access).await);
    assert_eq!(refresh(app, &now.refresh).await.status, 200);
    assert_eq!(sign_in(app, PASSWORD).await.problem(401), "INVALID_CREDENTIALS");
    assert_eq!(sign_in(app, NEW).await.status, 200);
    let expected =
        ["signed_in", "sign_in_failed", "password_changed", "sign_in_failed", "signed_in", "signed_up"];
    assert_eq!(kinds(app, &now).await, expected);
}

async fn of_several_changes_at_once_one_counts(app: &TestApp) {
    let ada = app.person("ada").await;
    let wishes: Vec<String> = (0..4).map(|n| format!("{NEW} {n}")).collect();
    let answers = join_all(wishes.iter().map(|new| change(app, &ada, PASSWORD, new))).await;
    let mut done = Vec::new();
    for (answer, new) in answers.iter().zip(&wishes) {
        match answer.status {
            200 => done.push((Person::from(answer), new)),
            // A machine this busy has no room for another hash.
            503 => {}
            _ => assert!(["INVALID_CREDENTIALS", "TOKEN_INVALID"].contains(&answer.problem(401))),
        }
    }
    assert!(done.len() <= 1, "{} changes were done", done.len());
    let counts = match &done[..] {
        [(person, new)] => {
            assert!(app.knows(&person.access).await && !app.knows(&ada.access).await);
            new.as_str()
        }
        _ => PASSWORD,
    };
    for password in wishes.iter().map(String::as_str).chain([PASSWORD]) {
        assert_eq!(sign_in(app, password).await.status, if password == counts { 200 } else { 401 });
    }
}

async fn the_history_is_read_page_by_page_and_by_its_owner_alone(app: &TestApp) {
    let ada = app.person("ada").await;
    let other = app.person("other").await;
    for _ in 0..11 {
        assert_eq!(sign_in(app, PASSWORD).await.status, 200);
    }
    let mut walked = Vec::new();
    let mut query = "?limit=5".to_owned();
    loop {
        let path = format!("/api/v1/auth/events{query}");
        let page = app.call(&ada, Method::GET, &path, None).await.body["data"].clone();
        let events = page["events"].as_array().unwrap();
        assert!(events.len() <= 5);
        walked.extend(events.clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=5&cursor={cursor}");
        let foreign = app.call(&other, Method::GET, &format!("/api/v1/auth/events{query}"), None).await;
        assert_eq!(foreign.problem(400), "INVALID_CURSOR");
    }
    let ids: BTreeSet<&str> = walked.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!((walked.len(), ids.len()), (12, 12));
    assert!(walked.is_sorted_by(|newer, older| newer["at"].as_str() >= older["at"].as_str()));
    assert_eq!(walked[11]["kind"], "signed_up");

    let admin = app.admin("root").await;
    let path = format!("/api/v1/users/{}/events?limit=100", ada.user_id);
    let seen = app.call(&admin, Method::GET, &path, None).await;
    assert_eq!(seen.body["events"].as_array().unwrap()[..], walked[..], "{}", seen.text);
    assert_eq!(app.call(&other, Method::GET, &path, None).await.problem(403), "FORBIDDEN");
}

async fn the_export_holds_everything_of_ones_own(app: &TestApp) {
    let ada = app.person("ada").await;
    let other = app.person("other").await;
    app.task(&other, &json!({ "title": "somebody else's" })).await;
    let mut titles = BTreeSet::new();
    for n in 0..230 {
        let title = format!("𝄞 \"{n}\"");
        app.task(&ada, &json!({ "title": title, "description": "x".repeat(n) })).await;
        titles.insert(title);
    }
    let over = Person::from(&sign_in(app, PASSWORD).await);
    app.call(&over, Method::POST, "/api/v1/auth/logout", Some(&json!({}))).await;

    let answer = send(app.request(Method::GET, "/api/v1/users/me/export").bearer_auth(&ada.access)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-disposition"), r#"attachment; filename="holdfast-export.json""#);
    assert_eq!(answer.header("cache-control"), "no-store");
    let document = &answer.body;
    assert_eq!(
        (&document["account"]["id"], &document["account"]["name"]),
        (&json!(ada.user_id), &json!("ada"))
    );
    let rows = |list: &str| document[list].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone();
    let told: BTreeSet<String> =
        rows("tasks").iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect();
    assert_eq!((told, rows("tasks").len()), (titles, 230));
    let ends: Vec<Value> = rows("sessions").iter().map(|session| session["end_reason"].clone()).collect();
    assert_eq!(ends, [Value::Null, json!("signed_out")]);
    let kinds: Vec<Value> = rows("events").iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["signed_out", "signed_in", "signed_up"]);
    assert_eq!(document["linked_accounts"], json!([]));
    for secret in ["argon2", PASSWORD, &ada.refresh, &ada.access, "somebody else"] {
        assert!(!answer.text.contains(secret), "{secret}");
    }
}

/// `app` has no pepper; the others beside it do.
async fn a_pepper_is_introduced_rotated_lost_and_given_up(app: &TestApp) {
    const FIRST: &str = "first-pepper-0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef0123456789";
    const SECOND: &str = "second-pepper-0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef012345678";
    let url = app.database_url();
    let beside = |variables: &[(&str, &str)]| {
        TestApp::on_sqlite(&[&[("DATABASE_URL", url.as_str())], variables].concat())
    };
    let introduced = beside(&[("PASSWORD_PEPPER", FIRST)]);
    let rotated = beside(&[("PASSWORD_PEPPER", SECOND), ("PASSWORD_PREVIOUS_PEPPERS", FIRST)]);
    let given_up = beside(&[("PASSWORD_PREVIOUS_PEPPERS", SECOND)]);
    app.person("ada").await;
    let ok = async |app: &TestApp| sign_in(app, PASSWORD).await.status == 200;
    // Each sign-in that is let through leaves the hash as its instance makes them.
    assert!(ok(app).await && ok(&introduced).await && ok(&introduced).await);
    assert_eq!(sign_in(app, PASSWORD).await.problem(401), "INVALID_CREDENTIALS");
    assert!(!ok(&given_up).await && ok(&rotated).await && ok(&rotated).await);
    assert!(!ok(&introduced).await && !ok(app).await);
    assert_eq!(sign_in(&rotated, "wrong").await.problem(401), "INVALID_CREDENTIALS");
    assert!(ok(&given_up).await && ok(app).await);
    // What has no pepper is everybody's to verify.
    assert!(ok(&rotated).await && !ok(app).await);
}
