//! Another password for one's own account.

use holdfast_application::ports::{Repositories as _, StoreError};
use holdfast_testkit::fixtures::{self, PASSWORD};
use holdfast_web::RateLimit;
use serde_json::{Value, json};

use crate::app::{Answer, Person, Settings, TestApp};

const NEW: &str = "staple battery horse";

fn wish(current: &str, new: &str) -> Value {
    json!({ "current_password": current, "new_password": new })
}

async fn change(person: &Person<'_>, body: &Value) -> Answer {
    person.post("/api/v1/auth/password", body).send().await
}

#[actix_web::test]
async fn a_new_password_ends_every_session_and_answers_the_first_pair_of_another() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let credentials = json!({ "email": person.email, "password": PASSWORD });
    let other = app.post("/api/v1/auth/signin", &credentials).send().await.expect(200);
    let answer = change(&person, &wish(PASSWORD, NEW)).await.expect(200);
    assert_eq!((&answer["success"], &answer["message"]), (&json!(true), &Value::Null));
    let data = &answer["data"];
    assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(data["refresh_expires_in"], 7 * 24 * 3_600);
    let text = |value: &Value| value.as_str().unwrap().to_owned();

    for token in [&person.access, &text(&other["data"]["token"]), &text(&other["data"]["access_token"])] {
        app.get("/api/v1/auth/me").bearer(token).send().await.problem(401, "TOKEN_INVALID");
    }
    let refresh = |token: &str| app.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).send();
    for token in [&person.refresh, &text(&other["data"]["refresh_token"])] {
        refresh(token).await.problem(401, "REFRESH_TOKEN_INVALID");
    }
    let access = text(&data["access_token"]);
    let sessions = app.get("/api/v1/auth/sessions").bearer(&access).send().await.expect(200);
    let sessions = sessions["data"]["sessions"].as_array().unwrap().clone();
    assert_eq!((sessions.len(), &sessions[0]["is_current"]), (1, &json!(true)));
    refresh(&text(&data["refresh_token"])).await.expect(200);
    app.post("/api/v1/auth/signin", &credentials).send().await.problem(401, "INVALID_CREDENTIALS");
    let credentials = json!({ "email": person.email, "password": NEW });
    app.post("/api/v1/auth/signin", &credentials).send().await.expect(200);
}

#[actix_web::test]
async fn it_answers_under_every_place_of_the_auth_routes() {
    for path in ["/api/v1/auth/password", "/api/auth/password", "/auth/password"] {
        let app = TestApp::new().await;
        let person = app.person().await;
        person.post(path, &wish(PASSWORD, NEW)).send().await.expect(200);
        app.post(path, &wish(PASSWORD, NEW)).send().await.problem(401, "TOKEN_MISSING");
        person.post(path, &wish(NEW, PASSWORD)).send().await.problem(401, "TOKEN_INVALID");
    }
}

#[actix_web::test]
async fn all_faults_come_at_once_and_before_the_password_is_tried() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let local_part = person.email.split('@').next().unwrap();
    for (body, faults) in [
        (json!({}), vec!["current_password:missing", "new_password:missing"]),
        (json!({ "new_password": "short" }), vec!["current_password:missing", "new_password:too_short"]),
        (
            json!({ "current_password": 1, "new_password": "x".repeat(257) }),
            vec!["current_password:wrong_type", "new_password:too_long"],
        ),
        (wish("wrong", "password1"), vec!["new_password:too_common"]),
        (wish("wrong", &format!("my-{local_part}-9")), vec!["new_password:too_guessable"]),
        (wish(PASSWORD, PASSWORD), vec!["new_password:unchanged"]),
        (wish("wrong", "nul\u{0}nul\u{0}"), vec!["new_password:nul"]),
    ] {
        assert_eq!(change(&person, &body).await.faults(), faults, "{body}");
    }
    let events = person.get("/api/v1/auth/events").send().await.expect(200);
    assert_eq!(events["data"]["events"].as_array().unwrap().len(), 1, "none was an attempt");
    person.get("/api/v1/auth/me").send().await.expect(200);
}

#[actix_web::test]
async fn a_wrong_password_is_refused_and_leaves_the_session() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let refused = change(&person, &wish("wrong horse", NEW)).await;
    refused.problem(401, "INVALID_CREDENTIALS");
    let events = person.get("/api/v1/auth/events").send().await.expect(200);
    assert_eq!(events["data"]["events"][0]["kind"], "sign_in_failed");
    change(&person, &wish(PASSWORD, NEW)).await.expect(200);
}

#[actix_web::test]
async fn it_draws_from_the_bucket_of_sign_ins() {
    let app = TestApp::with(Settings { rate_limit: RateLimit::default(), ..Settings::default() }).await;
    let person = app.person().await;
    for _ in 0..200 {
        let answer = change(&person, &wish(PASSWORD, PASSWORD)).await;
        if answer.status.as_u16() == 429 {
            answer.problem(429, "RATE_LIMITED");
            assert_eq!(answer.header("ratelimit-policy"), "\"sign-in\";q=20;w=120");
            return;
        }
        assert_eq!(answer.faults(), ["new_password:unchanged"]);
    }
    panic!("two hundred at once were let through");
}

#[actix_web::test]
async fn an_account_without_a_password_is_told_so() {
    let app = TestApp::new().await;
    let linked = fixtures::account().hash(None).build();
    app.store.users().insert(&linked).await.unwrap();
    app.tokens.accept_legacy_until(fixtures::at(86_400));
    let token = holdfast_testkit::PlainTokens::legacy(linked.user.id, 0, fixtures::at(3_600));
    let ask = app.post("/api/v1/auth/password", &wish("anything", NEW)).bearer(&token);
    ask.send().await.problem(409, "NO_PASSWORD");
}

#[actix_web::test]
async fn without_the_store_nothing_is_changed_and_another_try_is_worth_it() {
    let app = TestApp::new().await;
    let person = app.person().await;
    // session, account, account, begin
    app.store.fail_nth(4, StoreError::Unavailable("gone".into()));
    change(&person, &wish(PASSWORD, NEW)).await.problem(503, "SERVICE_UNAVAILABLE");
    change(&person, &wish(PASSWORD, NEW)).await.expect(200);
}
