//! What mail does for accounts, over HTTP: forgotten passwords, addresses verified and changed.

use holdfast_application::ports::{Mail, Repositories as _};
use holdfast_testkit::{
    fixtures::{PASSWORD, account},
    mail::token_in,
};
use holdfast_web::RateLimit;
use serde_json::{Value, json};

use crate::app::{Answer, Settings, TestApp};

const NEW: &str = "staple battery horse";

/// Sends what waits; the mail that came of it.
async fn post(app: &TestApp) -> Vec<Mail> {
    for errand in app.outbox.take() {
        if let Some(mail) = app.courier.write(&errand).await.unwrap() {
            app.courier.send(&mail).await.unwrap();
        }
    }
    app.mailer.take()
}

/// The link in the only mail that has one.
async fn link(app: &TestApp) -> String {
    let mails = post(app).await;
    let mut links =
        mails.iter().filter(|mail| mail.text.contains("?token=")).map(|mail| token_in(&mail.text));
    let link = links.next().unwrap();
    assert_eq!(links.next(), None);
    link
}

async fn forget(app: &TestApp, email: &str) -> Answer {
    app.post("/api/v1/auth/password/forgot", &json!({ "email": email })).send().await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "new_password": password });
    app.post("/api/v1/auth/password/reset", &body).send().await
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/api/v1/auth/login", &json!({ "email": email, "password": password })).send().await
}

#[actix_web::test]
async fn a_forgotten_password_is_answered_alike_for_everybody() {
    let app = TestApp::new().await;
    let person = app.person().await;
    app.outbox.take();
    let calls = app.store.calls();
    let mut told = Vec::new();
    for email in [&person.email, "nobody@example.com", "no address", ""] {
        let answer = forget(&app, email).await;
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        told.push((answer.expect(202), names));
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    let expected = "If an account has this address, a mail with a link is on its way";
    assert_eq!(told[0].0, json!({ "success": true, "message": expected }));
    assert_eq!(app.store.calls(), calls, "nothing is looked up");
    assert_eq!(forget_faults(&app, json!({})).await, ["email:missing"]);
    assert_eq!(forget_faults(&app, json!({ "email": 1 })).await, ["email:wrong_type"]);
}

async fn forget_faults(app: &TestApp, body: Value) -> Vec<String> {
    app.post("/api/v1/auth/password/forgot", &body).send().await.faults()
}

#[actix_web::test]
async fn a_link_sets_a_new_password_once() {
    let app = TestApp::new().await;
    let person = app.person().await;
    app.outbox.take();
    forget(&app, &person.email).await.expect(202);
    let token = link(&app).await;
    assert_eq!(reset(&app, &token, "short").await.faults(), ["new_password:too_short"]);
    assert_eq!(reset(&app, &token, "person1@person1").await.faults(), ["new_password:too_guessable"]);
    reset(&app, "nonsense", "short").await.problem(400, "LINK_INVALID");
    assert_eq!(reset(&app, &token, NEW).await.expect(200)["success"], true);
    reset(&app, &token, NEW).await.problem(400, "LINK_INVALID");
    person.get("/api/v1/auth/me").send().await.problem(401, "TOKEN_INVALID");
    sign_in(&app, &person.email, PASSWORD).await.problem(401, "INVALID_CREDENTIALS");
    sign_in(&app, &person.email, NEW).await.expect(200);
    let body = json!({ "token": null });
    let faults = app.post("/api/v1/auth/password/reset", &body).send().await.faults();
    assert_eq!(faults, ["new_password:missing", "token:null"]);
}

#[actix_web::test]
async fn an_address_is_verified_by_a_link() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let token = link(&app).await;
    let verify = |token: &str| app.post("/api/v1/auth/email/verify", &json!({ "token": token })).send();
    let me = || person.get("/api/v1/auth/me").send();
    assert_eq!(me().await.expect(200)["email_verified"], false);
    verify(&format!("{token}x")).await.problem(400, "LINK_INVALID");
    verify(&token).await.expect(200);
    assert_eq!(me().await.expect(200)["email_verified"], true);
    verify(&token).await.problem(400, "LINK_INVALID");
    let ask = || person.post("/api/v1/auth/email/verify/request", &Value::Null).send();
    ask().await.expect(202);
    assert_eq!(post(&app).await, [], "it is verified already");
    app.post("/api/v1/auth/email/verify/request", &Value::Null).send().await.problem(401, "TOKEN_MISSING");
}

#[actix_web::test]
async fn too_many_links_are_refused_with_the_limit() {
    let app = TestApp::new().await;
    let person = app.person().await;
    post(&app).await;
    let ask = || person.post("/api/v1/auth/email/verify/request", &Value::Null).send();
    for _ in 0..4 {
        ask().await.expect(202);
    }
    let refused = ask().await;
    refused.problem(429, "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), "3600");
    assert_eq!(refused.header("ratelimit-policy"), "\"links\";q=5;w=3600");
}

#[actix_web::test]
async fn an_address_is_changed_by_the_password_and_a_link() {
    let app = TestApp::new().await;
    let (person, other) = (app.person().await, app.person().await);
    app.outbox.take();
    let ask = |email: &str, password: &str| {
        person.post("/api/v1/users/me/email", &json!({ "email": email, "password": password })).send()
    };
    ask("new@example.org", "wrong horse").await.problem(401, "INVALID_CREDENTIALS");
    assert_eq!(ask("no address", PASSWORD).await.faults(), ["email:invalid_value"]);
    let free = ask("new@example.org", PASSWORD).await.expect(202);
    let token = link(&app).await;
    let confirm = |token: &str| app.post("/api/v1/auth/email/confirm", &json!({ "token": token }));
    confirm("nonsense").send().await.problem(400, "LINK_INVALID");
    confirm(&token).bearer(&person.access).send().await.expect(200);
    let me = person.get("/api/v1/auth/me").send().await.expect(200);
    assert_eq!((&me["email"], &me["email_verified"]), (&json!("new@example.org"), &json!(true)));
    confirm(&token).bearer(&person.access).send().await.problem(400, "LINK_INVALID");

    assert_eq!(ask(&other.email.to_uppercase(), PASSWORD).await.expect(202), free, "whoever has it");
    let token = link(&app).await;
    confirm(&token).bearer("nonsense").send().await.problem(409, "EMAIL_EXISTS");
    ask("newer@example.org", PASSWORD).await.expect(202);
    let token = link(&app).await;
    confirm(&token).bearer(&other.access).send().await.expect(200);
    person.get("/api/v1/auth/me").send().await.problem(401, "TOKEN_INVALID");
    other.get("/api/v1/auth/me").send().await.expect(200);
}

#[actix_web::test]
async fn a_link_of_another_purpose_or_account_opens_nothing() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person().await, app.person().await);
    app.outbox.take();
    forget(&app, &ada.email).await.expect(202);
    let resetting = link(&app).await;
    bob.post("/api/v1/auth/email/verify/request", &Value::Null).send().await.expect(202);
    let verifying = link(&app).await;
    for path in ["/api/v1/auth/email/verify", "/api/v1/auth/email/confirm"] {
        app.post(path, &json!({ "token": resetting })).send().await.problem(400, "LINK_INVALID");
    }
    // The account's id takes 22 letters, the last of which begins the secret.
    let spliced = format!("{}{}", &verifying[..22], &resetting[22..]);
    for token in [&verifying, &spliced] {
        reset(&app, token, NEW).await.problem(400, "LINK_INVALID");
    }
    sign_in(&app, &bob.email, PASSWORD).await.expect(200);
    reset(&app, &resetting, NEW).await.expect(200);
}

#[actix_web::test]
async fn an_account_without_a_password_is_told_to_reset_it() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let passwordless = account().hash(None).email("elsewhere@example.com").build();
    app.store.users().insert(&passwordless).await.unwrap();
    app.outbox.take();
    forget(&app, "elsewhere@example.com").await.expect(202);
    reset(&app, &link(&app).await, NEW).await.expect(200);
    sign_in(&app, "elsewhere@example.com", NEW).await.expect(200);
    person.get("/api/v1/auth/me").send().await.expect(200);
}

#[actix_web::test]
async fn no_room_for_mail_is_503_whoever_asks() {
    let app = TestApp::new().await;
    let person = app.person().await;
    app.outbox.set_full(true);
    for email in [&person.email, "nobody@example.com"] {
        let refused = forget(&app, email).await;
        refused.problem(503, "SERVICE_UNAVAILABLE");
        assert_eq!(refused.header("retry-after"), "60");
    }
    app.person().await;
}

#[actix_web::test]
async fn every_place_of_a_route_draws_from_the_bucket_of_sign_ins() {
    let app = TestApp::with(Settings { rate_limit: RateLimit::default(), ..Settings::default() }).await;
    let paths = ["password/forgot", "password/reset", "email/verify", "email/confirm"];
    let body = json!({ "email": "ada@example.com", "token": "x", "new_password": NEW });
    let places = ["/api/v1/auth", "/api/auth", "/auth"];
    for n in 0..20 {
        let path = format!("{}/{}", places[n % 3], paths[n % 4]);
        let status = app.post(&path, &body).send().await.status.as_u16();
        assert_eq!(status, if n % 4 == 0 { 202 } else { 400 }, "{path}");
    }
    for path in paths.into_iter().chain(["email/verify/request"]) {
        app.post(&format!("/api/v1/auth/{path}"), &body).send().await.problem(429, "RATE_LIMITED");
    }
    app.post("/api/v1/users/me/email", &body).send().await.problem(429, "RATE_LIMITED");
    sign_in(&app, "ada@example.com", NEW).await.problem(429, "RATE_LIMITED");
}
