//! The program with `DATABASE_READ_URL`: lists come from the replica, show what has just been written, and go on without it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use holdfast_testkit::postgres::{Durability, PostgresServer};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Only to end a test whose condition never comes.
const DEADLINE: Duration = Duration::from_mins(2);
const USED: &str = "lists are read from the replica";
const NOT_USED: &str = "lists are read from the primary";

/// A server of its own process; killed when dropped.
struct Server {
    child: Child,
    said: Receiver<String>,
    base: String,
    client: Client,
    token: String,
}

impl Server {
    async fn start(directory: &TempDir, database: &str, replica: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.env_clear().current_dir(directory.path()).stderr(Stdio::piped()).envs([
            ("PORT", "0"),
            ("DATABASE_URL", database),
            ("DATABASE_READ_URL", replica),
            ("MIGRATE_ON_START", "true"),
            ("JWT_SECRET", "process-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"),
        ]);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, said) = mpsc::channel();
        // Whoever writes logs needs somebody who reads them, also when the test has heard enough.
        thread::spawn(move || lines.for_each(|line| drop(sender.send(line.unwrap_or_default()))));
        let client = Client::builder().no_proxy().build().unwrap();
        let mut server = Self { child, said, base: String::new(), client, token: String::new() };
        let base = loop {
            let line = server.said.recv_timeout(DEADLINE).unwrap();
            if let Some(rest) = line.split("API: ").nth(1) {
                break rest.split("/api/v1").next().unwrap().to_owned();
            }
        };
        server.base = base;
        let wish = json!({ "email": "ada@example.com", "password": "correct horse battery staple" });
        let signed_up = server.client.post(format!("{}/api/v1/auth/signup", server.base)).json(&wish);
        let signed_up: Value = signed_up.send().await.unwrap().json().await.unwrap();
        signed_up["data"]["access_token"].as_str().unwrap().clone_into(&mut server.token);
        server
    }

    /// Makes a task and sees it in the list, with the right count.
    async fn write_and_list(&self) {
        let tasks = format!("{}/api/v1/tasks", self.base);
        let create = self.client.post(&tasks).bearer_auth(&self.token).json(&json!({ "title": "a task" }));
        let created = create.send().await.unwrap();
        assert_eq!(created.status(), 201);
        let created: Value = created.json().await.unwrap();
        let list = self.client.get(format!("{tasks}?limit=1&sort_order=desc")).bearer_auth(&self.token);
        let listed = list.send().await.unwrap();
        assert_eq!(listed.status(), 200);
        let listed: Value = listed.json().await.unwrap();
        assert_eq!(listed["data"]["tasks"][0]["id"], created["data"]["id"], "{listed}");
    }

    /// Writes and lists until the log has a line with this text.
    async fn work_until_it_says(&self, text: &str) {
        let began = Instant::now();
        loop {
            self.write_and_list().await;
            let mut heard = self.said.try_iter();
            if heard.any(|line| line.contains(text)) {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "it does not say {text:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn lists_come_from_the_replica_show_what_was_just_written_and_go_on_without_it() {
    let Some(primary) = PostgresServer::private("server: replica", Durability::Durable).unwrap() else {
        return;
    };
    let database = primary.create_database().await;
    let replica = primary.replica().unwrap();
    let directory = TempDir::new().unwrap();
    let server = Server::start(&directory, database.url(), &replica.url(database.name())).await;
    server.work_until_it_says(USED).await;
    replica.kill().unwrap();
    server.work_until_it_says(NOT_USED).await;
    replica.start().unwrap();
    server.work_until_it_says(USED).await;
}
