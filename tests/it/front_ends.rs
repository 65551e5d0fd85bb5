//! What the two original front ends do, in their order, as a browser does it: every call that needs one is preceded by
//! its preflight, and carries its origin.

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::app::{Answer, PASSWORD, TestApp, on_both_databases, send};

on_both_databases!(the_first_front_end_works_unmodified, the_later_front_end_works_unmodified);

const ORIGIN: &str = "http://localhost:3000";

/// A tab with a page of the front end in it.
struct Browser<'a> {
    app: &'a TestApp,
    token: Option<String>,
}

impl Browser<'_> {
    /// Calls as `fetch` with credentials does.
    async fn fetch(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.preflight(&method, path).await;
        let mut request = self.app.request(method, path).header("origin", ORIGIN);
        // Both front ends say that they send JSON, with a body or without.
        request = request.header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = send(request).await;
        granted(&answer.headers);
        answer
    }

    async fn preflight(&self, method: &Method, path: &str) {
        let request = self.app.request(Method::OPTIONS, path).header("origin", ORIGIN);
        let request = request.header("access-control-request-method", method.as_str());
        let answer =
            send(request.header("access-control-request-headers", "authorization,content-type")).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.status);
        granted(&answer.headers);
        let told = |name: &str| answer.header(name).to_lowercase();
        assert!(told("access-control-allow-methods").contains(&method.as_str().to_lowercase()), "{method}");
        for header in ["authorization", "content-type"] {
            assert!(told("access-control-allow-headers").contains(header), "{header}");
        }
    }
}

fn granted(headers: &HeaderMap) {
    assert_eq!(headers["access-control-allow-origin"], ORIGIN);
    assert_eq!(headers["access-control-allow-credentials"], "true");
}

/// What a front end reads out of the token by itself.
fn claims(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn the_first_front_end_works_unmodified(app: &TestApp) {
    let mut browser = Browser { app, token: None };
    let form = json!({ "email": "Ada@Example.com", "password": PASSWORD, "name": "Ada" });
    let signed_up = browser.fetch(Method::POST, "/api/v1/auth/signup", Some(form)).await;
    assert_eq!((signed_up.status, &signed_up.body["success"]), (201, &json!(true)), "{}", signed_up.text);

    let form = json!({ "email": "Ada@Example.com", "password": "not the one" });
    let refused = browser.fetch(Method::POST, "/api/v1/auth/signin", Some(form)).await;
    assert_eq!((refused.status, &refused.body["detail"]), (401, &json!("Invalid credentials")));
    let form = json!({ "email": "Ada@Example.com", "password": PASSWORD });
    let signed_in = browser.fetch(Method::POST, "/api/v1/auth/signin", Some(form)).await;
    let token = signed_in.body["data"]["token"].as_str().unwrap().to_owned();
    let claims = claims(&token);
    assert_eq!(claims["user_id"], signed_in.body["data"]["user_id"]);
    assert_eq!((&claims["email"], &claims["name"]), (&json!("Ada@Example.com"), &json!("Ada")));
    let expires = claims["exp"].as_i64().unwrap();
    assert_eq!(expires - claims["iat"].as_i64().unwrap(), 24 * 3_600, "the front end never refreshes");
    browser.token = Some(token);

    let me = browser.fetch(Method::GET, "/api/v1/auth/me", None).await;
    assert_eq!(me.body["data"]["user_id"], claims["user_id"]);
    let list = browser.fetch(Method::GET, "/api/tasks?sortBy=created_at&sortOrder=desc", None).await;
    assert_eq!(list.body["data"]["tasks"], json!([]));

    // The form sends every field, the date as an empty text when none is chosen.
    let form = json!({
        "title": "Buy milk", "description": "", "due_datetime": "", "priority": "urgent_important", "is_completed": false
    });
    let created = browser.fetch(Method::POST, "/api/tasks", Some(form)).await;
    assert_eq!(
        (created.status, &created.body["data"]["due_datetime"]),
        (201, &Value::Null),
        "{}",
        created.text
    );
    let path = format!("/api/tasks/{}", created.body["data"]["id"].as_str().unwrap());

    // <input type=datetime-local> writes minutes, and shows nothing for a value with a zone.
    let mut form = json!({
        "title": "Buy oat milk", "description": "two", "due_datetime": "2030-05-06T07:08",
        "priority": "not_urgent_important", "is_completed": false
    });
    let edited = browser.fetch(Method::PUT, &path, Some(form.clone())).await;
    assert_eq!(edited.body["data"]["due_datetime"], "2030-05-06T07:08:00", "{}", edited.text);
    // Clearing the date leaves the member out.
    form.as_object_mut().unwrap().remove("due_datetime");
    let cleared = browser.fetch(Method::PUT, &path, Some(form)).await;
    assert_eq!(
        (&cleared.body["data"]["due_datetime"], &cleared.body["data"]["description"]),
        (&Value::Null, &json!("two"))
    );
    for completed in [true, false, true] {
        let body = json!({ "completed": completed });
        let toggled = browser.fetch(Method::PATCH, &format!("{path}/complete"), Some(body)).await;
        assert_eq!(toggled.body["data"]["is_completed"], completed);
    }
    let done =
        browser.fetch(Method::GET, "/api/tasks?completed=true&priority=not_urgent_important", None).await;
    assert_eq!(done.body["data"]["total_count"], 1);
    let deleted = browser.fetch(Method::DELETE, &path, None).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    let missing = browser.fetch(Method::GET, &path, None).await;
    assert_eq!((missing.status, &missing.body["detail"]), (404, &json!("Task not found")));

    let out = browser.fetch(Method::POST, "/api/v1/auth/signout", None).await;
    assert_eq!(out.body, json!({ "success": true, "message": "Successfully signed out" }));
    let late = browser.fetch(Method::GET, "/api/tasks", None).await;
    assert_eq!((late.status, late.body["detail"].is_string()), (401, true));
    for dead in ["garbage", "", "a.b.c"] {
        browser.token = Some(dead.to_owned());
        let late = browser.fetch(Method::GET, "/api/tasks", None).await;
        assert_eq!(late.status, 401, "{dead:?}");
    }
}

async fn the_later_front_end_works_unmodified(app: &TestApp) {
    let mut browser = Browser { app, token: None };
    let form = json!({ "email": "bob@example.com", "password": "short", "name": "Bob" });
    let weak = browser.fetch(Method::POST, "/api/v1/auth/signup", Some(form)).await;
    assert_eq!((weak.status, weak.body["detail"].is_string()), (422, true), "the form shows `detail`");
    let form = json!({ "email": "bob@example.com", "password": PASSWORD, "name": "Bob" });
    let signed_up = browser.fetch(Method::POST, "/api/v1/auth/signup", Some(form.clone())).await;
    assert!(signed_up.body["data"]["expires_at"].is_string(), "{}", signed_up.text);
    let second = browser.fetch(Method::POST, "/api/v1/auth/signup", Some(form)).await;
    assert_eq!(
        (&second.body["error_code"], &second.body["error"]),
        (&json!("EMAIL_EXISTS"), &second.body["detail"])
    );
    let form = json!({ "email": "bob@example.com", "password": PASSWORD });
    let signed_in = browser.fetch(Method::POST, "/api/v1/auth/signin", Some(form)).await;
    let token = signed_in.body["data"]["token"].as_str().unwrap().to_owned();
    let claims = claims(&token);
    assert_eq!((&claims["sub"], &claims["role"]), (&signed_in.body["data"]["user_id"], &json!("user")));
    browser.token = Some(token);

    let me = browser.fetch(Method::GET, "/api/v1/auth/me", None).await;
    assert_eq!((&me.body["id"], &me.body["role"]), (&claims["sub"], &json!("user")));
    let session = browser.fetch(Method::GET, "/api/v1/auth/session", None).await;
    assert_eq!(session.body["user"]["email"], "bob@example.com");
    let verified = browser.fetch(Method::POST, "/api/v1/auth/verify", None).await;
    assert_eq!(verified.body, json!({ "valid": true, "user_id": claims["sub"] }));

    let form =
        json!({ "title": "Write", "description": null, "due_datetime": "", "priority": "urgent_important" });
    let created = browser.fetch(Method::POST, "/api/v1/tasks", Some(form)).await;
    assert_eq!(
        (created.status, &created.body["data"]["due_datetime"]),
        (201, &Value::Null),
        "{}",
        created.text
    );
    let path = format!("/api/v1/tasks/{}", created.body["data"]["id"].as_str().unwrap());
    let change =
        async |body: Value| browser.fetch(Method::PATCH, &path, Some(body)).await.body["data"].clone();
    let dated = change(json!({ "due_datetime": "2030-05-06T07:08:00.000Z" })).await;
    assert_eq!(dated["due_datetime"], "2030-05-06T07:08:00Z");
    assert_eq!(change(json!({ "due_datetime": null })).await["due_datetime"], Value::Null);
    assert_eq!(change(json!({ "is_completed": true })).await["is_completed"], true);
    let query = "/api/v1/tasks?is_completed=true&sort_by=title&sort_order=asc&limit=20&offset=0";
    let list = browser.fetch(Method::GET, query, None).await;
    assert_eq!(list.body["data"]["total_count"], 1);
    let deleted = browser.fetch(Method::DELETE, &path, None).await;
    assert_eq!((deleted.status, &deleted.body["data"]), (200, &Value::Null));
    let missing = browser.fetch(Method::GET, &path, None).await;
    assert_eq!((missing.status, &missing.body["error_code"]), (404, &json!("NOT_FOUND")));

    browser.token = Some("garbage".to_owned());
    for (method, path) in [
        (Method::GET, "/api/v1/auth/me"),
        (Method::GET, "/api/v1/auth/session"),
        (Method::GET, "/api/v1/auth/token-info"),
        (Method::POST, "/api/v1/auth/verify"),
        (Method::GET, "/api/v1/tasks"),
    ] {
        let late = browser.fetch(method, path, None).await;
        assert_eq!((late.status, &late.body["success"]), (401, &json!(false)), "{path}");
    }
}
