//! What a token stands for and where its owner is signed in.

use holdfast_application::{
    domain::{UserId, users::Role},
    ports::Repositories as _,
};
use holdfast_testkit::fixtures::{self, PASSWORD};
use serde_json::{Value, json};

use crate::app::TestApp;

#[actix_web::test]
async fn the_session_and_its_account_are_told_flat() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let answer = person.get("/api/v1/auth/session").send().await.expect(200);
    let id = answer["session"]["session_id"].clone();
    assert!(id.is_string());
    assert_eq!(
        answer,
        json!({
            "session": {
                "session_id": id, "user_id": person.id, "expires_at": "2026-01-08T00:00:00Z",
                "ip_address": "203.0.113.0/24", "user_agent": null, "is_impersonated": false
            },
            "user": {
                "id": person.id, "email": person.email, "email_verified": false, "name": null, "image": null,
                "role": "user", "banned": false, "ban_reason": null, "ban_expires": null,
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"
            }
        })
    );
}

#[actix_web::test]
async fn a_token_is_explained_verified_and_without_links() {
    let app = TestApp::new().await;
    let person = app.person().await;
    assert_eq!(
        person.get("/api/v1/auth/token-info").send().await.expect(200),
        json!({
            "user_id": person.id, "email": person.email, "role": "user",
            "issued_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T00:15:00Z"
        })
    );
    assert_eq!(
        person.post("/api/v1/auth/verify", &json!({})).send().await.expect(200),
        json!({ "valid": true, "user_id": person.id })
    );
    assert_eq!(person.get("/api/v1/auth/accounts").send().await.expect(200), json!({ "accounts": [] }));
}

#[actix_web::test]
async fn a_token_of_a_lost_account_or_session_is_401_at_every_one_of_them() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let id: UserId = person.id.parse().unwrap();
    let asks = || {
        let get = |path: &str| person.get(path);
        [
            get("/api/v1/auth/me"),
            get("/api/auth/session"),
            get("/auth/token-info"),
            person.post("/api/auth/verify", &json!({})),
            get("/auth/accounts"),
            get("/api/v1/auth/sessions"),
            get("/api/v1/users/me"),
        ]
    };
    for ask in asks() {
        ask.send().await.expect(200);
    }
    assert!(app.store.users().delete(id).await.unwrap());
    for ask in asks() {
        ask.send().await.problem(401, "TOKEN_INVALID");
    }
}

#[actix_web::test]
async fn people_see_where_they_are_signed_in_and_end_it() {
    let app = TestApp::new().await;
    let person = app.person().await;
    app.clock.set(fixtures::at(10));
    let body = json!({ "email": person.email, "password": PASSWORD });
    let laptop = app.post("/api/v1/auth/login", &body).header("user-agent", "Firefox/140");
    let laptop = laptop.send().await.expect(200)["data"]["access_token"].as_str().unwrap().to_owned();
    let list = person.get("/api/v1/auth/sessions").send().await.expect(200);
    let sessions = list["data"]["sessions"].as_array().unwrap();
    assert_eq!((&list["success"], sessions.len()), (&json!(true), 2));
    let id = sessions[0]["id"].as_str().unwrap();
    assert_eq!(
        sessions[0],
        json!({
            "id": id, "device": null, "user_agent": "Firefox/140", "ip_prefix": "203.0.113.0/24",
            "created_at": "2026-01-01T00:00:10Z", "last_used_at": "2026-01-01T00:00:10Z",
            "expires_at": "2026-01-08T00:00:10Z", "is_current": false
        })
    );
    assert_eq!(sessions[1]["is_current"], true);
    let path = format!("/api/v1/auth/sessions/{}", id.replace('-', ""));
    let stranger = app.person().await;
    stranger.delete(&path).send().await.problem(404, "NOT_FOUND");
    assert_eq!(person.delete(&path).send().await.expect(200)["success"], true);
    person.delete(&path).send().await.problem(404, "NOT_FOUND");
    app.get("/api/v1/tasks").bearer(&laptop).send().await.problem(401, "TOKEN_INVALID");
    let own = sessions[1]["id"].as_str().unwrap();
    person.delete(&format!("/auth/sessions/{own}")).send().await.expect(200);
    person.get("/api/v1/auth/me").send().await.problem(401, "TOKEN_INVALID");
}

#[actix_web::test]
async fn the_role_is_told_as_it_is_now() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let id: UserId = person.id.parse().unwrap();
    assert!(app.store.users().set_role(id, Role::Admin, fixtures::at(1)).await.unwrap());
    let told: Vec<Value> = [
        person.get("/api/v1/auth/token-info").send().await.expect(200)["role"].clone(),
        person.get("/api/v1/auth/session").send().await.expect(200)["user"]["role"].clone(),
        person.get("/api/v1/auth/me").send().await.expect(200)["role"].clone(),
    ]
    .into();
    assert_eq!(told, ["admin", "admin", "admin"]);
}
