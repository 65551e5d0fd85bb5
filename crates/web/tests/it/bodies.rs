//! Bodies of every kind that should not arrive, on every route that reads one.

use actix_web::http::Method;
use serde_json::json;

use crate::app::{Answer, TestApp};

const READERS: [(&str, &str); 4] = [
    ("POST", "/api/v1/tasks"),
    ("POST", "/api/tasks"),
    ("POST", "/api/v1/auth/signup"),
    ("POST", "/api/v1/auth/refresh"),
];

async fn send(
    app: &TestApp,
    token: &str,
    method: &str,
    path: &str,
    media: Option<&str>,
    body: &[u8],
) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let ask = app.ask(method, path).bearer(token).bytes(body);
    match media {
        Some(media) => ask.header("content-type", media).send().await,
        None => ask.send().await,
    }
}

#[actix_web::test]
async fn what_is_no_json_is_malformed() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let deep = format!("{{\"title\":{}1{}}}", "[".repeat(500), "]".repeat(500)).into_bytes();
    let nested = format!("{}1{}", "{\"title\":".repeat(500), "}".repeat(500)).into_bytes();
    let bodies: [&[u8]; 12] = [
        b"",
        b"  ",
        b"{",
        b"title=x",
        b"{'title': 'x'}",
        b"{\"title\": \"\xff\xfe\"}",
        br#"{"title": "\ud800"}"#,
        br#"{"title": 1e400}"#,
        br#"{"title": "x"} trailing"#,
        b"{\"title\": \"tab\there\"}",
        br#"{"title": NaN}"#,
        &nested,
    ];
    for (method, path) in READERS {
        for body in bodies {
            let answer = send(&app, &person.access, method, path, Some("application/json"), body).await;
            answer.problem(400, "INVALID_JSON");
        }
    }
    let answer = send(&app, &person.access, "POST", "/api/v1/tasks", Some("application/json"), &deep).await;
    answer.problem(400, "INVALID_JSON");
}

#[actix_web::test]
async fn a_fault_in_the_text_is_told_with_its_place() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = b"{\n  \"title\": \"x\",\n}";
    let problem =
        send(&app, &person.access, "POST", "/api/v1/tasks", None, body).await.problem(400, "INVALID_JSON");
    assert!(problem["detail"].as_str().unwrap().contains("line 3 column 1"), "{problem}");
}

#[actix_web::test]
async fn what_is_no_object_is_invalid() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for (method, path) in READERS {
        for body in [&b"[]"[..], b"1", b"null", b"\"x\"", b"true"] {
            let answer = send(&app, &person.access, method, path, None, body).await;
            assert_eq!(answer.faults(), ["body:wrong_type"], "{path}");
        }
    }
}

#[actix_web::test]
async fn a_member_named_twice_is_refused_on_the_canonical_surface_alone() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = br#"{"title": 1, "title": "last"}"#;
    let answer = send(&app, &person.access, "POST", "/api/v1/tasks", None, body).await;
    let problem = answer.problem(400, "INVALID_JSON");
    assert!(problem["detail"].as_str().unwrap().contains("\"title\" appears twice"), "{problem}");
    let answer = send(&app, &person.access, "POST", "/api/tasks", None, body).await;
    assert_eq!(answer.expect(201)["data"]["title"], "last");
    let answer = send(
        &app,
        &person.access,
        "POST",
        "/api/v1/tasks",
        None,
        br#"{"title": "x", "y": {"a": 1, "a": 2}}"#,
    )
    .await;
    answer.problem(400, "INVALID_JSON");
}

#[actix_web::test]
async fn media_types_other_than_json_are_refused() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = br#"{"title": "x"}"#;
    for path in ["/api/v1/tasks", "/api/tasks"] {
        for media in [
            None,
            Some(""),
            Some("application/json"),
            Some("APPLICATION/JSON; charset=utf-8"),
            Some("application/merge-patch+json"),
        ] {
            send(&app, &person.access, "POST", path, media, body).await.expect(201);
        }
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "json",
            "multipart/form-data",
        ] {
            let answer = send(&app, &person.access, "POST", path, Some(media), body).await;
            answer.problem(415, "UNSUPPORTED_MEDIA_TYPE");
        }
    }
    let coded = person.post("/api/v1/tasks", &json!({ "title": "x" })).header("content-encoding", "gzip");
    coded.send().await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[actix_web::test]
async fn bodies_have_a_size_on_each_surface() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = |length: usize| {
        let empty = br#"{"title":"x","y":""}"#.len();
        format!(r#"{{"title":"x","y":"{}"}}"#, "z".repeat(length - empty)).into_bytes()
    };
    for (path, limit) in [("/api/v1/tasks", 64 * 1024), ("/api/tasks", 1024 * 1024)] {
        send(&app, &person.access, "POST", path, None, &body(limit)).await.expect(201);
        let answer = send(&app, &person.access, "POST", path, None, &body(limit + 1)).await;
        answer.problem(413, "PAYLOAD_TOO_LARGE");
        let answer = send(&app, &person.access, "POST", path, None, &body(10 * 1024 * 1024)).await;
        answer.problem(413, "PAYLOAD_TOO_LARGE");
    }
    let answer = send(&app, "", "POST", "/api/v1/auth/signin", None, &body(64 * 1024 + 1)).await;
    answer.problem(413, "PAYLOAD_TOO_LARGE");
}

#[actix_web::test]
async fn texts_are_kept_as_they_are_and_nul_is_refused() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for path in ["/api/v1/tasks", "/api/tasks"] {
        let text = "𝄞 e\u{301} \u{202e} \u{1f} '; DROP TABLE tasks; --";
        let body = json!({ "title": text, "description": text });
        let task = person.post(path, &body).send().await.expect(201);
        assert_eq!((&task["data"]["title"], &task["data"]["description"]), (&json!(text), &json!(text)));
        let body = json!({ "title": "a\0b", "description": "\0" });
        assert_eq!(person.post(path, &body).send().await.faults(), ["description:nul", "title:nul"]);
    }
}

#[actix_web::test]
async fn who_is_calling_is_asked_before_anything_else() {
    let app = TestApp::new().await;
    for (method, path) in [("POST", "/api/v1/tasks"), ("POST", "/api/tasks"), ("PATCH", "/api/v1/tasks/x")] {
        let answer = send(&app, "nonsense", method, path, Some("text/plain"), b"\xff").await;
        answer.problem(401, "TOKEN_INVALID");
    }
    app.get("/api/v1/tasks?limit=x&q=%ff").send().await.problem(401, "TOKEN_MISSING");
}
