//! The program as a process of its own, and a person who works with it.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// Only to end a test whose condition never comes.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);
pub(crate) const SECRET: &str = "process-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789";
/// The log line with which an outage begins.
pub(crate) const BEGINS: &str = "nothing can be written";
/// The one with which it ends.
pub(crate) const ENDS: &str = "is written again";

/// A server of its own process; killed when dropped.
pub(crate) struct Server {
    child: Child,
    said: Receiver<String>,
    pub(crate) base: String,
    client: Client,
}

/// The program with a database at `file`; what it inherits besides is `command`'s.
pub(crate) fn configured(mut command: Command, folder: &Path, file: &Path) -> Command {
    command.env_clear().current_dir(folder).envs([
        ("PORT", "0"),
        ("DATABASE_URL", &format!("sqlite://{}", file.display())),
        ("JWT_SECRET", SECRET),
        ("RATE_LIMIT", "off"),
    ]);
    command
}

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_holdfast"))
}

impl Server {
    pub(crate) fn start(folder: &Path, file: &Path) -> Self {
        Self::spawn(configured(program(), folder, file))
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, said) = mpsc::channel();
        // Whoever writes logs needs somebody who reads them, also when the test has heard enough.
        thread::spawn(move || lines.for_each(|line| drop(sender.send(line.unwrap_or_default()))));
        let client = Client::builder().no_proxy().build().unwrap();
        Self { child, said, base: String::new(), client }
    }

    /// Waits until it serves, and answers what it said before.
    pub(crate) fn ready(&mut self) -> Vec<String> {
        let heard = self.hear("API: ");
        let line = heard.last().unwrap();
        let base = line.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
        base.unwrap().clone_into(&mut self.base);
        heard
    }

    pub(crate) fn serving(folder: &Path, file: &Path) -> Self {
        let mut server = Self::start(folder, file);
        server.ready();
        server
    }

    /// Everything that is said up to a line with this text.
    pub(crate) fn hear(&self, text: &str) -> Vec<String> {
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

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops as an operator would stop it, and answers what was said since it was last heard.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let stopped = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        assert!(stopped.unwrap().success());
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        self.said.iter().collect()
    }

    pub(crate) async fn sign_up(&self) -> Person<'_> {
        let wish = json!({ "email": "ada@example.com", "password": "correct horse battery staple" });
        let request = self.client.post(format!("{}/api/v1/auth/signup", self.base)).json(&wish);
        let body: Value = answer(request).await.json().await.unwrap();
        let token = body["data"]["access_token"].as_str().unwrap_or_else(|| panic!("{body}"));
        self.person(token)
    }

    pub(crate) fn person(&self, token: &str) -> Person<'_> {
        Person { server: self, token: token.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let answer = answer(self.client.get(format!("{}{path}", self.base))).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Waits until the instance wants work.
    pub(crate) async fn wants_work(&self) {
        let waiting = async {
            while self.get("/health/ready").await.0 != 200 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request again whose head was not read in time, as RFC 9110 (§15.5.9) lets a client do: a machine with other work
/// to do may be that slow.
async fn answer(request: RequestBuilder) -> Response {
    loop {
        let answer = request.try_clone().unwrap().send().await.unwrap();
        if answer.status() != 408 {
            return answer;
        }
    }
}

/// Somebody who is signed in.
pub(crate) struct Person<'s> {
    server: &'s Server,
    pub(crate) token: String,
}

impl Person<'_> {
    /// Whether the task was acknowledged. Nothing else may happen but a refusal that says when to come again.
    pub(crate) async fn creates(&self, title: &str, description: &str) -> bool {
        let request = self.server.client.post(format!("{}/api/v1/tasks", self.server.base));
        let body = json!({ "title": title, "description": description });
        let answer = answer(request.bearer_auth(&self.token).json(&body)).await;
        if answer.status() == 201 {
            return true;
        }
        self.is_refusal(answer).await;
        false
    }

    async fn is_refusal(&self, answer: Response) {
        let (status, retry) = (answer.status(), answer.headers().get("retry-after").cloned());
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 503, "{body}");
        assert_eq!(body["error_code"], "SERVICE_UNAVAILABLE", "{body}");
        let seconds: u64 = retry.unwrap().to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        let told = body.to_string();
        assert!(!told.contains("sqlite") && !told.contains("code:"), "{told}");
    }

    /// How many tasks the person sees.
    pub(crate) async fn count(&self) -> u64 {
        let (status, body) = self.list("limit=1").await;
        assert_eq!(status, 200, "{body}");
        body["data"]["total_count"].as_u64().unwrap()
    }

    pub(crate) async fn list(&self, query: &str) -> (u16, Value) {
        let request = self.server.client.get(format!("{}/api/v1/tasks?{query}", self.server.base));
        let answer = answer(request.bearer_auth(&self.token)).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The titles of all tasks; each is there once.
    pub(crate) async fn titles(&self) -> BTreeSet<String> {
        let mut titles = BTreeSet::new();
        for offset in (0..).step_by(100) {
            let (status, body) = self.list(&format!("limit=100&offset={offset}")).await;
            assert_eq!(status, 200, "{body}");
            let tasks = body["data"]["tasks"].as_array().unwrap();
            for task in tasks {
                let title = task["title"].as_str().unwrap();
                assert!(titles.insert(title.to_owned()), "{title} is there twice");
            }
            if tasks.len() < 100 {
                break;
            }
        }
        titles
    }
}
