//! A hundred people who edit one task at the same moment, each with `If-Match`.

use futures_util::future::join_all;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::app::{TestApp, on_both_databases, send};

on_both_databases!(a_hundred_editors_who_use_if_match_lose_no_update);

const EDITORS: usize = 100;

/// Adds its name to the list in the description, again and again until it stands there.
async fn sign(client: Client, url: String, access: String, name: usize) {
    loop {
        let read = send(client.get(&url).bearer_auth(&access)).await;
        if read.status == 503 {
            continue;
        }
        assert_eq!(read.status, 200, "{}", read.text);
        let signed = read.body["data"]["description"].as_str().unwrap();
        if signed.split(' ').any(|one| one == name.to_string()) {
            return;
        }
        let list = format!("{signed} {name}");
        let write = client.put(&url).bearer_auth(&access).header("If-Match", read.header("etag"));
        let written = send(write.json(&json!({ "title": "t", "description": list.trim_start() }))).await;
        // 503: whether it was written shows when the task is read again.
        assert!([200, 412, 503].contains(&written.status), "{}", written.text);
    }
}

async fn a_hundred_editors_who_use_if_match_lose_no_update(app: &TestApp) {
    let ada = app.person("ada").await;
    let task = app.task(&ada, &json!({ "title": "t", "description": "" })).await;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    let url = format!("{}{path}", app.base);
    let editors = (0..EDITORS)
        .map(|name| tokio::spawn(sign(app.client.clone(), url.clone(), ada.access.clone(), name)));
    for editor in join_all(editors).await {
        editor.unwrap();
    }
    let last = app.call(&ada, Method::GET, &path, None).await;
    let Value::String(signed) = &last.body["data"]["description"] else { panic!("{}", last.text) };
    let mut names: Vec<usize> = signed.split(' ').map(|name| name.parse().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, (0..EDITORS).collect::<Vec<_>>());
    assert_eq!(last.header("etag"), format!("\"r{}\"", EDITORS + 1), "each update counts once");
}
