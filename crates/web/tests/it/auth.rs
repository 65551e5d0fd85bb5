//! Accounts and sessions over HTTP.

use actix_web::http::Method;
use holdfast_application::{
    domain::{
        UserId,
        users::{Account, Ban, BanReason},
    },
    ports::Repositories as _,
};
use holdfast_testkit::fixtures::{self, PASSWORD};
use serde_json::{Value, json};

use crate::app::TestApp;

fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

const SESSION: [&str; 13] = [
    "access_token",
    "created_at",
    "email",
    "expires_at",
    "expires_in",
    "is_active",
    "name",
    "refresh_expires_in",
    "refresh_token",
    "token",
    "token_type",
    "updated_at",
    "user_id",
];

#[actix_web::test]
async fn sign_up_answers_the_profile_and_every_token() {
    let app = TestApp::new().await;
    let body = json!({ "email": "Ada@Example.com", "password": PASSWORD, "name": "Ada", "extra": [1] });
    let answer = app.post("/api/v1/auth/signup", &body).send().await.expect(201);
    assert_eq!((&answer["success"], &answer["message"]), (&json!(true), &Value::Null));
    let data = &answer["data"];
    assert_eq!(members(data), SESSION);
    assert_eq!((&data["email"], &data["name"]), (&json!("Ada@Example.com"), &json!("Ada")));
    assert_eq!((&data["is_active"], &data["token_type"]), (&json!(true), &json!("Bearer")));
    assert_eq!((&data["expires_in"], &data["refresh_expires_in"]), (&json!(900), &json!(604_800)));
    assert_eq!(data["created_at"], "2026-01-01T00:00:00", "the profile has no zone");
    assert_eq!(data["expires_at"], "2026-01-02T00:00:00Z", "a day, with a zone");
    for token in ["token", "access_token"] {
        app.get("/api/v1/tasks").bearer(data[token].as_str().unwrap()).send().await.expect(200);
    }
}

#[actix_web::test]
async fn an_address_is_taken_in_any_case() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = json!({ "email": person.email.to_uppercase(), "password": PASSWORD });
    app.post("/api/v1/auth/register", &body).send().await.problem(409, "EMAIL_EXISTS");
}

#[actix_web::test]
async fn sign_up_names_every_fault_at_once() {
    let app = TestApp::new().await;
    let body = json!({ "email": "nobody", "password": "short", "name": "x".repeat(101) });
    let faults = app.post("/api/v1/auth/signup", &body).send().await.faults();
    assert_eq!(faults, ["email:invalid_value", "name:too_long", "password:too_short"]);
    let faults = app.post("/api/v1/auth/signup", &json!({ "name": 1 })).send().await.faults();
    assert_eq!(faults, ["email:missing", "name:wrong_type", "password:missing"]);
    let body = json!({ "email": null, "password": 12_345_678, "name": null });
    let faults = app.post("/api/v1/auth/signup", &body).send().await.faults();
    assert_eq!(faults, ["email:null", "password:wrong_type"]);
    let body = json!({ "email": "gertrude@example.com", "password": "xx-gertrude-xx" });
    assert_eq!(app.post("/api/v1/auth/signup", &body).send().await.faults(), ["password:too_guessable"]);
    let body = json!({ "email": "a\0@b.c", "password": "\0\0\0\0\0\0\0\0", "name": "\0" });
    let faults = app.post("/api/v1/auth/signup", &body).send().await.faults();
    assert_eq!(faults, ["email:nul", "name:nul", "password:nul"]);
}

#[actix_web::test]
async fn sign_in_and_login_differ_in_the_long_lived_token() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = json!({ "email": person.email, "password": PASSWORD });
    let signed_in = app.post("/api/v1/auth/signin", &body).send().await.expect(200);
    assert_eq!(members(&signed_in["data"]), SESSION);
    assert!(signed_in["data"]["token"].is_string());
    let body = json!({ "username": person.email, "password": PASSWORD });
    let logged_in = app.post("/api/v1/auth/login", &body).send().await.expect(200);
    assert_eq!(members(&logged_in["data"]), SESSION);
    assert_eq!(logged_in["data"]["token"], Value::Null);
    assert_eq!(logged_in["data"]["expires_at"], "2026-01-01T00:15:00Z");
}

#[actix_web::test]
async fn an_unknown_address_and_a_wrong_password_look_the_same() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for path in ["/api/v1/auth/signin", "/api/v1/auth/login"] {
        let mut told = Vec::new();
        for (email, password) in
            [("nobody@example.com", PASSWORD), (&person.email, "wrong password"), ("", "")]
        {
            let body = json!({ "email": email, "password": password });
            let mut problem = app.post(path, &body).send().await.problem(401, "INVALID_CREDENTIALS");
            problem.as_object_mut().unwrap().remove("request_id");
            told.push(problem);
        }
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    }
    let faults = app.post("/api/v1/auth/signin", &json!({})).send().await.faults();
    assert_eq!(faults, ["email:missing", "password:missing"]);
}

#[actix_web::test]
async fn every_alias_answers() {
    let app = TestApp::new().await;
    for (n, place) in ["/api/v1/auth", "/api/auth", "/auth"].into_iter().enumerate() {
        for name in ["signup", "register"] {
            let body = json!({ "email": format!("{name}{n}@example.com"), "password": PASSWORD });
            app.post(&format!("{place}/{name}"), &body).send().await.expect(201);
        }
        let body = json!({ "email": format!("signup{n}@example.com"), "password": PASSWORD });
        for name in ["signin", "login"] {
            app.post(&format!("{place}/{name}"), &body).send().await.expect(200);
        }
        for name in ["logout", "signout"] {
            app.ask(Method::POST, &format!("{place}/{name}")).send().await.expect(200);
        }
        app.get(&format!("{place}/me")).send().await.problem(401, "TOKEN_MISSING");
        app.post(&format!("{place}/refresh"), &json!({ "refresh_token": "x" }))
            .send()
            .await
            .problem(401, "REFRESH_TOKEN_INVALID");
    }
}

#[actix_web::test]
async fn me_carries_both_shapes() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let me = person.get("/api/v1/auth/me").send().await.expect(200);
    assert_eq!(
        members(&me),
        [
            "ban_expires",
            "ban_reason",
            "banned",
            "created_at",
            "data",
            "email",
            "email_verified",
            "id",
            "image",
            "message",
            "name",
            "role",
            "success",
            "updated_at"
        ]
    );
    let profile = ["created_at", "email", "is_active", "name", "token", "updated_at", "user_id"];
    assert_eq!(members(&me["data"]), profile);
    assert_eq!((&me["id"], &me["data"]["user_id"]), (&json!(person.id), &json!(person.id)));
    assert_eq!((&me["role"], &me["banned"]), (&json!("user"), &json!(false)));
    assert_eq!(me["created_at"], "2026-01-01T00:00:00Z");
    assert_eq!(
        (&me["data"]["created_at"], &me["data"]["token"]),
        (&json!("2026-01-01T00:00:00"), &Value::Null)
    );
}

#[actix_web::test]
async fn a_refresh_token_gets_a_new_pair_and_the_same_one_again() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = json!({ "refresh_token": person.refresh });
    let first = app.post("/api/v1/auth/refresh", &body).send().await.expect(200);
    let pair = ["access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type"];
    assert_eq!(members(&first["data"]), pair);
    assert_eq!((&first["success"], &first["message"]), (&json!(true), &Value::Null));
    let again = app.post("/api/v1/auth/refresh", &body).send().await.expect(200);
    assert_eq!(again["data"]["refresh_token"], first["data"]["refresh_token"]);
    let body = json!({ "refresh_token": person.access });
    app.post("/api/v1/auth/refresh", &body).send().await.problem(401, "REFRESH_TOKEN_INVALID");
    app.get("/api/v1/auth/me").bearer(&person.refresh).send().await.problem(401, "TOKEN_INVALID");
}

#[actix_web::test]
async fn too_many_refreshes_wait() {
    let app = TestApp::new().await;
    let mut refresh = app.person().await.refresh;
    for _ in 0..10 {
        let answer =
            app.post("/api/v1/auth/refresh", &json!({ "refresh_token": refresh })).send().await.expect(200);
        refresh = answer["data"]["refresh_token"].as_str().unwrap().to_owned();
    }
    let answer = app.post("/api/v1/auth/refresh", &json!({ "refresh_token": refresh })).send().await;
    answer.problem(429, "RATE_LIMITED");
    assert_eq!(answer.header("retry-after"), "60");
    assert_eq!(answer.header("ratelimit-policy"), "\"session\";q=10;w=60");
    assert_eq!(answer.header("ratelimit"), "\"session\";r=0;t=60");
}

#[actix_web::test]
async fn logout_ends_the_session_and_never_fails() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let bye = person.ask(Method::POST, "/api/v1/auth/logout").send().await.expect(200);
    assert_eq!(bye, json!({ "success": true, "message": "Successfully signed out" }));
    person.get("/api/v1/auth/me").send().await.problem(401, "TOKEN_INVALID");
    for token in ["", "nonsense", &person.access] {
        app.ask(Method::POST, "/api/v1/auth/signout").bearer(token).send().await.expect(200);
    }
    app.ask(Method::POST, "/api/v1/auth/signout")
        .header("content-type", "text/plain")
        .send()
        .await
        .expect(200);
    let faults =
        app.post("/api/v1/auth/logout", &json!({ "scope": "all", "refresh_token": 1 })).send().await.faults();
    assert_eq!(faults, ["refresh_token:wrong_type", "scope:invalid_value"]);
}

#[actix_web::test]
async fn logout_by_refresh_token_and_everywhere() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = json!({ "email": person.email, "password": PASSWORD });
    let other = app.post("/api/v1/auth/login", &body).send().await.expect(200);
    let other = other["data"]["access_token"].as_str().unwrap();
    person.post("/api/v1/auth/logout", &json!({ "scope": "others" })).send().await.expect(200);
    app.get("/api/v1/auth/me").bearer(other).send().await.problem(401, "TOKEN_INVALID");
    let body = json!({ "scope": "global", "refresh_token": person.refresh });
    app.post("/api/v1/auth/logout", &body).send().await.expect(200);
    person.get("/api/v1/auth/me").send().await.problem(401, "TOKEN_INVALID");
}

const FORM: &str = "application/x-www-form-urlencoded";

#[actix_web::test]
async fn the_token_endpoint_speaks_oauth() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let ask = |form: String| {
        let request = app.ask(Method::POST, "/api/v1/auth/token").header("content-type", FORM);
        request.bytes(form).send()
    };
    let password = PASSWORD.replace(' ', "+");
    let email = person.email.replace('@', "%40");
    let answer = ask(format!("grant_type=password&username={email}&password={password}&scope=")).await;
    let pair = answer.expect(200);
    assert_eq!(
        members(&pair),
        ["access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type"]
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let refresh = pair["refresh_token"].as_str().unwrap();
    ask(format!("grant_type=refresh_token&refresh_token={refresh}")).await.expect(200);

    for (form, error) in [
        (format!("grant_type=password&username={email}&password=wrong"), "invalid_grant"),
        ("grant_type=refresh_token&refresh_token=x".to_owned(), "invalid_grant"),
        ("grant_type=client_credentials".to_owned(), "unsupported_grant_type"),
        ("grant_type=password&username=x".to_owned(), "invalid_request"),
        ("grant_type=password&password=x".to_owned(), "invalid_request"),
        ("grant_type=password&grant_type=password&username=a&password=b".to_owned(), "invalid_request"),
        ("grant_type=password&username=%00&password=b".to_owned(), "invalid_request"),
        ("grant_type=%zz".to_owned(), "invalid_request"),
        (String::new(), "invalid_request"),
    ] {
        let answer = ask(form.clone()).await.expect(400);
        assert_eq!(members(&answer), ["error", "error_description"], "{form}");
        assert_eq!(answer["error"], error, "{form}");
    }
    let body = json!({ "grant_type": "password" });
    app.post("/api/v1/auth/token", &body).send().await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[actix_web::test]
async fn who_may_not_sign_in_learns_it_by_the_right_password_alone() {
    let app = TestApp::new().await;
    let ban = Ban {
        at: fixtures::epoch(),
        reason: Some(BanReason::stored("spam".into())),
        expires_at: Some(fixtures::at(600)),
    };
    for (account, code) in [
        (fixtures::account().banned(ban).build(), "ACCOUNT_BANNED"),
        (fixtures::account().inactive().build(), "ACCOUNT_INACTIVE"),
    ] {
        app.store.users().insert(&account).await.unwrap();
        let body = |password: &str| json!({ "email": account.user.email.as_str(), "password": password });
        for path in ["/api/v1/auth/signin", "/api/v1/auth/login"] {
            app.post(path, &body(PASSWORD)).send().await.problem(403, code);
            app.post(path, &body("wrong password")).send().await.problem(401, "INVALID_CREDENTIALS");
        }
    }
}

#[actix_web::test]
async fn a_ban_that_has_ended_is_none() {
    let app = TestApp::new().await;
    let ban = Ban {
        at: fixtures::epoch(),
        reason: Some(BanReason::stored("spam".into())),
        expires_at: Some(fixtures::at(600)),
    };
    let account: Account = fixtures::account().name("Ada").banned(ban).build();
    app.store.users().insert(&account).await.unwrap();
    app.clock.set(fixtures::at(600));
    let body = json!({ "email": account.user.email.as_str(), "password": PASSWORD });
    let session = app.post("/api/v1/auth/login", &body).send().await.expect(200);
    let token = session["data"]["access_token"].as_str().unwrap().to_owned();
    let me = app.get("/api/v1/auth/me").bearer(&token).send().await.expect(200);
    assert_eq!(
        (&me["banned"], &me["ban_reason"], &me["ban_expires"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    app.clock.set(fixtures::at(599));
    let me = app.get("/api/v1/auth/me").bearer(&token).send().await.expect(200);
    assert_eq!((&me["banned"], &me["ban_reason"]), (&json!(true), &json!("spam")));
    assert_eq!(me["ban_expires"], "2026-01-01T00:10:00Z");
}

#[actix_web::test]
async fn the_history_holds_a_network_and_no_address() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = json!({ "email": person.email, "password": PASSWORD });
    let sign_in = app.post("/api/v1/auth/login", &body).peer("2001:db8:1:2:3::4");
    sign_in.header("user-agent", &"ü".repeat(600)).send().await.expect(200);
    let events = app.store.audit().latest(person.id.parse::<UserId>().unwrap(), None, 2).await.unwrap();
    assert_eq!(events[0].client.ip_prefix.as_deref(), Some("2001:db8:1::/48"));
    assert_eq!(events[0].client.user_agent.as_deref(), Some("ü".repeat(512).as_str()));
    assert_eq!(events[1].client.ip_prefix.as_deref(), Some("203.0.113.0/24"));
    assert_eq!(events[1].client.user_agent, None);
}
