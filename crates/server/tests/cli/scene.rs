//! The program in a folder of its own, a server beside it, and clients of that server.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use holdfast_testkit::postgres::{self, TestDatabase};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "process-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789";

/// A folder, and the variables that the program is started with.
pub(crate) struct Scene {
    folder: TempDir,
    variables: Vec<(String, String)>,
    _database: Option<TestDatabase>,
}

impl Scene {
    /// An empty folder and no variable but a secret: the embedded database.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let scene = Self { folder, variables: Vec::new(), _database: None };
        scene.with("JWT_SECRET", SECRET)
    }

    /// The same, on a new database of the PostgreSQL server that there is.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let database = postgres::fresh_database("cli").await?;
        let scene = Self::new().with("DATABASE_URL", database.url());
        Some(Self { _database: Some(database), ..scene })
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a variable, the last one that was given.
    pub(crate) fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        let variables = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        command.env_clear().envs(variables).current_dir(self.path()).args(arguments);
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        Answer::of(&self.command(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// The same, with a text on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Answer {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Answer::of(&child.wait_with_output().unwrap())
    }

    /// Runs it, and it must be done.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        assert_eq!(answer.code, Some(0), "{arguments:?}: {answer:?}");
        answer.stdout
    }

    /// Runs it, and it must be refused with this text and exit code 1.
    pub(crate) fn refused(&self, arguments: &[&str], told: &str) {
        let answer = self.run(arguments);
        assert!(answer.code == Some(1) && answer.stderr.contains(told), "{arguments:?}: {answer:?}");
    }

    pub(crate) fn serve(&self) -> Server {
        let mut command = self.command(&["serve"]);
        let mut child = command.env("PORT", "0").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let place = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let place = line.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
            let place = place.map(ToOwned::to_owned);
            said.push(line);
            place
        });
        let place = place.unwrap_or_else(|| panic!("the server said only: {said:#?}"));
        // Whoever writes logs needs somebody who reads them.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, place, client: Client::builder().no_proxy().build().unwrap() }
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A server of its own process; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) place: String,
    client: Client,
}

impl Server {
    /// Signs somebody up; answers the access token.
    pub(crate) async fn sign_up(&self, email: &str) -> String {
        let wish = json!({ "email": email, "password": PASSWORD });
        let (status, body) = self.post("/api/v1/auth/signup", &wish).await;
        assert_eq!(status, 201, "{body}");
        body["data"]["access_token"].as_str().unwrap().to_owned()
    }

    /// The status of an attempt to sign in.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> u16 {
        self.post("/api/v1/auth/signin", &json!({ "email": email, "password": password })).await.0
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.client.post(format!("{}{path}", self.place)).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// What the server says to a token.
    pub(crate) async fn tasks(&self, token: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}/api/v1/tasks?limit=100", self.place)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> String {
        self.place.rsplit(':').next().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
