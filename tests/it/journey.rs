//! The main job from beginning to end: two people, their tasks, and everything done to them.

use reqwest::Method;
use serde_json::json;

use crate::app::{PASSWORD, Person, TestApp, behind_a_pooler, on_both_databases, send};

on_both_databases!(
    a_person_signs_up_works_on_tasks_and_signs_out,
    lists_filter_sort_and_page,
    a_merge_patch_keeps_clears_and_sets,
    conditional_requests_protect_from_lost_updates,
    the_frozen_surface_shows_the_same_tasks_its_own_way,
);

behind_a_pooler!(
    a_person_signs_up_works_on_tasks_and_signs_out,
    lists_filter_sort_and_page,
    a_merge_patch_keeps_clears_and_sets,
    conditional_requests_protect_from_lost_updates,
    the_frozen_surface_shows_the_same_tasks_its_own_way,
);

async fn a_person_signs_up_works_on_tasks_and_signs_out(app: &TestApp) {
    let ada = app.person("ada").await;
    let bob = app.person("bob").await;

    let login = app.post("/api/v1/auth/login", &json!({ "email": ada.email, "password": PASSWORD })).await;
    assert_eq!(login.status, 200, "{}", login.text);
    assert!(login.body["data"]["token"].is_null());
    let ada = Person::from(&login);

    let me = app.call(&ada, Method::GET, "/api/v1/auth/me", None).await;
    assert_eq!(me.status, 200);
    assert_eq!(
        (&me.body["data"]["email"], &me.body["email"]),
        (&json!("ada@example.com"), &json!("ada@example.com"))
    );

    let task = app.task(&ada, &json!({ "title": " Buy milk ", "priority": "urgent_important" })).await;
    assert_eq!(task["title"], "Buy milk");
    assert_eq!(task["user_id"], ada.user_id);
    let url = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());

    let shown = app.call(&ada, Method::GET, &url, None).await;
    assert_eq!((shown.status, &shown.body["data"]), (200, &task));

    let done =
        app.call(&ada, Method::PATCH, &format!("{url}/complete"), Some(&json!({ "completed": true }))).await;
    assert_eq!((done.status, &done.body["data"]["is_completed"]), (200, &json!(true)));

    let list = app.call(&ada, Method::GET, "/api/v1/tasks?completed=true", None).await;
    assert_eq!((list.status, &list.body["data"]["total_count"]), (200, &json!(1)));
    let others = app.call(&bob, Method::GET, "/api/v1/tasks", None).await;
    assert_eq!(others.body["data"]["total_count"], 0);

    let deleted = app.call(&ada, Method::DELETE, &url, None).await;
    assert_eq!((deleted.status, &deleted.body["success"]), (200, &json!(true)));
    assert_eq!(app.call(&ada, Method::GET, &url, None).await.problem(404), "NOT_FOUND");

    let out = send(app.request(Method::POST, "/api/v1/auth/logout").bearer_auth(&ada.access)).await;
    assert_eq!(out.status, 200, "{}", out.text);
    assert!(!app.knows(&ada.access).await, "the access token outlived its session");
    let again = app.post("/api/v1/auth/refresh", &json!({ "refresh_token": ada.refresh })).await;
    assert_eq!(again.problem(401), "REFRESH_TOKEN_INVALID");
    assert!(app.knows(&bob.access).await, "somebody else was signed out");
}

async fn lists_filter_sort_and_page(app: &TestApp) {
    let ada = app.person("ada").await;
    for (title, priority, due) in [
        ("alpha", "urgent_important", json!("2030-01-01T00:00:00Z")),
        ("Émile 100%", "not_urgent_not_important", json!(null)),
        ("beta_test", "urgent_not_important", json!("2030-01-02T10:00")),
        ("gamma", "not_urgent_important", json!("2029-12-31T23:59:59.5+01:00")),
    ] {
        app.task(&ada, &json!({ "title": title, "priority": priority, "due_datetime": due })).await;
    }
    let titles = async |query: &str| {
        let answer = app.call(&ada, Method::GET, &format!("/api/v1/tasks?{query}"), None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let tasks = answer.body["data"]["tasks"].as_array().unwrap().clone();
        tasks.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(",")
    };
    assert_eq!(titles("sort_by=priority&sort_order=asc").await, "alpha,gamma,beta_test,Émile 100%");
    assert_eq!(titles("sort_by=due_datetime&sort_order=asc").await, "gamma,alpha,beta_test,Émile 100%");
    assert_eq!(titles("sort_by=due_datetime&sort_order=desc").await, "Émile 100%,beta_test,alpha,gamma");
    assert_eq!(titles("sort_by=title&sort_order=asc").await, "alpha,beta_test,gamma,Émile 100%");
    assert_eq!(titles("q=%C3%A9MILE").await, "Émile 100%");
    assert_eq!(titles("q=0%25").await, "Émile 100%");
    assert_eq!(titles("q=a_t").await, "beta_test");
    assert_eq!(titles("priority=urgent_important").await, "alpha");
    assert_eq!(titles("due_after=2030-01-01T00:00:00Z&due_before=2030-01-02T10:00:00Z").await, "alpha");
    assert_eq!(titles("sort_order=asc&limit=2&offset=1").await, "Émile 100%,beta_test");

    let mut seen = Vec::new();
    let mut query = "limit=1&sort_by=due_datetime&sort_order=desc".to_owned();
    loop {
        let page = app.call(&ada, Method::GET, &format!("/api/v1/tasks?{query}"), None).await;
        assert_eq!(page.body["data"]["total_count"], 4, "{}", page.text);
        seen.push(page.body["data"]["tasks"][0]["title"].as_str().unwrap().to_owned());
        let Some(cursor) = page.body["data"]["next_cursor"].as_str() else { break };
        query = format!("limit=1&sort_by=due_datetime&sort_order=desc&cursor={cursor}");
    }
    assert_eq!(seen.join(","), "Émile 100%,beta_test,alpha,gamma");
}

async fn a_merge_patch_keeps_clears_and_sets(app: &TestApp) {
    let ada = app.person("ada").await;
    let body = json!({ "title": "t", "description": "", "due_datetime": "2030-05-06T07:08:09.123456Z" });
    let task = app.task(&ada, &body).await;
    assert_eq!(
        (&task["description"], &task["due_datetime"]),
        (&json!(""), &json!("2030-05-06T07:08:09.123456Z"))
    );
    let url = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    let patch = async |body| app.call(&ada, Method::PATCH, &url, Some(&body)).await;

    let kept = patch(json!({ "title": "u" })).await;
    assert_eq!(kept.body["data"]["description"], "");
    let cleared = patch(json!({ "description": null })).await;
    assert!(cleared.body["data"]["description"].is_null());
    assert_eq!(cleared.body["data"]["due_datetime"], "2030-05-06T07:08:09.123456Z");
    assert_eq!(patch(json!({ "title": null })).await.problem(422), "VALIDATION_ERROR");
    let empty = patch(json!({})).await;
    assert_eq!((empty.status, &empty.body["data"]["title"]), (200, &json!("u")));

    let replaced = app.call(&ada, Method::PUT, &url, Some(&json!({ "title": "v" }))).await;
    assert!(replaced.body["data"]["due_datetime"].is_null(), "{}", replaced.text);
    assert_eq!(replaced.body["data"]["created_at"], task["created_at"]);
}

async fn conditional_requests_protect_from_lost_updates(app: &TestApp) {
    let ada = app.person("ada").await;
    let task = app.task(&ada, &json!({ "title": "t" })).await;
    let url = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    let tag = app.call(&ada, Method::GET, &url, None).await.header("etag").to_owned();
    let patch = async |tag: &str, title: &str| {
        let request = app.request(Method::PATCH, &url).bearer_auth(&ada.access).header("If-Match", tag);
        send(request.json(&json!({ "title": title }))).await
    };
    let unchanged =
        send(app.request(Method::GET, &url).bearer_auth(&ada.access).header("If-None-Match", &tag)).await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    assert_eq!(patch(&tag, "mine").await.status, 200);
    assert_eq!(patch(&tag, "lost").await.problem(412), "PRECONDITION_FAILED");
    let shown = app.call(&ada, Method::GET, &url, None).await;
    assert_eq!(shown.body["data"]["title"], "mine");
}

async fn the_frozen_surface_shows_the_same_tasks_its_own_way(app: &TestApp) {
    let ada = app.person("ada").await;
    let body = json!({ "title": "  ", "due_datetime": "2030-01-01 10:00", "is_completed": "yes" });
    let created = app.call(&ada, Method::POST, "/api/tasks", Some(&body)).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let task = &created.body["data"];
    assert_eq!((&task["title"], &task["due_datetime"]), (&json!("  "), &json!("2030-01-01T10:00:00")));
    assert_eq!(
        (&task["is_completed"], &task["priority"]),
        (&json!(true), &json!("not_urgent_not_important"))
    );
    let id = task["id"].as_str().unwrap();

    let on_v1 = app.call(&ada, Method::GET, &format!("/api/v1/tasks/{id}"), None).await;
    assert_eq!(on_v1.body["data"]["due_datetime"], "2030-01-01T10:00:00Z");

    let edit = json!({ "title": "x", "priority": "urgent_important", "is_completed": false });
    let edited = app.call(&ada, Method::PUT, &format!("/api/tasks/{id}"), Some(&edit)).await;
    assert!(edited.body["data"]["due_datetime"].is_null(), "the edit form clears the date by leaving it out");

    let bad = app.call(&ada, Method::GET, "/api/tasks?priority=none", None).await;
    bad.problem(400);
    assert_eq!(bad.body["message"], bad.body["detail"]);
    let gone = app.call(&ada, Method::DELETE, &format!("/api/tasks/{id}"), None).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    app.call(&ada, Method::GET, "/api/tasks/not-a-uuid", None).await.problem(422);
}
