//! A hundred people who edit one task at the same moment, each with `If-Match`, and go on until every edit is in.

use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::{Barrier, Semaphore};

use crate::app::{Answer, TestApp, on_both_databases, send};

on_both_databases!(a_hundred_editors_who_use_if_match_lose_no_update);

const EDITORS: usize = 100;
/// How many go on at a time, once all have met.
const AT_A_TIME: usize = 10;

struct Editor {
    client: Client,
    url: String,
    access: String,
    name: usize,
}

impl Editor {
    async fn read(&self) -> Answer {
        loop {
            let read = send(self.client.get(&self.url).bearer_auth(&self.access)).await;
            if read.status != 503 {
                assert_eq!(read.status, 200, "{}", read.text);
                return read;
            }
        }
    }

    fn has_signed(&self, read: &Answer) -> bool {
        let signed = read.body["data"]["description"].as_str().unwrap();
        signed.split(' ').any(|one| one == self.name.to_string())
    }

    /// Adds its name to the list in the description as it was read.
    async fn write(&self, read: &Answer) -> u16 {
        let signed = read.body["data"]["description"].as_str().unwrap();
        let list = format!("{signed} {}", self.name);
        let write =
            self.client.put(&self.url).bearer_auth(&self.access).header("If-Match", read.header("etag"));
        let written = send(write.json(&json!({ "title": "t", "description": list.trim_start() }))).await;
        // 503: whether it was written shows when the task is read again.
        assert!([200, 412, 503].contains(&written.status), "{}", written.text);
        written.status
    }

    /// Again and again until its name stands there.
    async fn sign(&self) {
        loop {
            let read = self.read().await;
            if self.has_signed(&read) {
                return;
            }
            self.write(&read).await;
        }
    }
}

async fn a_hundred_editors_who_use_if_match_lose_no_update(app: &TestApp) {
    let ada = app.person("ada").await;
    let task = app.task(&ada, &json!({ "title": "t", "description": "" })).await;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    let all_have_read = Arc::new(Barrier::new(EDITORS));
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let editors = (0..EDITORS).map(|name| {
        let (client, url, access) = (app.client.clone(), format!("{}{path}", app.base), ada.access.clone());
        let (all_have_read, turns) = (all_have_read.clone(), turns.clone());
        tokio::spawn(async move {
            let editor = Editor { client, url, access, name };
            let read = editor.read().await;
            // All hold the same revision, and write at one moment.
            all_have_read.wait().await;
            let first = editor.write(&read).await;
            let _turn = turns.acquire().await.unwrap();
            editor.sign().await;
            first
        })
    });
    let firsts: Vec<u16> = join_all(editors).await.into_iter().map(|first| first.unwrap()).collect();
    assert!(firsts.iter().filter(|status| **status == 200).count() <= 1, "one revision was replaced twice");
    let last = app.call(&ada, Method::GET, &path, None).await;
    let Value::String(signed) = &last.body["data"]["description"] else { panic!("{}", last.text) };
    let mut names: Vec<usize> = signed.split(' ').map(|name| name.parse().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, (0..EDITORS).collect::<Vec<_>>());
    assert_eq!(last.header("etag"), format!("\"r{}\"", EDITORS + 1), "each update counts once");
}
