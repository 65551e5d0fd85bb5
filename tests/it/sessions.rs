//! Sessions over HTTP: rotation, lost answers, several tabs, a thief, and every way to sign out.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, PASSWORD, Person, TestApp, on_both_databases, send};

on_both_databases!(
    twenty_parallel_refreshes_get_one_successor,
    a_token_two_generations_old_ends_the_session_at_once,
    the_token_just_replaced_gets_the_same_successor,
    neither_kind_of_token_passes_for_the_other,
    signing_out_elsewhere_and_everywhere,
    signing_out_never_fails,
    the_oauth_form_signs_in_and_refreshes,
    a_wrong_password_and_an_unknown_account_look_the_same,
    one_of_many_simultaneous_sign_ups_wins,
);

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).await
}

fn successor(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["data"]["refresh_token"].as_str().unwrap().to_owned()
}

async fn twenty_parallel_refreshes_get_one_successor(app: &TestApp) {
    let ada = app.person("ada").await;
    let answers = join_all((0..20).map(|_| refresh(app, &ada.refresh))).await;
    let successors: Vec<String> = answers.iter().map(successor).collect();
    assert!(successors.iter().all(|token| *token == successors[0]), "more than one successor");
    assert_ne!(successors[0], ada.refresh);
    for answer in &answers {
        assert!(app.knows(answer.body["data"]["access_token"].as_str().unwrap()).await);
    }
    successor(&refresh(app, &successors[0]).await);
}

async fn a_token_two_generations_old_ends_the_session_at_once(app: &TestApp) {
    let ada = app.person("ada").await;
    let second = successor(&refresh(app, &ada.refresh).await);
    let third = successor(&refresh(app, &second).await);
    assert_eq!(refresh(app, &ada.refresh).await.problem(401), "REFRESH_TOKEN_INVALID");
    assert_eq!(refresh(app, &third).await.problem(401), "REFRESH_TOKEN_INVALID");
    assert!(!app.knows(&ada.access).await);
    assert!(!app.knows(&ada.long_lived).await);
}

async fn the_token_just_replaced_gets_the_same_successor(app: &TestApp) {
    let ada = app.person("ada").await;
    let second = successor(&refresh(app, &ada.refresh).await);
    assert_eq!(successor(&refresh(app, &ada.refresh).await), second);
    assert!(app.knows(&ada.access).await, "a lost answer signed somebody out");
}

async fn neither_kind_of_token_passes_for_the_other(app: &TestApp) {
    let ada = app.person("ada").await;
    assert!(!app.knows(&ada.refresh).await);
    for token in [&ada.access, &ada.long_lived] {
        assert_eq!(refresh(app, token).await.problem(401), "REFRESH_TOKEN_INVALID");
    }
    assert!(app.knows(&ada.access).await);
    successor(&refresh(app, &ada.refresh).await);
}

async fn sign_out(app: &TestApp, person: &Person, body: Value) {
    let answer = app.call(person, Method::POST, "/api/v1/auth/logout", Some(&body)).await;
    assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)), "{}", answer.text);
}

async fn signing_out_elsewhere_and_everywhere(app: &TestApp) {
    let phone = app.person("ada").await;
    let sign_in = async || {
        let wish = json!({ "username": "ada@example.com", "password": PASSWORD });
        Person::from(&app.post("/api/v1/auth/login", &wish).await)
    };
    let (laptop, tablet) = (sign_in().await, sign_in().await);
    sign_out(app, &laptop, json!({ "scope": "others" })).await;
    assert!(app.knows(&laptop.access).await);
    assert!(
        !app.knows(&phone.access).await
            && !app.knows(&phone.long_lived).await
            && !app.knows(&tablet.access).await
    );
    let desk = sign_in().await;
    sign_out(app, &desk, json!({ "scope": "global" })).await;
    assert!(!app.knows(&laptop.access).await && !app.knows(&desk.access).await);
    let answer = refresh(app, &laptop.refresh).await;
    assert_eq!(answer.problem(401), "REFRESH_TOKEN_INVALID");
}

async fn signing_out_never_fails(app: &TestApp) {
    let ada = app.person("ada").await;
    for path in ["/api/v1/auth/logout", "/api/v1/auth/signout", "/api/auth/logout", "/auth/signout"] {
        let nobody = send(app.request(Method::POST, path)).await;
        assert_eq!((nobody.status, &nobody.body["success"]), (200, &json!(true)), "{path}: {}", nobody.text);
        let garbage = send(app.request(Method::POST, path).bearer_auth("garbage")).await;
        assert_eq!(garbage.status, 200, "{path}: {}", garbage.text);
    }
    assert!(app.knows(&ada.access).await, "nothing may end without a token");
    let body = json!({ "refresh_token": ada.refresh });
    assert_eq!(app.post("/api/v1/auth/logout", &body).await.status, 200);
    assert!(!app.knows(&ada.access).await, "the refresh token names the session, too");
}

async fn the_oauth_form_signs_in_and_refreshes(app: &TestApp) {
    app.person("ada").await;
    let form = async |body: &str| {
        let request = app.request(Method::POST, "/api/v1/auth/token");
        send(request.header("Content-Type", "application/x-www-form-urlencoded").body(body.to_owned())).await
    };
    let encoded = PASSWORD.replace(' ', "+");
    let signed_in = form(&format!("grant_type=password&username=ada%40example.com&password={encoded}")).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    assert!(app.knows(signed_in.body["access_token"].as_str().unwrap()).await);
    assert_eq!(signed_in.body["token_type"].as_str().unwrap().to_lowercase(), "bearer");
    let refresh_token = signed_in.body["refresh_token"].as_str().unwrap();
    let refreshed = form(&format!("grant_type=refresh_token&refresh_token={refresh_token}")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    assert_ne!(refreshed.body["refresh_token"].as_str().unwrap(), refresh_token);
    for (body, error) in [
        ("grant_type=password&username=ada%40example.com&password=wrong-password", "invalid_grant"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("username=ada", "invalid_request"),
    ] {
        let refused = form(body).await;
        assert_eq!(
            (refused.status, &refused.body["error"]),
            (400, &json!(error)),
            "{body}: {}",
            refused.text
        );
    }
}

async fn a_wrong_password_and_an_unknown_account_look_the_same(app: &TestApp) {
    app.person("ada").await;
    let attempt = async |email: &str, password: &str| {
        let answer = app.post("/api/v1/auth/signin", &json!({ "email": email, "password": password })).await;
        assert_eq!(answer.problem(401), "INVALID_CREDENTIALS");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{:?}", answer.headers);
        let mut body = answer.body;
        body["request_id"] = json!("the only difference");
        (body.to_string(), answer.headers.keys().map(ToString::to_string).collect::<BTreeSet<_>>())
    };
    let wrong = attempt("ada@example.com", "wrong password").await;
    assert_eq!(wrong, attempt("nobody@example.com", "wrong password").await);
    assert_eq!(wrong, attempt("no address at all", "").await);
}

async fn one_of_many_simultaneous_sign_ups_wins(app: &TestApp) {
    let wish = |email: &str| json!({ "email": email, "password": PASSWORD });
    let wishes: Vec<Value> =
        ["Ada@example.com", "ada@example.com", "ADA@EXAMPLE.COM"].iter().map(|e| wish(e)).collect();
    let answers = join_all((0..12).map(|n| app.post("/api/v1/auth/signup", &wishes[n % 3]))).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.problem(409), "EMAIL_EXISTS");
    }
}
