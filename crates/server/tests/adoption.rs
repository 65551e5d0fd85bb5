//! The switch from the FastAPI backend as an operator makes it, with the program's own commands.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use holdfast_testkit::postgres;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tempfile::TempDir;

const SECRET: &str = "adoption-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789";
const ANN: &str = "11111111-1111-4111-8111-111111111111";
const BOB: &str = "22222222-2222-4222-8222-222222222222";
const ORPHAN: &str = "99999999-9999-4999-8999-999999999999";
/// bcrypt of `abc123xyz`, from the algorithm's own examples.
const OLD_PASSWORD: &str = "abc123xyz";
const OLD_HASH: &str = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
/// bcrypt of `another old one`, as an operator of the old backend would set it.
const RESET_PASSWORD: &str = "another old one";
const RESET_HASH: &str = "$2b$10$abcdefghijklmnopqrstuuOJnqHxtvWKzPPdS88B7746f7gRYecsG";
const NEW_PASSWORD: &str = "correct horse battery staple";

/// A database of the FastAPI backend, form A, with Ann, a task of hers and one of nobody's.
struct Old {
    url: String,
    directory: TempDir,
    _database: Option<postgres::TestDatabase>,
}

impl Old {
    async fn sqlite() -> Self {
        let directory = TempDir::new().unwrap();
        let url = format!("sqlite://{}/app.db", directory.path().display());
        std::fs::write(directory.path().join("app.db"), "").unwrap();
        let old = Self { url, directory, _database: None };
        old.fill("CHAR(32)", "DATETIME", "VARCHAR(24)").await;
        old
    }

    async fn postgres() -> Option<Self> {
        let database = postgres::fresh_database("adoption").await?;
        let url = database.url().to_owned();
        let old = Self { url, directory: TempDir::new().unwrap(), _database: Some(database) };
        old.fill("uuid", "timestamp", "varchar(24)").await;
        Some(old)
    }

    fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite")
    }

    fn id(&self, id: &str) -> String {
        if self.is_sqlite() { id.replace('-', "") } else { id.to_owned() }
    }

    async fn fill(&self, id: &str, time: &str, name: &str) {
        self.execute(&format!(
            "CREATE TABLE \"user\" (email varchar NOT NULL, name varchar(100), is_active boolean NOT NULL, id {id} PRIMARY KEY, \
                 hashed_password varchar NOT NULL, created_at {time} NOT NULL, updated_at {time} NOT NULL); \
             CREATE TABLE task (title varchar(255) NOT NULL, description varchar, due_datetime {time}, priority {name} NOT NULL, \
                 is_completed boolean NOT NULL, id {id} PRIMARY KEY, user_id {id} NOT NULL, created_at {time} NOT NULL, \
                 updated_at {time} NOT NULL); \
             INSERT INTO \"user\" VALUES ('Ann@Example.org', 'Ann', TRUE, '{}', '{OLD_HASH}', '2024-01-02 03:04:05.000006', \
                 '2024-01-02 03:04:05.000006')",
            self.id(ANN)
        ))
        .await;
        self.insert_task("00000000-0000-4000-8000-000000000001", ANN, "written before").await;
        self.insert_task("00000000-0000-4000-8000-000000000002", ORPHAN, "of nobody").await;
    }

    async fn insert_task(&self, id: &str, owner: &str, title: &str) {
        self.execute(&format!(
            "INSERT INTO task VALUES ('{title}', NULL, NULL, 'URGENT_IMPORTANT', FALSE, '{}', '{}', \
                 '2025-06-07 08:09:10.123456', '2025-06-07 08:09:10.123456')",
            self.id(id),
            self.id(owner)
        ))
        .await;
    }

    async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.is_sqlite() {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// Titles in the old table.
    async fn titles(&self) -> Vec<String> {
        self.texts("SELECT title FROM task ORDER BY title").await
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        if self.is_sqlite() {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
    }

    fn holdfast(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        let variables = [("DATABASE_URL", &*self.url), ("JWT_SECRET", SECRET), ("PORT", "0")];
        command.env_clear().envs(variables).args(arguments).current_dir(self.directory.path());
        command
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.holdfast(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.holdfast(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output));
        text(&output)
    }
}

/// A server of its own process; killed when dropped.
struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(old: &Old) -> Self {
        let mut child = old.holdfast(&[]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let base = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let base = line.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
            let base = base.map(ToOwned::to_owned);
            said.push(line);
            base
        });
        let base = base.unwrap_or_else(|| panic!("the server said only: {said:#?}"));
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, base }
    }

    async fn sign_in(&self, email: &str, password: &str) -> String {
        let wish = json!({ "email": email, "password": password });
        let answer =
            client().post(format!("{}/api/v1/auth/signin", self.base)).json(&wish).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{email}");
        answer.json::<Value>().await.unwrap()["data"]["token"].as_str().unwrap().to_owned()
    }

    async fn send(&self, token: &str, method: Method, path: &str, body: Value) {
        let request = client().request(method, format!("{}/api/v1{path}", self.base)).bearer_auth(token);
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }

    async fn tasks(&self, token: &str) -> Vec<String> {
        let request = client().get(format!("{}/api/tasks?sort_by=title&sort_order=asc", self.base));
        let body: Value = request.bearer_auth(token).send().await.unwrap().json().await.unwrap();
        let tasks = body["data"]["tasks"].as_array().unwrap();
        tasks.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Checks, adopts while the old one writes, takes the rest over, serves, and goes back with what is new.
async fn switch_and_come_back(old: Old) {
    let refused = old.fail(&["serve"]);
    assert!(
        refused.contains("holdfast migrate adopt --check") && refused.contains("MIGRATE_ON_START"),
        "{refused}"
    );
    let checked = old.succeed(&["migrate", "adopt", "--check"]);
    assert!(
        checked.contains("accounts: 1") && checked.contains("1 owners of rows do not exist"),
        "{checked}"
    );
    let adopted = old.succeed(&["migrate", "up"]);
    assert!(adopted.contains(&format!("placeholder account {ORPHAN}")), "{adopted}");
    old.insert_task("00000000-0000-4000-8000-000000000003", ANN, "written meanwhile").await;
    let delta = old.succeed(&["migrate", "adopt", "--delta"]);
    assert!(delta.contains("tasks: 1 new"), "{delta}");

    let server = Server::start(&old);
    let token = server.sign_in("ann@example.org", OLD_PASSWORD).await;
    assert_eq!(server.tasks(&token).await, ["written before", "written meanwhile"]);
    claim(&old, ORPHAN, "eve@example.org");
    let eve = server.sign_in("eve@example.org", NEW_PASSWORD).await;
    assert_eq!(server.tasks(&eve).await, ["of nobody"]);
    let create = client().post(format!("{}/api/tasks", server.base)).bearer_auth(&token);
    let created =
        create.json(&json!({ "title": "written here", "priority": "urgent_important" })).send().await;
    assert_eq!(created.unwrap().status(), 201);
    drop(server);

    let refused = old.fail(&["migrate", "down", "--all"]);
    assert!(refused.contains("--write-back") && refused.contains("--discard-new"), "{refused}");
    let written = old.succeed(&["migrate", "adopt", "--write-back"]);
    assert!(written.contains("the password of eve@example.org"), "{written}");
    old.succeed(&["migrate", "down", "--all"]);
    assert_eq!(old.titles().await, ["of nobody", "written before", "written here", "written meanwhile"]);
}

fn claim(old: &Old, id: &str, email: &str) {
    let mut command = old.holdfast(&["user", "claim", id, "--email", email]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{NEW_PASSWORD}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

/// Ann only signs in and changes her name; Bob sets another password. Then both get one from the old backend's operator.
async fn passwords_follow_their_owners_there_and_back(old: Old) {
    old.execute(&format!(
        "INSERT INTO \"user\" SELECT 'bob@example.org', 'Bob', is_active, '{}', hashed_password, created_at, updated_at \
             FROM \"user\"",
        old.id(BOB)
    ))
    .await;
    old.succeed(&["migrate", "up"]);
    let server = Server::start(&old);
    let ann = server.sign_in("ann@example.org", OLD_PASSWORD).await;
    server.send(&ann, Method::PATCH, "/users/me", json!({ "name": "Anne" })).await;
    let bob = server.sign_in("bob@example.org", OLD_PASSWORD).await;
    let wish = json!({ "current_password": OLD_PASSWORD, "new_password": NEW_PASSWORD });
    server.send(&bob, Method::POST, "/auth/password", wish).await;
    drop(server);

    old.execute(&format!("UPDATE \"user\" SET hashed_password = '{RESET_HASH}'")).await;
    let delta = old.succeed(&["migrate", "adopt", "--delta"]);
    assert!(delta.contains("accounts: 0 new, 1 changed, 0 gone"), "{delta}");
    assert!(delta.contains(&format!("the password of {BOB} was changed on both sides")), "{delta}");
    let server = Server::start(&old);
    server.sign_in("ann@example.org", RESET_PASSWORD).await;
    server.sign_in("bob@example.org", NEW_PASSWORD).await;
    drop(server);

    let written = old.succeed(&["migrate", "adopt", "--write-back"]);
    assert!(written.contains("accounts: 2 written"), "{written}");
    assert!(written.contains("the password of bob@example.org"), "{written}");
    assert!(!written.to_lowercase().contains("the password of ann@example.org"), "{written}");
    let rows =
        old.texts("SELECT name || ' ' || email || ' ' || hashed_password FROM \"user\" ORDER BY name").await;
    assert_eq!(rows[0], format!("Anne Ann@Example.org {RESET_HASH}"));
    assert!(rows[1].starts_with("Bob bob@example.org $argon2id$"), "{rows:?}");
    old.succeed(&["migrate", "down", "--all"]);
}

#[tokio::test]
async fn passwords_follow_their_owners_on_sqlite() {
    passwords_follow_their_owners_there_and_back(Old::sqlite().await).await;
}

#[tokio::test]
async fn passwords_follow_their_owners_on_postgres() {
    if let Some(old) = Old::postgres().await {
        passwords_follow_their_owners_there_and_back(old).await;
    }
}

#[tokio::test]
async fn an_account_whose_address_contains_u_0000_is_told_and_gets_another() {
    let old = Old::sqlite().await;
    old.execute("UPDATE \"user\" SET email = 'ann' || char(0) || '@example.org'").await;
    let told = format!("account {ANN}: its e-mail address contains the character U+0000");
    for command in [&["migrate", "adopt", "--check"][..], &["migrate", "up"]] {
        let said = old.succeed(command);
        assert!(said.contains(&told) && said.contains("holdfast user claim"), "{said}");
    }
    claim(&old, ANN, "ann@example.org");
    let server = Server::start(&old);
    let ann = server.sign_in("ann@example.org", NEW_PASSWORD).await;
    assert_eq!(server.tasks(&ann).await, ["written before"]);
    drop(server);
    old.succeed(&["migrate", "adopt", "--write-back"]);
    assert_eq!(old.texts("SELECT email FROM \"user\" WHERE name = 'Ann'").await, ["ann@example.org"]);
}

#[tokio::test]
async fn the_switch_and_the_way_back_on_sqlite() {
    switch_and_come_back(Old::sqlite().await).await;
}

#[tokio::test]
async fn the_switch_and_the_way_back_on_postgres() {
    if let Some(old) = Old::postgres().await {
        switch_and_come_back(old).await;
    }
}

#[tokio::test]
async fn with_migrate_on_start_it_adopts_by_itself() {
    let old = Old::sqlite().await;
    let mut command = old.holdfast(&["user", "create-admin", "--email", "Ann@Example.org"]);
    let output = command.env("MIGRATE_ON_START", "true").output().unwrap();
    assert!(output.status.success() && text(&output).contains(ANN), "{}", text(&output));
    assert!(Path::new(&old.directory.path().join("app.db")).exists());
}
