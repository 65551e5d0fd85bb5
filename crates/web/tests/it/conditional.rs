//! `If-Match` and `If-None-Match`.

use serde_json::json;

use crate::app::TestApp;

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
