//! `backup`, `restore`, `export` and `import` as operators run them: beside a server, through pipes, and killed half-way.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use holdfast_testkit::postgres;
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "transfer-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789";

/// The program in a folder, on a database.
struct Scene {
    folder: TempDir,
    url: String,
}

/// A server of its own process; killed when dropped.
struct Server {
    child: Child,
    place: String,
}

impl Scene {
    fn sqlite() -> Self {
        Self { folder: TempDir::new().unwrap(), url: "sqlite://holdfast.db".to_owned() }
    }

    fn on(url: &str) -> Self {
        Self { folder: TempDir::new().unwrap(), url: url.to_owned() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command
            .env_clear()
            .envs([
                ("DATABASE_URL", self.url.as_str()),
                ("JWT_SECRET", SECRET),
                ("ENVIRONMENT", "development"),
            ])
            .current_dir(self.folder.path())
            .args(arguments);
        command
    }

    /// Runs it to its end, and looks whether it told a secret.
    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let said = said(&output);
        assert!(!said.contains("$argon2") && !said.contains(SECRET), "{said}");
        output
    }

    fn done(&self, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        output
    }

    fn refused(&self, arguments: &[&str], why: &str) {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(why), "{arguments:?}: {}", said(&output));
    }

    /// The sums of all tables.
    fn sums(&self) -> Value {
        let output = self.done(&["export", "--force", "--json", "sums.dump"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["tables"].clone()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn serve(&self) -> Server {
        let mut command = self.command(&["serve"]);
        let mut child = command.env("PORT", "0").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let place = lines
            .by_ref()
            .find_map(|line| {
                said.push(line.unwrap());
                let place = said.last()?.split("API: ").nth(1)?.split("/api/v1").next();
                place.map(ToOwned::to_owned)
            })
            .unwrap_or_else(|| panic!("the server said only: {said:#?}"));
        // Whoever writes logs needs somebody who reads them.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, place }
    }
}

impl Server {
    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = client().post(format!("{}/api/v1{path}", self.place)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn sign_up(&self) -> (String, String) {
        let wish = json!({ "email": "ada@example.com", "password": PASSWORD });
        let (status, body) = self.post("/auth/signup", wish).await;
        assert_eq!(status, 201, "{body}");
        let token = |name: &str| body["data"][name].as_str().unwrap().to_owned();
        (token("access_token"), token("refresh_token"))
    }

    async fn create(&self, access: &str, title: &str) -> String {
        let request = client().post(format!("{}/api/v1/tasks", self.place)).bearer_auth(access);
        let answer = request.json(&json!({ "title": title })).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let body: Value = answer.json().await.unwrap();
        body["data"]["id"].as_str().or(body["data"]["task"]["id"].as_str()).unwrap().to_owned()
    }

    async fn etag(&self, access: &str, id: &str) -> String {
        let request = client().get(format!("{}/api/v1/tasks/{id}", self.place)).bearer_auth(access);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["etag"].to_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Signs up, makes tasks, takes a copy while it serves, and looks at it elsewhere.
async fn lives_on(source: &Scene, target: &Scene, take: &[&str], put: &str) {
    let server = source.serve();
    let (access, refresh) = server.sign_up().await;
    let mut tasks = Vec::new();
    for title in ["one", "zwei ü", "three 🦀"] {
        let id = server.create(&access, title).await;
        tasks.push((server.etag(&access, &id).await, id));
    }
    let copy = source.path("copy");
    source.done(&[take, &[&copy]].concat());
    server.create(&access, "after the copy").await;
    drop(server);

    target.done(&[put, "--check", &copy]);
    target.done(&[put, &copy]);
    let server = target.serve();
    let (status, body) = server.post("/auth/refresh", json!({ "refresh_token": refresh })).await;
    assert_eq!(status, 200, "{body}");
    let access = body["data"]["access_token"].as_str().or(body["access_token"].as_str()).unwrap();
    for (etag, id) in &tasks {
        assert_eq!(server.etag(access, id).await, *etag);
    }
    target.refused(&[put, "--force", &copy], "stop every server");
    assert_eq!(server.etag(access, &tasks[0].1).await, tasks[0].0);
    drop(server);

    target.refused(&[put, &copy], "--force");
    target.done(&[put, "--force", "--end-sessions", &copy]);
    let server = target.serve();
    let (status, body) = server.post("/auth/refresh", json!({ "refresh_token": refresh })).await;
    assert_eq!(status, 401, "{body}");
    let wish = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(server.post("/auth/signin", wish).await.0, 200);
}

#[tokio::test]
async fn people_stay_signed_in_when_a_backup_of_a_file_is_restored() {
    lives_on(&Scene::sqlite(), &Scene::sqlite(), &["backup"], "restore").await;
}

#[tokio::test]
async fn people_stay_signed_in_when_a_file_moves_to_postgres() {
    let Some(database) = postgres::fresh_database("transfer: to PostgreSQL").await else { return };
    lives_on(&Scene::sqlite(), &Scene::on(database.url()), &["export"], "import").await;
}

#[tokio::test]
async fn people_stay_signed_in_when_postgres_moves_into_a_file() {
    let Some(database) = postgres::fresh_database("transfer: from PostgreSQL").await else { return };
    let source = Scene::on(database.url());
    source.done(&["migrate", "up"]);
    lives_on(&source, &Scene::sqlite(), &["backup"], "restore").await;
}

/// One account with so many tasks that loading them takes a while.
async fn populated(scene: &Scene, tasks: u32, title: &str) {
    scene.done(&["migrate", "up"]);
    let options = scene.folder.path().join("holdfast.db");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", options.display())).await.unwrap();
    let sql = format!(
        "INSERT INTO users (id, email, email_folded, email_claim, role, is_active, email_verified, created_at, updated_at) \
         VALUES (zeroblob(16), 'x', 'x', 'x', 'user', 1, 0, 1, 1); \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tasks}) \
         INSERT INTO tasks (owner_id, id, title, title_sort, search_text, priority, is_completed, revision, created_at, updated_at) \
         SELECT zeroblob(16), randomblob(16), '{title} ' || i, '{title} ' || i, '', 0, 0, 1, i, i FROM n"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Kills it once the first rows are in, and not all of them.
fn killed_half_way(target: &Scene, dump: &str) {
    let mut child = target.command(&["import", "--force", dump]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("imported") && line.contains("users")), "it said nothing of rows");
    child.kill().unwrap();
    child.wait().unwrap();
}

async fn leaves_the_target_as_it_was(target: &Scene) {
    let (before, after) = (Scene::sqlite(), Scene::sqlite());
    populated(&before, 10, "before").await;
    populated(&after, 4_000, "after").await;
    let (old, new) = (before.sums(), after.sums());
    target.done(&["import", &before.path("sums.dump")]);
    assert_eq!(target.sums(), old);
    killed_half_way(target, &after.path("sums.dump"));
    let left = target.sums();
    assert!(left == old || left == new, "{left}");
    target.done(&["import", "--force", &after.path("sums.dump")]);
    assert_eq!(target.sums(), new);
}

#[tokio::test]
async fn kill_9_during_an_import_leaves_a_file_as_it_was() {
    leaves_the_target_as_it_was(&Scene::sqlite()).await;
}

#[tokio::test]
async fn kill_9_during_an_import_leaves_postgres_as_it_was() {
    let Some(database) = postgres::fresh_database("transfer: kill -9").await else { return };
    leaves_the_target_as_it_was(&Scene::on(database.url())).await;
}

#[tokio::test]
async fn a_dump_goes_through_a_pipe_and_nothing_else_does() {
    let (source, target, third) = (Scene::sqlite(), Scene::sqlite(), Scene::sqlite());
    populated(&source, 100, "piped").await;
    let dump = source.done(&["export", "--json", "-"]);
    let told = String::from_utf8_lossy(&dump.stderr);
    let told = told.lines().find(|line| line.starts_with('{')).unwrap();
    let told: Value = serde_json::from_str(told).unwrap();
    let mut import = target.command(&["import", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(&dump.stdout).unwrap();
    assert!(import.wait().unwrap().success());
    assert_eq!(target.sums(), told["tables"]);
    source.refused(&["backup", "-"], "export -");
    // Cut off on the way: there is not even a file.
    let mut import =
        third.command(&["restore", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(&dump.stdout[..dump.stdout.len() / 2]).unwrap();
    assert_eq!(import.wait().unwrap().code(), Some(1));
    assert!(!Path::new(&third.path("holdfast.db")).exists());
}

#[tokio::test]
async fn a_damaged_copy_and_one_without_its_log_are_refused_and_the_target_stays() {
    let (source, target) = (Scene::sqlite(), Scene::sqlite());
    populated(&source, 2_000, "copy").await;
    populated(&target, 5, "target").await;
    let before = target.sums();
    let copy = source.path("copy.db");
    source.done(&["backup", &copy]);
    source.refused(&["backup", &copy], "--force");
    target.refused(&["import", &copy], "holdfast restore");
    let whole = std::fs::read(&copy).unwrap();
    let mut damaged = whole.clone();
    for byte in damaged.iter_mut().skip(40 * 4_096).step_by(7).take(4_000) {
        *byte ^= 0x55;
    }
    std::fs::write(&copy, &damaged).unwrap();
    target.refused(&["restore", "--check", &copy], "damaged");
    target.refused(&["restore", "--force", &copy], "damaged");
    std::fs::write(&copy, &whole[..whole.len() / 2]).unwrap();
    target.refused(&["restore", "--force", &copy], "damaged");
    std::fs::write(&copy, &whole).unwrap();
    std::fs::write(format!("{copy}-wal"), "rows that the copy does not have").unwrap();
    target.refused(&["restore", "--force", &copy], "copy.db-wal");
    std::fs::write(&copy, "neither").unwrap();
    target.refused(&["restore", "--force", &copy], "no dump");
    target.refused(&["restore", "--force", "missing"], "missing");
    assert_eq!(target.sums(), before);
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_restored_to_the_newest() {
    let (source, target) = (Scene::sqlite(), Scene::sqlite());
    populated(&source, 5, "old").await;
    source.done(&["migrate", "down", "--to", "m20261121_000012"]);
    source.done(&["backup", "old.db"]);
    target.done(&["restore", &source.path("old.db")]);
    target.done(&["migrate", "status"]);
    let file = format!("sqlite://{}", target.path("holdfast.db"));
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let row = sqlx::query("SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM personal_tokens)")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (5, 0));
    connection.close().await.unwrap();
}
