//! Taking histories along over HTTP: everything, once, from either database.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{PASSWORD, Person, TestApp, on_both_databases},
    links::link,
};

on_both_databases!(
    an_administrator_takes_every_entry_of_every_account_once,
    a_link_that_is_out_is_in_the_export_of_its_owner,
);

const EVENTS: &str = "/api/v1/users/events/export";

async fn lines(app: &TestApp, by: &Person, query: &str) -> Vec<Value> {
    let answer = app.call(by, Method::GET, &format!("{EVENTS}{query}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn an_administrator_takes_every_entry_of_every_account_once(app: &TestApp) {
    let admin = app.admin("root").await;
    let mut expected = Vec::new();
    for n in 0..4 {
        let person = app.person(&format!("person{n}")).await;
        for password in ["wrong battery horse", PASSWORD] {
            app.post("/api/v1/auth/signin", &json!({ "email": person.email, "password": password })).await;
        }
        for kind in ["signed_up", "sign_in_failed", "signed_in"] {
            expected.push((person.user_id.clone(), kind));
        }
    }
    app.post("/api/v1/auth/signin", &json!({ "email": "nobody@example.com", "password": "x" })).await;
    expected.push(("00000000-0000-0000-0000-000000000000".to_owned(), "sign_in_failed"));

    let whole = lines(app, &admin, "").await;
    let told = |line: &Value| {
        (line["user_id"].as_str().unwrap().to_owned(), line["kind"].as_str().unwrap().to_owned())
    };
    let others: Vec<_> =
        whole.iter().filter(|line| line["user_id"] != json!(admin.user_id)).map(told).collect();
    let expected: Vec<_> = expected.into_iter().map(|(user, kind)| (user, kind.to_owned())).collect();
    assert_eq!(others, expected);

    let middle = whole[whole.len() / 2]["at"].as_str().unwrap();
    let mut parts = lines(app, &admin, &format!("?until={middle}")).await;
    assert!(!parts.is_empty() && parts.len() < whole.len());
    parts.extend(lines(app, &admin, &format!("?from={middle}")).await);
    assert_eq!(parts, whole);
    let refused = app.call(&app.person("ada").await, Method::GET, EVENTS, None).await;
    assert_eq!(refused.problem(403), "FORBIDDEN");
}

async fn a_link_that_is_out_is_in_the_export_of_its_owner(app: &TestApp) {
    let ada = app.person("ada").await;
    let pending = async || {
        let answer = app.call(&ada, Method::GET, "/api/v1/users/me/export", None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["pending_links"].clone()
    };
    let wish = json!({ "email": "new@example.com", "password": PASSWORD });
    let asked = app.call(&ada, Method::POST, "/api/v1/users/me/email", Some(&wish)).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let link = link(app, "new@example.com", "Confirm your new e-mail address").await;
    let told = pending().await;
    let change = told.as_array().unwrap().iter().find(|link| link["purpose"] == "change_email").unwrap();
    assert_eq!(change["email"], "new@example.com");
    assert!(!told.to_string().contains(&link[..40]), "{told}");
}
