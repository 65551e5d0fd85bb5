//! A stranger sees nothing, whatever they try.

use reqwest::Method;
use serde_json::json;

use crate::app::{TestApp, on_both_databases, send};

on_both_databases!(somebody_elses_task_does_not_exist, a_cursor_opens_no_door, the_owner_is_always_the_token);

async fn somebody_elses_task_does_not_exist(app: &TestApp) {
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let task = app.task(&ada, &json!({ "title": "secret" })).await;
    let id = task["id"].as_str().unwrap();
    let missing = "01900000-0000-7000-8000-000000000000";
    let edit = json!({ "title": "x", "priority": "urgent_important", "is_completed": true });
    let complete = json!({ "completed": true });
    for root in ["/api/v1/tasks", "/api/tasks"] {
        for (method, tail, body) in [
            (Method::GET, "", None),
            (Method::PUT, "", Some(&edit)),
            (Method::PATCH, "/complete", Some(&complete)),
            (Method::DELETE, "", None),
        ] {
            let mut texts = Vec::new();
            for id in [id, missing] {
                let answer = app.call(&eve, method.clone(), &format!("{root}/{id}{tail}"), body).await;
                assert_eq!(answer.problem(404), "NOT_FOUND", "{method} {root}{tail}");
                texts.push(answer.body["detail"].to_string());
            }
            assert_eq!(texts[0], texts[1], "a foreign task differs from a missing one");
        }
    }
    let patched = app.call(&eve, Method::PATCH, &format!("/api/v1/tasks/{id}"), Some(&edit)).await;
    assert_eq!(patched.problem(404), "NOT_FOUND");
    let untouched = app.call(&ada, Method::GET, &format!("/api/v1/tasks/{id}"), None).await;
    assert_eq!(untouched.body["data"], task);
    let listed = app.call(&eve, Method::GET, "/api/v1/tasks?q=secret", None).await;
    assert_eq!(listed.body["data"]["total_count"], 0);
}

async fn a_cursor_opens_no_door(app: &TestApp) {
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    for person in [&ada, &eve] {
        for title in ["a", "b"] {
            app.task(person, &json!({ "title": title })).await;
        }
    }
    let page = app.call(&ada, Method::GET, "/api/v1/tasks?limit=1", None).await;
    let cursor = page.body["data"]["next_cursor"].as_str().unwrap();
    let path = format!("/api/v1/tasks?limit=1&cursor={cursor}");
    assert_eq!(app.call(&eve, Method::GET, &path, None).await.problem(400), "INVALID_CURSOR");
    let path = format!("/api/v1/tasks?limit=1&sort_by=title&cursor={cursor}");
    assert_eq!(app.call(&ada, Method::GET, &path, None).await.problem(400), "INVALID_CURSOR");
}

async fn the_owner_is_always_the_token(app: &TestApp) {
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let body = json!({ "title": "t", "user_id": ada.user_id, "owner": ada.user_id });
    let task = app.task(&eve, &body).await;
    assert_eq!(task["user_id"], eve.user_id);
    let path = format!("/api/v1/tasks?user_id={}", ada.user_id);
    assert_eq!(app.call(&eve, Method::GET, &path, None).await.body["data"]["total_count"], 1);
    let two = send(
        app.request(Method::GET, "/api/v1/tasks")
            .header("Authorization", format!("Bearer {}", ada.access))
            .header("Authorization", format!("Bearer {}", eve.access)),
    )
    .await;
    assert_eq!(two.problem(401), "TOKEN_INVALID");
}
