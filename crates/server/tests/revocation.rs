//! The program while its database is gone for longer than it trusts its memory of revocations: what it answers and logs.
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

/// Only to end a test whose condition never comes.
const DEADLINE: Duration = Duration::from_mins(2);
const GONE: &str = "revocations cannot be polled";
const BACK: &str = "revocations are polled again";

/// A server of its own process; killed when dropped.
struct Server {
    child: Child,
    said: Receiver<String>,
    base: String,
    client: Client,
}

impl Server {
    fn start(directory: &TempDir, database: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.env_clear().current_dir(directory.path()).stderr(Stdio::piped()).envs([
            ("PORT", "0"),
            ("DATABASE_URL", database),
            ("MIGRATE_ON_START", "true"),
            ("JWT_SECRET", "process-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"),
        ]);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, said) = mpsc::channel();
        // Whoever writes logs needs somebody who reads them, also when the test has heard enough.
        thread::spawn(move || lines.for_each(|line| drop(sender.send(line.unwrap_or_default()))));
        let mut server =
            Self { child, said, base: String::new(), client: Client::builder().no_proxy().build().unwrap() };
        let line = server.hear("API: ").pop().unwrap();
        let base = line.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
        base.unwrap().clone_into(&mut server.base);
        server
    }

    /// Everything that is said up to a line with this text.
    fn hear(&self, text: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            match self.said.recv_timeout(DEADLINE) {
                Ok(line) => heard.push(line),
                Err(error) => panic!("{error} before {text:?}: {heard:#?}"),
            }
            if heard.last().is_some_and(|line| line.contains(text)) {
                return heard;
            }
        }
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Waits until the instance is ready and says that it refuses by memory.
    async fn is_ready_by_memory(&self) {
        let wait = async {
            while self.get("/health/ready", "").await.1["revocation"] != "by_memory" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.unwrap();
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
async fn without_a_database_rows_decide_and_nobody_is_let_in() {
    let Some(postgres) = PostgresServer::private("revocation", Durability::Fast).unwrap() else { return };
    let database = postgres.create_database().await;
    let directory = TempDir::new().unwrap();
    let server = Server::start(&directory, database.url());
    let wish = json!({ "email": "ada@example.com", "password": "correct horse battery staple" });
    let signed_up = server.client.post(format!("{}/api/v1/auth/signup", server.base)).json(&wish);
    let signed_up: Value = signed_up.send().await.unwrap().json().await.unwrap();
    let token = signed_up["data"]["access_token"].as_str().unwrap();
    server.is_ready_by_memory().await;
    assert_eq!(server.get("/api/v1/tasks", token).await.0, 200);

    postgres.shut_down().unwrap();
    server.hear(GONE);
    for path in ["/api/v1/tasks", "/api/v1/auth/me", "/health/ready"] {
        let (status, body) = server.get(path, token).await;
        assert_eq!((status, &body["error_code"]), (503, &json!("SERVICE_UNAVAILABLE")), "{path}: {body}");
    }
    assert_eq!(server.get("/health/live", "").await.0, 200);

    postgres.start().unwrap();
    let heard = server.hear(BACK);
    assert!(heard.iter().all(|line| !line.contains(GONE)), "one outage was told twice: {heard:#?}");
    server.is_ready_by_memory().await;
    assert_eq!(server.get("/api/v1/tasks", token).await.0, 200);
}
