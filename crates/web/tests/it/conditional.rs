//! `If-Match` and `If-None-Match`.

use actix_web::http::Method;
use serde_json::json;

use crate::app::{Ask, Person, Settings, TestApp};

#[actix_web::test]
async fn a_write_happens_only_in_the_revision_that_the_caller_knows() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let path =
        format!("/api/v1/tasks/{}", person.task(&json!({ "title": "x" })).await["id"].as_str().unwrap());
    let patch = json!({ "title": "y" });
    for (tags, status) in [
        ("\"r2\"", 412),
        ("W/\"r1\"", 412),
        ("\"else\"", 412),
        ("r1", 412),
        ("\"r7\", \"r8\"", 412),
        ("W/\"r1\", \"r2\"", 412),
        ("*, \"r7\"", 412),
        ("", 412),
        ("\"r1\"", 200),
        ("\"r1\"", 412),
        ("\"r1\", \"r2\"", 200),
        ("*", 200),
    ] {
        let answer = person.patch(&path, &patch).header("if-match", tags).send().await;
        if status == 412 {
            answer.problem(412, "PRECONDITION_FAILED");
        } else {
            answer.expect(status);
        }
    }
    let put = person.put(&path, &patch).header("if-match", "\"r1\"").send().await;
    put.problem(412, "PRECONDITION_FAILED");
    let complete = person.patch(&format!("{path}/complete"), &json!({ "completed": true }));
    complete.header("if-match", "\"r1\"").send().await.problem(412, "PRECONDITION_FAILED");
    person.delete(&path).header("if-match", "\"r1\"").send().await.problem(412, "PRECONDITION_FAILED");
    person.delete(&path).header("if-match", "\"r4\"").send().await.expect(200);
    person.patch(&path, &patch).header("if-match", "*").send().await.problem(404, "NOT_FOUND");
}

#[actix_web::test]
async fn a_reader_who_knows_the_revision_gets_no_body() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let path =
        format!("/api/v1/tasks/{}", person.task(&json!({ "title": "x" })).await["id"].as_str().unwrap());
    for tags in ["\"r1\"", "W/\"r1\"", "\"r9\", W/\"r1\"", "*"] {
        let answer = person.get(&path).header("if-none-match", tags).send().await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0), "{tags}");
        assert_eq!(answer.header("etag"), "\"r1\"");
    }
    person.get(&path).header("if-none-match", "\"r2\"").send().await.expect(200);
}

/// Every write of an existing task, each with a body that is good.
fn writes<'a>(person: &Person<'a>, path: &str) -> [Ask<'a>; 4] {
    [
        person.put(path, &json!({ "title": "put" })),
        person.patch(path, &json!({ "title": "patched" })),
        person.patch(&format!("{path}/complete"), &json!({ "completed": true })),
        person.delete(path),
    ]
}

#[actix_web::test]
async fn a_write_with_if_none_match_spares_the_task_that_it_names() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let task = person.task(&json!({ "title": "x" })).await;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    for tags in ["*", "\"r1\"", "W/\"r1\"", "\"r7\", \"r1\""] {
        for write in writes(&person, &path) {
            write.header("if-none-match", tags).send().await.problem(412, "PRECONDITION_FAILED");
        }
    }
    for write in writes(&person, &path) {
        let both = write.header("if-match", "\"r1\"").header("if-none-match", "*");
        both.send().await.problem(412, "PRECONDITION_FAILED");
    }
    assert_eq!(person.get(&path).send().await.expect(200)["data"], task);
    for write in writes(&person, &path) {
        write.header("if-none-match", "\"r99\"").send().await.expect(200);
    }
    for write in writes(&person, &path) {
        write.header("if-none-match", "*").send().await.problem(404, "NOT_FOUND");
    }
}

#[actix_web::test]
async fn no_condition_makes_a_missing_task_anything_but_missing() {
    let app = TestApp::new().await;
    let (owner, stranger) = (app.person().await, app.person().await);
    let id = owner.task(&json!({ "title": "x" })).await["id"].as_str().unwrap().to_owned();
    for id in [&*id, "00000000-0000-0000-0000-000000000000", "nonsense"] {
        let path = format!("/api/v1/tasks/{id}");
        for tags in ["*", "\"r1\"", "\"r1\", \"r2\"", "W/\"r1\"", ""] {
            for write in writes(&stranger, &path) {
                write.header("if-match", tags).send().await.problem(404, "NOT_FOUND");
            }
            stranger.get(&path).header("if-match", tags).send().await.problem(404, "NOT_FOUND");
        }
    }
}

#[actix_web::test]
async fn a_reader_may_insist_on_a_revision() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let path =
        format!("/api/v1/tasks/{}", person.task(&json!({ "title": "x" })).await["id"].as_str().unwrap());
    for method in [Method::GET, Method::HEAD] {
        let ask = |tags: &str| person.ask(method.clone(), &path).header("if-match", tags);
        for tags in ["*", "\"r1\"", "\"r2\", \"r1\""] {
            ask(tags).send().await.expect_status(200);
        }
        for tags in ["\"r2\"", "W/\"r1\"", ""] {
            ask(tags).send().await.expect_status(412);
        }
        ask("\"r2\"").header("if-none-match", "\"r1\"").send().await.expect_status(412);
        ask("\"r1\"").header("if-none-match", "\"r1\"").send().await.expect_status(304);
    }
}

#[actix_web::test]
async fn where_if_match_is_required_a_write_without_it_is_428() {
    let app = TestApp::with(Settings { require_if_match: true, ..Settings::default() }).await;
    let person = app.person().await;
    let task = person.task(&json!({ "title": "x" })).await;
    let id = task["id"].as_str().unwrap();
    let path = format!("/api/v1/tasks/{id}");
    for write in writes(&person, &path) {
        write.send().await.problem(428, "PRECONDITION_REQUIRED");
    }
    for write in writes(&person, &path) {
        write.header("if-none-match", "\"r9\"").send().await.problem(428, "PRECONDITION_REQUIRED");
    }
    let stranger = app.person().await;
    for write in writes(&stranger, &path) {
        write.send().await.problem(404, "NOT_FOUND");
    }
    for missing in ["nonsense", "00000000-0000-0000-0000-000000000000"] {
        for write in writes(&person, &format!("/api/v1/tasks/{missing}")) {
            write.send().await.problem(404, "NOT_FOUND");
        }
    }
    assert_eq!(person.get(&path).send().await.expect(200)["data"], task);
    person.patch(&path, &json!({ "title": 7 })).send().await.problem(428, "PRECONDITION_REQUIRED");
    let edit = json!({ "title": "y", "priority": "urgent_important", "is_completed": false });
    person.put(&format!("/api/tasks/{id}"), &edit).send().await.expect(200);
    for (write, tags) in writes(&person, &path).into_iter().zip(["\"r2\"", "*", "\"r4\"", "*"]) {
        write.header("if-match", tags).send().await.expect(200);
    }
}
