//! The second factor over HTTP: enrolling it, signing in with it on every path, and steps that need a code.

use std::time::Duration;

use holdfast_application::ports::Clock as _;
use holdfast_testkit::{Authenticator, fixtures::PASSWORD};
use serde_json::{Value, json};

use crate::app::{Answer, Person, TestApp};

const PLACE: &str = "/api/v1/auth/second-factor";
const FORM: &str = "application/x-www-form-urlencoded";

async fn begin(person: &Person<'_>) -> Value {
    person.post(PLACE, &json!({ "password": PASSWORD })).send().await.expect(200)["data"].clone()
}

/// Enrols; answers the app and the recovery codes.
async fn enrol(app: &TestApp, person: &Person<'_>) -> (Authenticator, Vec<String>) {
    let authenticator = Authenticator::new(begin(person).await["secret"].as_str().unwrap());
    let body = json!({ "code": authenticator.code(app.clock.now().seconds()) });
    let answer = person.post(&format!("{PLACE}/confirm"), &body).send().await.expect(200);
    let codes = answer["data"]["recovery_codes"].as_array().unwrap();
    (authenticator, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// What the app shows in half a minute.
fn next(app: &TestApp, authenticator: &Authenticator) -> String {
    app.clock.advance(Duration::from_secs(30));
    authenticator.code(app.clock.now().seconds())
}

async fn sign_in(app: &TestApp, path: &str, person: &Person<'_>, code: &Value) -> Answer {
    let body = json!({ "email": person.email, "password": PASSWORD, "code": code });
    app.post(path, &body).send().await
}

#[actix_web::test]
async fn an_enrolment_shows_the_secret_three_times_and_recovery_codes_once() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let none = json!({ "enrolled": false, "since": null, "recovery_codes_left": 0 });
    assert_eq!(person.get(PLACE).send().await.expect(200)["data"], none);
    let enrolment = begin(&person).await;
    let (secret, uri) = (enrolment["secret"].as_str().unwrap(), enrolment["otpauth_uri"].as_str().unwrap());
    assert_eq!(secret.len(), 32);
    assert!(uri.starts_with("otpauth://totp/Holdfast:person1%40example%2Ecom?secret="), "{uri}");
    assert!(uri.contains(secret) && uri.contains("&issuer=Holdfast&"), "{uri}");
    let picture = enrolment["qr_svg"].as_str().unwrap();
    assert!(picture.contains("<svg") && picture.ends_with("</svg>"), "{picture}");
    let confirm = |code: &str| person.post(&format!("{PLACE}/confirm"), &json!({ "code": code })).send();
    confirm("000000").await.problem(401, "SECOND_FACTOR_REQUIRED");
    let code = Authenticator::new(secret).code(app.clock.now().seconds());
    let answer = confirm(&code).await.expect(200);
    assert_eq!(answer["data"]["recovery_codes"].as_array().unwrap().len(), 10);
    assert!(answer["message"].as_str().unwrap().contains("not shown again"));
    confirm(&code).await.problem(409, "SECOND_FACTOR_ENROLLED");
    person.post(PLACE, &json!({ "password": PASSWORD })).send().await.problem(409, "SECOND_FACTOR_ENROLLED");
    let state = person.get(PLACE).send().await.expect(200)["data"].clone();
    assert_eq!((&state["enrolled"], &state["recovery_codes_left"]), (&json!(true), &json!(10)));
    assert!(state["since"].as_str().unwrap().ends_with('Z'));
}

#[actix_web::test]
async fn there_is_no_way_to_tokens_without_a_code() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (authenticator, codes) = enrol(&app, &person).await;
    for path in ["/api/v1/auth/signin", "/api/v1/auth/login", "/api/auth/signin", "/auth/login"] {
        for wrong in [json!(null), json!(""), json!("000000"), json!(codes[0].replace('-', "A"))] {
            let problem = sign_in(&app, path, &person, &wrong).await.problem(401, "SECOND_FACTOR_REQUIRED");
            assert!(problem["detail"].as_str().unwrap().to_lowercase().contains("code"), "{problem}");
        }
        let code = json!(next(&app, &authenticator));
        sign_in(&app, path, &person, &code).await.expect(200);
        sign_in(&app, path, &person, &code).await.problem(401, "SECOND_FACTOR_REQUIRED");
    }
    let typed = json!({ "email": person.email, "password": PASSWORD, "code": 123_456 });
    assert_eq!(app.post("/api/v1/auth/login", &typed).send().await.faults(), ["code:wrong_type"]);
    let refresh = json!({ "refresh_token": person.refresh });
    app.post("/api/v1/auth/refresh", &refresh).send().await.expect(200);
}

#[actix_web::test]
async fn the_oauth_form_takes_the_code_as_otp() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (authenticator, codes) = enrol(&app, &person).await;
    let token = async |otp: &str| {
        let (email, password) = (person.email.replace('@', "%40"), PASSWORD.replace(' ', "+"));
        let form = format!("grant_type=password&username={email}&password={password}{otp}");
        app.ask(actix_web::http::Method::POST, "/api/v1/auth/token")
            .header("content-type", FORM)
            .bytes(form)
            .send()
            .await
    };
    for otp in ["", "&otp=", "&otp=000000"] {
        let refused = token(otp).await.expect(400);
        let told = (&refused["error"], &refused["error_code"]);
        assert_eq!(told, (&json!("invalid_grant"), &json!("SECOND_FACTOR_REQUIRED")), "{otp}");
    }
    let code = next(&app, &authenticator);
    assert!(token(&format!("&otp={code}")).await.expect(200)["access_token"].is_string());
    assert!(token(&format!("&otp={}", codes[0])).await.expect(200)["access_token"].is_string());
    token(&format!("&otp={}", codes[0])).await.expect_status(400);
}

#[actix_web::test]
async fn a_code_of_blanks_alone_is_none() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (authenticator, _) = enrol(&app, &person).await;
    // More than there may be wrong ones.
    for blank in ["", " ", "   ", "\t", "\u{a0}"].repeat(3) {
        let problem = sign_in(&app, "/api/v1/auth/login", &person, &json!(blank)).await;
        let problem = problem.problem(401, "SECOND_FACTOR_REQUIRED");
        assert!(problem["detail"].as_str().unwrap().contains("send a code"), "{blank:?}: {problem}");
        let (email, password) = (person.email.replace('@', "%40"), PASSWORD.replace(' ', "+"));
        let form = format!("grant_type=password&username={email}&password={password}&otp=++");
        let token = app.ask(actix_web::http::Method::POST, "/api/v1/auth/token");
        let refused = token.header("content-type", FORM).bytes(form).send().await.expect(400);
        assert_eq!(refused["error_code"], json!("SECOND_FACTOR_REQUIRED"));
    }
    let code = json!(next(&app, &authenticator));
    sign_in(&app, "/api/v1/auth/login", &person, &code).await.expect(200);
}

#[actix_web::test]
async fn a_wrong_password_is_answered_alike_with_and_without_a_second_factor() {
    let app = TestApp::new().await;
    let (person, other) = (app.person().await, app.person().await);
    enrol(&app, &person).await;
    let mut told = Vec::new();
    for email in [&person.email, &other.email, "nobody@example.com"] {
        let body = json!({ "email": email, "password": "wrong horse", "code": "000000" });
        let answer = app.post("/api/v1/auth/login", &body).send().await;
        let mut problem = answer.problem(401, "INVALID_CREDENTIALS");
        let id = problem["request_id"].take();
        let instance = problem["instance"].as_str().unwrap().replace(id.as_str().unwrap(), "");
        problem["instance"] = json!(instance);
        told.push(problem);
    }
    assert_eq!((&told[0], &told[1]), (&told[1], &told[2]));
}

#[actix_web::test]
async fn steps_that_a_password_confirms_need_a_code_as_well() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (authenticator, codes) = enrol(&app, &person).await;
    let export = person.get("/api/v1/users/me/export").send().await.expect(200);
    assert!(export["account"]["second_factor_since"].is_string());
    assert!(!export.to_string().contains(&codes[0]));
    let address = json!({ "email": "else@example.com", "password": PASSWORD });
    let renewal = json!({ "password": PASSWORD });
    let (change, renew) = ("/api/v1/users/me/email", format!("{PLACE}/recovery-codes"));
    let with = |body: &Value, code: &str| {
        let mut body = body.clone();
        body["code"] = json!(code);
        body
    };
    for (path, body, status) in [(change, &address, 202), (renew.as_str(), &renewal, 200)] {
        person.post(path, body).send().await.problem(401, "SECOND_FACTOR_REQUIRED");
        let code = next(&app, &authenticator);
        person.post(path, &with(body, &code)).send().await.expect(status);
        person.post(path, &with(body, &code)).send().await.problem(401, "SECOND_FACTOR_REQUIRED");
    }
    let removal = person.delete(PLACE).json(&renewal).send().await;
    removal.problem(401, "SECOND_FACTOR_REQUIRED");
    let old_code = with(&renewal, &codes[1]);
    person.delete(PLACE).json(&old_code).send().await.problem(401, "SECOND_FACTOR_REQUIRED");
    person.delete("/api/v1/users/me").json(&renewal).send().await.problem(401, "SECOND_FACTOR_REQUIRED");
    let good = with(&renewal, &next(&app, &authenticator));
    person.delete(PLACE).json(&good).send().await.expect(200);
    person.delete(PLACE).json(&good).send().await.problem(409, "NO_SECOND_FACTOR");
    sign_in(&app, "/api/v1/auth/login", &person, &json!(null)).await.expect(200);
    person.delete("/api/v1/users/me").json(&renewal).send().await.expect(200);
}

#[actix_web::test]
async fn another_password_needs_a_code_as_well() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (authenticator, _) = enrol(&app, &person).await;
    let mut body = json!({ "current_password": PASSWORD, "new_password": "staple battery horse" });
    let place = "/api/v1/auth/password";
    person.post(place, &body).send().await.problem(401, "SECOND_FACTOR_REQUIRED");
    body["code"] = json!(next(&app, &authenticator));
    person.post(place, &body).send().await.expect(200);
}
