//! Bad input of every kind: a 4xx that says which field and why, never a 5xx, and nothing changed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, PASSWORD, Person, TestApp, on_both_databases, send};

on_both_databases!(
    bodies_that_are_no_json,
    all_faults_of_a_request_come_at_once,
    values_of_wrong_types_name_their_field,
    queries_that_make_no_sense,
    nul_is_refused_everywhere,
    tokens_that_are_not_ours,
    bodies_that_are_too_large,
    heads_that_are_too_large,
    paths_and_methods_that_do_not_exist,
    texts_of_any_script_come_back_as_they_went_in,
);

async fn raw(app: &TestApp, person: &Person, path: &str, body: Vec<u8>) -> Answer {
    let request = app.request(Method::POST, path).bearer_auth(&person.access);
    send(request.header("Content-Type", "application/json").body(body)).await
}

async fn bodies_that_are_no_json(app: &TestApp) {
    let ada = app.person("ada").await;
    let deep = format!("{{\"title\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [(&str, Vec<u8>); 9] = [
        ("empty", b"".to_vec()),
        ("cut off", b"{\"title\": \"x".to_vec()),
        ("a trailing comma", b"{\"title\": \"x\",}".to_vec()),
        ("not UTF-8", b"{\"title\": \"\xff\xfe\"}".to_vec()),
        ("a lone surrogate", br#"{"title": "\ud800"}"#.to_vec()),
        ("two members of one name", br#"{"title": "x", "title": "y"}"#.to_vec()),
        ("a number beyond every number", br#"{"title": "x", "n": 1e999}"#.to_vec()),
        ("deep nesting", deep.into_bytes()),
        ("two values", br#"{"title": "x"} {}"#.to_vec()),
    ];
    for (what, body) in bodies {
        let answer = raw(app, &ada, "/api/v1/tasks", body).await;
        assert_eq!(answer.problem(400), "INVALID_JSON", "{what}");
    }
    for body in ["[]", "null", "1", "\"x\""] {
        let answer = raw(app, &ada, "/api/v1/tasks", body.into()).await;
        assert_eq!(answer.problem(422), "VALIDATION_ERROR", "{body}");
    }
    let form = app.request(Method::POST, "/api/v1/tasks").bearer_auth(&ada.access);
    let form = send(form.header("Content-Type", "text/plain").body("{\"title\":\"x\"}")).await;
    assert_eq!(form.problem(415), "UNSUPPORTED_MEDIA_TYPE");
    let bare =
        send(app.request(Method::POST, "/api/v1/tasks").bearer_auth(&ada.access).body("{\"title\":\"x\"}"))
            .await;
    assert_eq!(bare.status, 201, "JSON without a Content-Type is read: {}", bare.text);
    let list = app.call(&ada, Method::GET, "/api/v1/tasks", None).await;
    assert_eq!(list.body["data"]["total_count"], 1, "a refused body left something behind");
}

async fn all_faults_of_a_request_come_at_once(app: &TestApp) {
    let body = json!({ "email": "no address", "password": "short", "name": "x".repeat(101) });
    let answer = app.post("/api/v1/auth/signup", &body).await;
    assert_eq!(answer.problem(422), "VALIDATION_ERROR");
    let mut fields = answer.faulty_fields();
    fields.sort_unstable();
    assert_eq!(fields, ["email", "name", "password"], "{}", answer.text);
    for error in answer.body["errors"].as_array().unwrap() {
        assert!(error["message"].as_str().is_some_and(|text| text.len() > 8), "{error}");
        assert!(error["code"].as_str().is_some_and(|code| !code.is_empty()), "{error}");
    }
}

async fn values_of_wrong_types_name_their_field(app: &TestApp) {
    let ada = app.person("ada").await;
    let cases: Vec<(Value, Vec<&str>)> = vec![
        (json!({}), vec!["title"]),
        (json!({ "title": null }), vec!["title"]),
        (json!({ "title": 1 }), vec!["title"]),
        (json!({ "title": ["x"] }), vec!["title"]),
        (json!({ "title": "   " }), vec!["title"]),
        (json!({ "title": "x".repeat(256) }), vec!["title"]),
        (json!({ "title": "x", "description": {} }), vec!["description"]),
        (json!({ "title": "x", "description": "d".repeat(5_001) }), vec!["description"]),
        (json!({ "title": "x", "priority": null }), vec!["priority"]),
        (json!({ "title": "x", "priority": "URGENT_IMPORTANT" }), vec!["priority"]),
        (json!({ "title": "x", "due_datetime": "tomorrow" }), vec!["due_datetime"]),
        (json!({ "title": "x", "due_datetime": "2030-02-30T00:00:00Z" }), vec!["due_datetime"]),
        (json!({ "title": "x", "due_datetime": "0000-01-01T00:00:00Z" }), vec!["due_datetime"]),
        (json!({ "title": "x", "due_datetime": true }), vec!["due_datetime"]),
        (json!({ "title": "x", "is_completed": 7 }), vec!["is_completed"]),
        (json!({ "title": 1, "priority": 2, "due_datetime": [] }), vec!["due_datetime", "priority", "title"]),
    ];
    for (body, expected) in cases {
        let answer = app.call(&ada, Method::POST, "/api/v1/tasks", Some(&body)).await;
        assert_eq!(answer.problem(422), "VALIDATION_ERROR", "{body}");
        let mut fields = answer.faulty_fields();
        fields.sort_unstable();
        assert_eq!(fields, expected, "{}", answer.text);
    }
}

async fn queries_that_make_no_sense(app: &TestApp) {
    let ada = app.person("ada").await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("offset=-1", "offset"),
        ("offset=1.5", "offset"),
        ("priority=high", "priority"),
        ("completed=maybe", "completed"),
        ("is_completed=null", "is_completed"),
        ("due_after=soon", "due_after"),
        ("due_before=2030-13-01", "due_before"),
        ("sort_by=owner_id", "sort_by"),
        ("sort_order=ASC", "sort_order"),
        ("q=a%00b", "q"),
    ] {
        let answer = app.call(&ada, Method::GET, &format!("/api/v1/tasks?{query}"), None).await;
        assert_eq!(answer.problem(422), "VALIDATION_ERROR", "{query}");
        assert_eq!(answer.faulty_fields(), [field], "{}", answer.text);
    }
    let answer = app.call(&ada, Method::GET, "/api/v1/tasks?q=%ff", None).await;
    assert_eq!(answer.problem(400), "INVALID_QUERY");
    let answer = app.call(&ada, Method::GET, "/api/v1/tasks?cursor=abc", None).await;
    assert_eq!(answer.problem(400), "INVALID_CURSOR");
    let far = app.call(&ada, Method::GET, "/api/v1/tasks?offset=99999999999999999999", None).await;
    assert!([200, 422].contains(&far.status), "{}", far.text);
    let unknown = app.call(&ada, Method::GET, "/api/v1/tasks?sortBy=x&limit=1&limit=2", None).await;
    assert_eq!((unknown.status, &unknown.body["data"]["limit"]), (200, &json!(2)), "the last one wins");
}

async fn nul_is_refused_everywhere(app: &TestApp) {
    let ada = app.person("ada").await;
    for (body, field) in [
        (json!({ "title": "a\u{0}b" }), "title"),
        (json!({ "title": "x", "description": "\u{0}" }), "description"),
    ] {
        for path in ["/api/v1/tasks", "/api/tasks"] {
            let answer = app.call(&ada, Method::POST, path, Some(&body)).await;
            assert_eq!(answer.problem(422), "VALIDATION_ERROR");
            assert_eq!(answer.faulty_fields(), [field], "{path}");
        }
    }
    let wish = json!({ "email": "a\u{0}@example.com", "password": PASSWORD, "name": "\u{0}" });
    let answer = app.post("/api/v1/auth/signup", &wish).await;
    answer.problem(422);
    let sign_in = json!({ "email": "ada@example.com\u{0}", "password": "\u{0}" });
    assert!([401, 422].contains(&app.post("/api/v1/auth/login", &sign_in).await.status));
}

async fn tokens_that_are_not_ours(app: &TestApp) {
    let ada = app.person("ada").await;
    let bare = app.get("/api/v1/tasks").await;
    assert_eq!(bare.problem(401), "TOKEN_MISSING");
    assert!(bare.header("www-authenticate").starts_with("Bearer"));
    let basic = send(app.request(Method::GET, "/api/v1/tasks").basic_auth("ada", Some("x"))).await;
    assert_eq!(basic.problem(401), "TOKEN_MISSING");
    let (head, tail) = ada.access.rsplit_once('.').unwrap();
    let flipped = if tail.starts_with('A') { "B" } else { "A" };
    for token in [
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{head}."),
        format!("{head}.{flipped}{}", &tail[1..]),
        format!("{}x", ada.access),
        "x".repeat(9_000),
    ] {
        let answer = send(app.request(Method::GET, "/api/v1/tasks").bearer_auth(&token)).await;
        assert_eq!(answer.problem(401), "TOKEN_INVALID", "{token}");
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
    let body = send(app.request(Method::POST, "/api/v1/tasks").body("no json")).await;
    assert_eq!(body.problem(401), "TOKEN_MISSING", "who is calling comes before what they say");
}

async fn bodies_that_are_too_large(app: &TestApp) {
    let ada = app.person("ada").await;
    for (path, size) in
        [("/api/v1/tasks", 64 * 1024 + 1), ("/api/v1/tasks", 10_000_000), ("/api/tasks", 1024 * 1024 + 1)]
    {
        let answer = raw(app, &ada, path, vec![b' '; size]).await;
        assert_eq!(answer.problem(413), "PAYLOAD_TOO_LARGE", "{path} {size}");
    }
    let wish = json!({ "email": "x@example.com", "password": "p".repeat(70_000) });
    assert_eq!(app.post("/api/v1/auth/signup", &wish).await.problem(413), "PAYLOAD_TOO_LARGE");
    let long = json!({ "title": "x", "description": "d".repeat(900_000) });
    assert_eq!(app.call(&ada, Method::POST, "/api/tasks", Some(&long)).await.status, 201);
}

async fn heads_that_are_too_large(app: &TestApp) {
    for size in [17_000, 100_000] {
        let request = app.request(Method::GET, "/api/v1/tasks").header("Origin", "http://localhost:3000");
        let answer = send(request.header("X-Padding", "x".repeat(size))).await;
        assert_eq!(answer.problem(431), "HEADERS_TOO_LARGE", "{size}");
        assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
    }
    let long = format!("/api/v1/tasks?q={}", "x".repeat(17_000));
    assert_eq!(app.get(&long).await.problem(431), "HEADERS_TOO_LARGE");
}

async fn paths_and_methods_that_do_not_exist(app: &TestApp) {
    let ada = app.person("ada").await;
    assert_eq!(app.get("/nowhere").await.problem(404), "NOT_FOUND");
    assert_eq!(app.get("/api/v1/nowhere").await.problem(404), "NOT_FOUND");
    let answer = app.call(&ada, Method::DELETE, "/api/v1/tasks", None).await;
    assert_eq!(answer.problem(405), "METHOD_NOT_ALLOWED");
    for method in ["GET", "POST"] {
        assert!(answer.header("allow").contains(method), "{:?}", answer.headers);
    }
    assert_eq!(app.call(&ada, Method::GET, "/api/v1/tasks/1", None).await.problem(404), "NOT_FOUND");
    let slash = app.call(&ada, Method::GET, "/api/v1/tasks/?limit=3", None).await;
    assert_eq!(slash.status, 307);
    assert!(slash.header("location").ends_with("/api/v1/tasks?limit=3"), "{:?}", slash.headers);
}

async fn texts_of_any_script_come_back_as_they_went_in(app: &TestApp) {
    let ada = app.person("ada").await;
    for text in [
        "日本語 🎉",
        "e\u{301} is not é",
        "\u{202e}right to left",
        "'; DROP TABLE tasks; --",
        "%s %d _ \\ \" <b>",
    ] {
        let task = app.task(&ada, &json!({ "title": text, "description": text })).await;
        assert_eq!((&task["title"], &task["description"]), (&json!(text), &json!(text)));
        let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
        assert_eq!(app.call(&ada, Method::GET, &path, None).await.body["data"], task);
    }
}
