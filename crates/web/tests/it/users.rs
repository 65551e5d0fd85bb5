//! The administration of accounts, and what people do with their own.

use actix_web::http::Method;
use holdfast_testkit::fixtures::{self, PASSWORD};
use serde_json::{Value, json};

use crate::app::{Person, TestApp};

/// Every operation on an account: method, path behind the id, body, and whether its owner may.
fn operations() -> Vec<(Method, &'static str, Value, bool)> {
    let nothing = Value::Null;
    vec![
        (Method::GET, "", nothing.clone(), true),
        (Method::PATCH, "", json!({ "name": "x" }), true),
        (Method::PUT, "/role", json!({ "role": "user" }), false),
        (Method::POST, "/ban", json!({ "reason": "spam", "expires_at": null }), false),
        (Method::DELETE, "/ban", nothing.clone(), false),
        (Method::GET, "/accounts", nothing.clone(), true),
        (Method::GET, "/sessions", nothing.clone(), true),
        (Method::GET, "/events", nothing.clone(), true),
        (Method::DELETE, "/sessions", nothing, true),
    ]
}

async fn status(by: &Person<'_>, method: &Method, path: &str, body: &Value) -> u16 {
    let ask = by.ask(method.clone(), path);
    let ask = if body.is_null() { ask } else { ask.json(body) };
    ask.send().await.status.as_u16()
}

#[actix_web::test]
async fn the_matrix_of_who_may_do_what_to_whom() {
    for (method, rest, body, own) in operations() {
        let app = TestApp::new().await;
        let (admin, other_admin) = (app.admin().await, app.admin().await);
        let (person, other) = (app.person().await, app.person().await);
        let missing = "00000000-0000-7000-8000-000000000000".to_owned();
        let mut table = vec![
            ("a stranger to somebody", &person, &other.id, 403),
            ("a stranger to an administrator", &person, &admin.id, 403),
            ("a stranger to nobody", &person, &missing, 403),
            ("an administrator to nobody", &admin, &missing, 404),
            ("an administrator to another", &admin, &other_admin.id, 200),
            ("an administrator to somebody", &admin, &person.id, 200),
        ];
        let own_status = if own { 200 } else { 403 };
        table.insert(0, ("the owner", &other, &other.id, own_status));
        for (who, by, whom, expected) in table {
            let path = format!("/api/v1/users/{whom}{rest}");
            assert_eq!(status(by, &method, &path, &body).await, expected, "{who}: {method} {path}");
        }
        let anybody = app.ask(method.clone(), &format!("/api/v1/users/{}{rest}", person.id));
        anybody.json(&body).send().await.problem(401, "TOKEN_MISSING");
    }
}

#[actix_web::test]
async fn accounts_are_listed_filtered_and_paged() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    app.clock.set(fixtures::at(1));
    let one = app.person().await;
    app.clock.set(fixtures::at(2));
    let two = app.person().await;
    let ids = async |query: &str| {
        let answer = admin.get(&format!("/api/v1/users{query}")).send().await.expect(200);
        let items = answer["items"].as_array().unwrap().clone();
        let ids: Vec<String> = items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
        (ids, answer["pagination"].clone())
    };
    let (all, pagination) = ids("").await;
    assert_eq!(all, [&*two.id, &*one.id, &*admin.id]);
    assert_eq!(pagination, json!({ "page": 1, "per_page": 50, "total": 3, "total_pages": 1 }));
    let (second, pagination) = ids("?page=2&per_page=2").await;
    assert_eq!(second, [&*admin.id]);
    assert_eq!(pagination, json!({ "page": 2, "per_page": 2, "total": 3, "total_pages": 2 }));
    assert_eq!(ids("?page=99999999999999999999").await.0, [""; 0]);
    assert_eq!(ids("?role=admin").await.0, [&*admin.id]);
    let ban = format!("/api/v1/users/{}/ban", one.id);
    admin.post(&ban, &json!({ "expires_at": "2026-01-01T00:01:00Z" })).send().await.expect(200);
    assert_eq!(ids("?banned=1").await.0, [&*one.id]);
    assert_eq!(ids("?banned=no&role=user").await.0, [&*two.id]);
    app.clock.set(fixtures::at(60));
    assert_eq!(ids("?banned=true").await.0, [""; 0]);
    let faults = admin.get("/api/v1/users?page=0&per_page=101&role=root&banned=x").send().await.faults();
    assert_eq!(
        faults,
        ["banned:invalid_value", "page:invalid_value", "per_page:invalid_value", "role:invalid_value"]
    );
    one.get("/api/v1/users?page=0").send().await.problem(401, "TOKEN_INVALID");
    two.get("/api/v1/users?page=0").send().await.problem(403, "FORBIDDEN");
}

#[actix_web::test]
async fn a_ban_keeps_out_at_once_and_is_told_after_the_right_password() {
    let app = TestApp::new().await;
    let (admin, person) = (app.admin().await, app.person().await);
    let path = format!("/api/v1/users/{}/ban", person.id);
    let body = json!({ "reason": "spam", "expires_at": "2026-01-02T00:00:00" });
    let banned = admin.post(&path, &body).send().await.expect(200);
    assert_eq!(
        (&banned["banned"], &banned["ban_reason"], &banned["ban_expires"]),
        (&json!(true), &json!("spam"), &json!("2026-01-02T00:00:00Z"))
    );
    person.get("/api/v1/tasks").send().await.problem(401, "TOKEN_INVALID");
    let credentials = json!({ "email": person.email, "password": PASSWORD });
    let sign_in = || app.post("/api/v1/auth/signin", &credentials);
    sign_in().send().await.problem(403, "ACCOUNT_BANNED");
    let lifted = admin.delete(&path).send().await.expect(200);
    assert_eq!((&lifted["banned"], &lifted["ban_reason"]), (&json!(false), &Value::Null));
    sign_in().send().await.expect(200);
    // The whole body may be left out.
    admin.ask(Method::POST, &path).send().await.expect(200);
    sign_in().send().await.problem(403, "ACCOUNT_BANNED");

    let faults = admin.post(&path, &json!({ "expires_at": "2026-01-01T00:00:00Z" })).send().await.faults();
    assert_eq!(faults, ["expires_at:invalid_value"]);
    let faults =
        admin.post(&path, &json!({ "expires_at": 1, "reason": "x".repeat(501) })).send().await.faults();
    assert_eq!(faults, ["expires_at:wrong_type", "reason:too_long"]);
}

#[actix_web::test]
async fn another_role_signs_out_and_counts_from_the_next_sign_in() {
    let app = TestApp::new().await;
    let (admin, person) = (app.admin().await, app.person().await);
    let path = format!("/api/v1/users/{}/role", person.id);
    let promoted = admin.put(&path, &json!({ "role": "admin" })).send().await.expect(200);
    assert_eq!(promoted["role"], "admin");
    person.get("/api/v1/users").send().await.problem(401, "TOKEN_INVALID");
    let credentials = json!({ "email": person.email, "password": PASSWORD });
    let answer = app.post("/api/v1/auth/signin", &credentials).send().await.expect(200);
    let token = answer["data"]["token"].as_str().unwrap();
    app.get("/api/v1/users").bearer(token).send().await.expect(200);
    assert_eq!(admin.put(&path, &json!({ "role": "root" })).send().await.faults(), ["role:invalid_value"]);
    assert_eq!(admin.put(&path, &json!({})).send().await.faults(), ["role:missing"]);
}

#[actix_web::test]
async fn an_administrator_cannot_shut_themselves_out() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let path = format!("/api/v1/users/{}", admin.id);
    admin.post(&format!("{path}/ban"), &json!({})).send().await.problem(409, "OWN_ACCOUNT");
    let role = json!({ "role": "user" });
    admin.put(&format!("{path}/role"), &role).send().await.problem(409, "OWN_ACCOUNT");
    let body = json!({ "password": PASSWORD });
    admin.delete("/api/v1/users/me").json(&body).send().await.problem(409, "LAST_ADMINISTRATOR");
    admin.get("/api/v1/users").send().await.expect(200);
}

#[actix_web::test]
async fn a_profile_is_changed_by_its_owner_and_by_administrators() {
    let app = TestApp::new().await;
    let (admin, person) = (app.admin().await, app.person().await);
    let path = format!("/api/v1/users/{}", person.id);
    app.clock.set(fixtures::at(5));
    let body = json!({ "name": "Ada", "image": "https://example.com/a.png", "role": "admin", "email": "x" });
    let own = person.patch("/api/v1/users/me", &body).send().await.expect(200);
    assert_eq!((&own["name"], &own["image"]), (&json!("Ada"), &json!("https://example.com/a.png")));
    assert_eq!((&own["role"], &own["email"]), (&json!("user"), &json!(person.email)));
    assert_eq!(own["updated_at"], "2026-01-01T00:00:05Z");
    assert_eq!(person.get("/api/v1/users/me").send().await.expect(200), own);
    assert_eq!(admin.get(&path.replace('-', "")).send().await.expect(200), own);
    let cleared = admin.patch(&path, &json!({ "name": null })).send().await.expect(200);
    assert_eq!((&cleared["name"], &cleared["image"]), (&Value::Null, &own["image"]));
    let body = json!({ "name": "x".repeat(101), "image": 1 });
    assert_eq!(person.patch(&path, &body).send().await.faults(), ["image:wrong_type", "name:too_long"]);
}

#[actix_web::test]
async fn sessions_of_an_account_are_seen_and_ended() {
    let app = TestApp::new().await;
    let (admin, person, other) = (app.admin().await, app.person().await, app.person().await);
    let path = format!("/api/v1/users/{}/sessions", person.id);
    let seen = admin.get(&path).send().await.expect(200);
    assert_eq!((&seen["total"], &seen["sessions"][0]["is_current"]), (&json!(1), &json!(false)));
    let one = format!("{path}/{}", seen["sessions"][0]["id"].as_str().unwrap());
    other.delete(&one).send().await.problem(403, "FORBIDDEN");
    other.delete(&format!("{path}/nonsense")).send().await.problem(403, "FORBIDDEN");
    admin.delete(&format!("{path}/nonsense")).send().await.problem(404, "NOT_FOUND");
    admin.delete(&one).send().await.expect(200);
    admin.delete(&one).send().await.problem(404, "NOT_FOUND");
    person.get("/api/v1/auth/me").send().await.problem(401, "TOKEN_INVALID");
    assert_eq!(admin.get(&path).send().await.expect(200), json!({ "sessions": [], "total": 0 }));
    let own = format!("/api/v1/users/{}/sessions", other.id);
    other.delete(&own).send().await.expect(200);
    other.get(&own).send().await.problem(401, "TOKEN_INVALID");
}

#[actix_web::test]
async fn an_account_is_deleted_by_its_owner_with_the_password() {
    let app = TestApp::new().await;
    let person = app.person().await;
    person.task(&json!({ "title": "x" })).await;
    let delete = |body: Value| person.delete("/api/v1/users/me").json(&body).send();
    assert_eq!(delete(json!({})).await.faults(), ["password:missing"]);
    delete(json!({ "password": "wrong" })).await.problem(401, "INVALID_CREDENTIALS");
    assert_eq!(delete(json!({ "password": PASSWORD })).await.expect(200)["success"], true);
    person.get("/api/v1/tasks").send().await.problem(401, "TOKEN_INVALID");
    let body = json!({ "email": person.email, "password": PASSWORD });
    app.post("/api/v1/auth/signin", &body).send().await.problem(401, "INVALID_CREDENTIALS");
    app.post("/api/v1/auth/signup", &body).send().await.expect(201);
}
