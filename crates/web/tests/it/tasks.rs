//! Tasks on the canonical surface.

use serde_json::{Value, json};

use crate::app::TestApp;

#[actix_web::test]
async fn a_task_lives_from_creation_to_deletion() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = json!({
        "title": "  Water the plants ", "description": "", "due_datetime": "2026-03-01T10:00:00+02:00",
        "priority": "urgent_important", "is_completed": true, "user_id": "somebody"
    });
    let created = person.post("/api/v1/tasks", &body).send().await;
    let task = created.expect(201)["data"].clone();
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(created.header("location"), path);
    assert_eq!(created.header("etag"), "\"r1\"");
    assert_eq!(
        task,
        json!({
            "id": task["id"], "user_id": person.id, "title": "Water the plants", "description": "",
            "due_datetime": "2026-03-01T08:00:00Z", "priority": "urgent_important", "is_completed": true,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"
        })
    );
    assert_eq!(
        person.get(&path).send().await.expect(200),
        json!({ "success": true, "message": null, "data": task })
    );

    app.clock.advance(std::time::Duration::from_millis(1_500));
    let patched = person.patch(&path, &json!({ "description": null, "due_datetime": "" })).send().await;
    let answer = patched.expect(200);
    assert_eq!(answer["message"], "Task updated");
    assert_eq!(
        (&answer["data"]["description"], &answer["data"]["due_datetime"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(answer["data"]["title"], "Water the plants");
    assert_eq!(answer["data"]["updated_at"], "2026-01-01T00:00:01.500000Z");
    assert_eq!(patched.header("etag"), "\"r2\"");

    let replaced = person.put(&path, &json!({ "title": "Plants" })).send().await.expect(200);
    let data = &replaced["data"];
    assert_eq!((&data["title"], &data["is_completed"]), (&json!("Plants"), &json!(false)));
    assert_eq!(data["priority"], "not_urgent_not_important");

    let done =
        person.patch(&format!("{path}/complete"), &json!({ "completed": true })).send().await.expect(200);
    assert_eq!((&done["message"], &done["data"]["is_completed"]), (&json!("Task completed"), &json!(true)));

    let gone = person.delete(&path).send().await.expect(200);
    assert_eq!(gone, json!({ "success": true, "message": "Task deleted", "data": null }));
    person.get(&path).send().await.problem(404, "NOT_FOUND");
    person.delete(&path).send().await.problem(404, "NOT_FOUND");
}

#[actix_web::test]
async fn every_fault_of_a_body_comes_at_once() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = json!({
        "title": "   ", "description": "x".repeat(5_001), "due_datetime": "tomorrow",
        "priority": "high", "is_completed": "yes"
    });
    let expected = [
        "description:too_long",
        "due_datetime:invalid_value",
        "is_completed:wrong_type",
        "priority:invalid_value",
        "title:blank",
    ];
    assert_eq!(person.post("/api/v1/tasks", &body).send().await.faults(), expected);
    let path =
        format!("/api/v1/tasks/{}", person.task(&json!({ "title": "x" })).await["id"].as_str().unwrap());
    assert_eq!(person.put(&path, &body).send().await.faults(), expected);
    assert_eq!(person.patch(&path, &body).send().await.faults(), expected);
    assert_eq!(person.put(&path, &json!({})).send().await.faults(), ["title:missing"]);
    person.patch(&path, &json!({})).send().await.expect(200);
}

#[actix_web::test]
async fn null_is_no_title_priority_or_completion() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let path =
        format!("/api/v1/tasks/{}", person.task(&json!({ "title": "x" })).await["id"].as_str().unwrap());
    let body = json!({ "title": null, "priority": null, "is_completed": null });
    let faults = person.patch(&path, &body).send().await.faults();
    assert_eq!(faults, ["is_completed:null", "priority:null", "title:null"]);
    let faults =
        person.patch(&format!("{path}/complete"), &json!({ "completed": null })).send().await.faults();
    assert_eq!(faults, ["completed:null"]);
    person.task(&json!({ "title": "x", "is_completed": null })).await;
}

#[actix_web::test]
async fn pages_follow_each_other_by_cursor() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for n in 0..5 {
        person.task(&json!({ "title": format!("t{n}") })).await;
    }
    let query = "limit=2&sort_by=title&sort_order=asc";
    let first = person.get(&format!("/api/v1/tasks?{query}")).send().await.expect(200)["data"].clone();
    assert_eq!((&first["total_count"], &first["limit"], &first["offset"]), (&json!(5), &json!(2), &json!(0)));
    let mut seen: Vec<Value> = first["tasks"].as_array().unwrap().clone();
    let mut cursor = first["next_cursor"].clone();
    while let Some(text) = cursor.as_str() {
        let page = person.get(&format!("/api/v1/tasks?{query}&cursor={text}")).send().await.expect(200);
        seen.extend(page["data"]["tasks"].as_array().unwrap().clone());
        cursor = page["data"]["next_cursor"].clone();
    }
    let titles: Vec<_> = seen.iter().map(|task| task["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["t0", "t1", "t2", "t3", "t4"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    person.get(&format!("/api/v1/tasks?cursor={cursor}")).send().await.problem(400, "INVALID_CURSOR");
    person.get("/api/v1/tasks?cursor=x").send().await.problem(400, "INVALID_CURSOR");
    let both = person.get(&format!("/api/v1/tasks?{query}&offset=0&cursor={cursor}")).send().await;
    assert_eq!(both.faults(), ["cursor:invalid_value"]);
}

#[actix_web::test]
async fn lists_are_filtered_and_their_faults_told_at_once() {
    let app = TestApp::new().await;
    let person = app.person().await;
    person.task(&json!({ "title": "ÄPFEL 100%", "due_datetime": "2026-02-01T00:00" })).await;
    person.task(&json!({ "title": "Birnen", "is_completed": true })).await;
    let count = async |query: &str| {
        person.get(&format!("/api/v1/tasks?{query}")).send().await.expect(200)["data"]["total_count"].clone()
    };
    assert_eq!(count("q=%C3%A4pfel").await, 1);
    assert_eq!(count("q=0%25").await, 1);
    assert_eq!(count("q=0_").await, 0);
    assert_eq!(count("completed=Yes").await, 1);
    assert_eq!(count("is_completed=0").await, 1);
    assert_eq!(count("due_after=2026-02-01T00:00:00Z&due_before=2026-02-01T00:00:01Z").await, 1);
    assert_eq!(count("priority=urgent_important").await, 0);
    assert_eq!(count("sortBy=nonsense&user_id=x").await, 2);
    assert_eq!(count("limit=0&limit=1&offset=99999999999999999999999").await, 2);
    let faults =
        person.get("/api/v1/tasks?limit=101&offset=-1&completed=null&sort_by=x").send().await.faults();
    assert_eq!(
        faults,
        ["completed:invalid_value", "limit:invalid_value", "offset:invalid_value", "sort_by:invalid_value"]
    );
    for query in ["q=%", "q=%ff", "%c3=1", "a=%zz"] {
        person.get(&format!("/api/v1/tasks?{query}")).send().await.problem(400, "INVALID_QUERY");
    }
}

#[actix_web::test]
async fn other_peoples_tasks_do_not_exist() {
    let app = TestApp::new().await;
    let (owner, stranger) = (app.person().await, app.person().await);
    let id = owner.task(&json!({ "title": "mine" })).await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tasks/{id}");
    let missing = stranger.get("/api/v1/tasks/00000000-0000-0000-0000-000000000000").send().await;
    let mut expected = missing.problem(404, "NOT_FOUND");
    let mut found = stranger.get(&path).send().await.problem(404, "NOT_FOUND");
    for problem in [&mut expected, &mut found] {
        let members = problem.as_object_mut().unwrap();
        members.remove("instance");
        members.remove("request_id");
    }
    assert_eq!(found, expected);
    stranger.put(&path, &json!({ "title": "x" })).send().await.problem(404, "NOT_FOUND");
    stranger.patch(&path, &json!({})).send().await.problem(404, "NOT_FOUND");
    stranger
        .patch(&format!("{path}/complete"), &json!({ "completed": true }))
        .send()
        .await
        .problem(404, "NOT_FOUND");
    stranger.delete(&path).send().await.problem(404, "NOT_FOUND");
    assert_eq!(stranger.get("/api/v1/tasks").send().await.expect(200)["data"]["total_count"], 0);
}

#[actix_web::test]
async fn ids_are_read_in_every_spelling_and_nonsense_is_missing() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let id = person.task(&json!({ "title": "x" })).await["id"].as_str().unwrap().to_owned();
    for spelling in [id.to_uppercase(), id.replace('-', ""), format!("urn:uuid:{id}")] {
        person.get(&format!("/api/v1/tasks/{spelling}")).send().await.expect(200);
    }
    for nonsense in ["1", "x", "%00", "%2e%2e", "..", &"a".repeat(3_000)] {
        person.get(&format!("/api/v1/tasks/{nonsense}")).send().await.problem(404, "NOT_FOUND");
    }
}
