//! The program with `DATABASE_READ_URL`: lists come from the replica, show what has just been written, and go on without it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

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
    operations: String,
    client: Client,
    token: String,
}

impl Server {
    async fn start(directory: &TempDir, database: &str, replica: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.env_clear().current_dir(directory.path()).stderr(Stdio::piped()).envs([
            ("PORT", "0"),
            ("OPS_ADDRESS", "127.0.0.1:0"),
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
        let mut server = Self {
            child,
            said,
            base: String::new(),
            operations: String::new(),
            client,
            token: String::new(),
        };
        let told = |before: &str, behind: &str| loop {
            let line = server.said.recv_timeout(DEADLINE).unwrap();
            if let Some(rest) = line.split(before).nth(1) {
                break rest.split(behind).next().unwrap().to_owned();
            }
        };
        (server.base, server.operations) = (told("API: ", "/api/v1"), told("Metrics: ", "/metrics"));
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

    /// What is counted of the replica under this name.
    async fn counted(&self, series: &str) -> f64 {
        let page = self.client.get(format!("{}/metrics", self.operations)).send().await.unwrap();
        let page = page.text().await.unwrap();
        let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{series} is not in {page}")).parse().unwrap()
    }

    async fn reads(&self, outcome: &str) -> f64 {
        self.counted(&format!("holdfast_replica_reads_total{{outcome=\"{outcome}\"}}")).await
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
    let answered = server.reads("answered").await;
    assert!(answered > 0.0);
    assert!(server.counted("holdfast_replica_connections_max").await > 0.0);
    replica.kill().unwrap();
    server.work_until_it_says(NOT_USED).await;
    let helped_out = server.reads("failed").await + server.reads("no_connection").await;
    assert!(helped_out > 0.0 && server.counted("holdfast_replica_in_use").await < 1.0);
    replica.start().unwrap();
    server.work_until_it_says(USED).await;
    assert!(server.reads("answered").await > answered);
}
