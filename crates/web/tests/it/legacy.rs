//! The frozen surface, as the front end of the FastAPI backend uses it.

use serde_json::{Value, json};

use crate::app::{TestApp, faults};

#[actix_web::test]
async fn a_task_lives_as_it_did() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let body = json!({
        "title": "  ", "description": "", "due_datetime": "2026-03-01T10:00", "priority": "urgent_important"
    });
    let created = person.post("/api/tasks", &body).send().await;
    let answer = created.expect(201);
    let task = &answer["data"];
    let path = format!("/api/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(
        answer,
        json!({ "success": true, "data": {
            "title": "  ", "description": "", "due_datetime": "2026-03-01T10:00:00", "priority": "urgent_important",
            "is_completed": false, "id": task["id"], "user_id": person.id,
            "created_at": "2026-01-01T00:00:00", "updated_at": "2026-01-01T00:00:00"
        }})
    );
    assert_eq!(person.get(&path).send().await.expect(200), answer);
    let done =
        person.patch(&format!("{path}/complete"), &json!({ "completed": "on" })).send().await.expect(200);
    assert_eq!(done["data"]["is_completed"], true);
    let list = person.get("/api/tasks?completed=1&sortBy=x&is_completed=nonsense").send().await.expect(200);
    assert_eq!(
        list,
        json!({ "success": true, "data": {
            "tasks": [done["data"]], "total_count": 1, "limit": 50, "offset": 0
        }})
    );
    let gone = person.delete(&path).send().await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
    person.delete(&path).send().await.problem(404, "NOT_FOUND");
}

#[actix_web::test]
async fn a_whole_task_clears_what_it_leaves_out_and_a_part_does_not() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let full = json!({ "title": "x", "description": "d", "due_datetime": "2026-03-01" });
    let path = format!(
        "/api/tasks/{}",
        person.post("/api/tasks", &full).send().await.expect(201)["data"]["id"].as_str().unwrap()
    );
    let put = async |body: Value| person.put(&path, &body).send().await.expect(200)["data"].clone();
    let task = put(json!({ "title": "y" })).await;
    assert_eq!((&task["description"], &task["due_datetime"]), (&json!("d"), &json!("2026-03-01T00:00:00")));
    let task = put(json!({ "title": "y", "priority": "urgent_important", "description": null })).await;
    assert_eq!((&task["description"], &task["due_datetime"]), (&Value::Null, &json!("2026-03-01T00:00:00")));
    let task = put(json!({
        "title": "y", "priority": "urgent_important", "is_completed": false, "description": "kept"
    }))
    .await;
    assert_eq!((&task["description"], &task["due_datetime"]), (&json!("kept"), &Value::Null));
    let body = json!({ "title": null, "priority": null, "is_completed": null });
    let faults = person.put(&path, &body).send().await.faults();
    assert_eq!(faults, ["is_completed:null", "priority:null", "title:null"]);
}

#[actix_web::test]
async fn dates_come_in_every_form_and_go_out_without_a_zone() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for (given, expected) in [
        (json!("2026-03-01T10:00:00Z"), json!("2026-03-01T10:00:00")),
        (json!("2026-03-01T10:00:00.123456+0200"), json!("2026-03-01T08:00:00.123456")),
        (json!("2026-03-01 10:00"), json!("2026-03-01T10:00:00")),
        (json!("2026-03-01"), json!("2026-03-01T00:00:00")),
        (json!(1_767_225_600), json!("2026-01-01T00:00:00")),
        (json!(1_767_225_600_000_i64), json!("2026-01-01T00:00:00")),
        (json!("1767225600"), json!("2026-01-01T00:00:00")),
        (json!(""), Value::Null),
        (Value::Null, Value::Null),
    ] {
        let body = json!({ "title": "x", "due_datetime": given });
        assert_eq!(
            person.post("/api/tasks", &body).send().await.expect(201)["data"]["due_datetime"],
            expected
        );
    }
    for given in [json!("2026-03-01T10"), json!("24:00"), json!(true), json!([]), json!(1e300)] {
        let body = json!({ "title": "x", "due_datetime": given });
        let faults = person.post("/api/tasks", &body).send().await.faults();
        assert!(faults[0].starts_with("due_datetime:"), "{faults:?}");
    }
}

#[actix_web::test]
async fn an_unknown_name_alone_is_400_and_everything_else_422() {
    let app = TestApp::new().await;
    let person = app.person().await;
    for query in ["priority=high", "sort_by=id", "sort_order=ASC", "priority=x&sort_by=y"] {
        let problem = person.get(&format!("/api/tasks?{query}")).send().await.problem(400, "INVALID_QUERY");
        assert!(!faults(&problem).is_empty());
        assert_eq!(problem["message"], problem["detail"]);
    }
    for query in ["limit=0", "offset=-1", "completed=null", "completed=", "priority=high&limit=101"] {
        person.get(&format!("/api/tasks?{query}")).send().await.problem(422, "VALIDATION_ERROR");
    }
    person.get("/api/tasks?offset=9223372036854775808").send().await.expect(200);
    let body = json!({ "title": "x", "priority": "high" });
    person.post("/api/tasks", &body).send().await.problem(400, "INVALID_QUERY");
    let body = json!({ "priority": "high" });
    assert_eq!(
        person.post("/api/tasks", &body).send().await.faults(),
        ["priority:invalid_value", "title:missing"]
    );
    let body = json!({ "title": "x", "priority": null });
    assert_eq!(person.post("/api/tasks", &body).send().await.faults(), ["priority:null"]);
    let body = json!({ "title": "x".repeat(256) });
    assert_eq!(person.post("/api/tasks", &body).send().await.faults(), ["title:too_long"]);
}

#[actix_web::test]
async fn a_malformed_id_is_invalid_and_a_foreign_one_missing() {
    let app = TestApp::new().await;
    let (owner, stranger) = (app.person().await, app.person().await);
    assert_eq!(owner.get("/api/tasks/nonsense").send().await.faults(), ["id:invalid_value"]);
    assert_eq!(owner.put("/api/tasks/1", &json!({})).send().await.faults(), ["id:invalid_value"]);
    assert_eq!(owner.delete("/api/tasks/1").send().await.faults(), ["id:invalid_value"]);
    let id = owner.task(&json!({ "title": "x" })).await["id"].as_str().unwrap().to_owned();
    stranger.get(&format!("/api/tasks/{id}")).send().await.problem(404, "NOT_FOUND");
    owner.get(&format!("/api/tasks/{}", id.replace('-', ""))).send().await.expect(200);
}

#[actix_web::test]
async fn both_surfaces_show_the_same_tasks() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let long = json!({ "title": "x", "description": "y".repeat(900_000) });
    let id =
        person.post("/api/tasks", &long).send().await.expect(201)["data"]["id"].as_str().unwrap().to_owned();
    let task = person.get(&format!("/api/v1/tasks/{id}")).send().await.expect(200);
    assert_eq!(task["data"]["description"].as_str().unwrap().len(), 900_000);
}
