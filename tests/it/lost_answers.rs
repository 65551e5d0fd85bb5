//! A whole history of writes over a link that loses, breaks and doubles: a client that repeats with care leaves the state that
//! a good link leaves.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp, behind_a_pooler, on_both_databases},
    unreliable_link::{Fate, UnreliableLink},
};

on_both_databases!(a_link_that_loses_and_doubles_answers_leaves_the_state_of_a_clean_history);
behind_a_pooler!(a_link_that_loses_and_doubles_answers_leaves_the_state_of_a_clean_history);

const TASKS: &str = "/api/v1/tasks";
const WORKERS: usize = 8;
const TASKS_EACH: usize = 10;

/// Somebody who repeats until there is an answer.
#[derive(Clone)]
struct Careful {
    client: Client,
    base: String,
    access: String,
}

impl Careful {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        request.bearer_auth(&self.access).header("Connection", "close")
    }

    /// The first answer that settles it.
    async fn settled(&self, request: RequestBuilder) -> Answer {
        for _ in 0..100 {
            let Ok(response) = request.try_clone().unwrap().send().await else { continue };
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let Ok(text) = response.text().await else { continue };
            let body: Value = serde_json::from_str(&text).unwrap_or_default();
            if status != 503 && body["error_code"] != "IDEMPOTENCY_KEY_IN_USE" {
                return Answer { status, headers, body, text };
            }
        }
        panic!("no answer arrives");
    }

    /// Makes a task, changes it twice by its revision, completes it, and deletes every third one.
    async fn live_through(&self, n: usize) {
        let body = json!({ "title": format!("{n:04}"), "is_completed": false });
        let create =
            self.request(Method::POST, TASKS).header("Idempotency-Key", format!("\"{n}\"")).json(&body);
        let created = self.settled(create).await;
        assert_eq!(created.status, 201, "{}", created.text);
        let path = created.header("location").to_owned();
        for revision in 1..=2 {
            let change = json!({ "description": format!("{n} for the {revision}. time") });
            let change = self.request(Method::PATCH, &path).json(&change);
            let change = change.header("If-Match", format!("\"r{revision}\""));
            // A doubled request is answered twice, and the one that came second may be heard.
            let changed = self.settled(change).await;
            assert!([200, 412].contains(&changed.status), "{}", changed.text);
        }
        let complete = self.request(Method::PATCH, &format!("{path}/complete"));
        let completed = self.settled(complete.json(&json!({ "completed": true }))).await;
        assert_eq!(completed.status, 200, "{}", completed.text);
        if n.is_multiple_of(3) {
            let deleted = self.settled(self.request(Method::DELETE, &path)).await;
            assert!([200, 404].contains(&deleted.status), "{}", deleted.text);
        }
    }

    async fn live_through_all(&self) {
        let workers = (0..WORKERS).map(|worker| {
            let careful = self.clone();
            tokio::spawn(async move {
                for n in worker * TASKS_EACH..(worker + 1) * TASKS_EACH {
                    careful.live_through(n).await;
                }
            })
        });
        for worker in join_all(workers).await {
            worker.unwrap();
        }
    }

    /// All tasks without what differs from one history to another.
    async fn state(&self) -> BTreeSet<String> {
        let page = self.settled(self.request(Method::GET, &format!("{TASKS}?limit=100"))).await;
        assert_eq!(page.body["data"]["total_count"], remaining(), "{}", page.text);
        let tasks = page.body["data"]["tasks"].as_array().unwrap().iter();
        tasks
            .map(|task| format!("{} {} {}", task["title"], task["description"], task["is_completed"]))
            .collect()
    }
}

/// How many tasks a history leaves.
fn remaining() -> usize {
    (0..WORKERS * TASKS_EACH).filter(|n| !n.is_multiple_of(3)).count()
}

async fn a_link_that_loses_and_doubles_answers_leaves_the_state_of_a_clean_history(app: &TestApp) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let link = Arc::new(UnreliableLink::to(&app.base).await);
    let careful = |base: &str, access: &str| Careful {
        client: app.client.clone(),
        base: base.to_owned(),
        access: access.to_owned(),
    };
    careful(&link.base, &ada.access).live_through_all().await;
    careful(&app.base, &bob.access).live_through_all().await;
    for fate in [Fate::AnswerLost, Fate::BreaksOff, Fate::Doubled] {
        assert!(link.met(fate) >= WORKERS * TASKS_EACH * 4 / 10, "{fate:?}");
    }
    let (unreliable, clean) = (careful(&app.base, &ada.access), careful(&app.base, &bob.access));
    assert_eq!(unreliable.state().await, clean.state().await);
}
