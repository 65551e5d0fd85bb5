//! The program as operators meet it: started, asked, signalled and killed as a process of its own.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use holdfast_testkit::{ChaosProxy, NetworkFault, postgres};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "process-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789";

/// The program in `directory`, with these variables and no others of ours.
fn holdfast(directory: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.env_clear().envs(variables.iter().copied()).current_dir(directory);
    command
}

/// The program with a socket that is handed over as systemd does it: as file 3, to this very process.
#[cfg(unix)]
fn handed(socket: &std::net::TcpListener, directory: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("/bin/sh");
    let hand = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve 3<&0 0</dev/null"#;
    command.args(["-c", hand, env!("CARGO_BIN_EXE_holdfast")]).current_dir(directory);
    command.env_clear().envs(variables.iter().copied());
    command.stdin(std::os::fd::OwnedFd::from(socket.try_clone().unwrap()));
    command
}

/// A server of its own process; killed when dropped.
struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(directory: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_by(holdfast(directory, variables))
    }

    fn start_by(mut command: Command) -> Self {
        let mut child = command.env("PORT", "0").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let base = lines
            .by_ref()
            .find_map(|line| {
                let line = line.unwrap();
                let base = line.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
                let base = base.map(ToOwned::to_owned);
                said.push(line);
                base
            })
            .unwrap_or_else(|| panic!("the server said only: {said:#?}"));
        // Whoever writes logs needs somebody who reads them.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, base }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    fn exit_code(mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        assert!(status.code().is_some(), "{status}");
        status.code()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
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

async fn sign_up(server: &Server, email: &str) -> Value {
    let wish = json!({ "email": email, "password": PASSWORD });
    let answer =
        client().post(format!("{}/api/v1/auth/signup", server.base)).json(&wish).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json::<Value>().await.unwrap()["data"].clone()
}

async fn create(server: &Server, access: &str, title: &str) -> bool {
    let request = client().post(format!("{}/api/v1/tasks", server.base)).bearer_auth(access);
    request.json(&json!({ "title": title })).send().await.is_ok_and(|answer| answer.status() == 201)
}

async fn titles(server: &Server, access: &str) -> Vec<String> {
    let request = client().get(format!("{}/api/v1/tasks?limit=100&sort_order=asc", server.base));
    let answer = request.bearer_auth(access).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    let tasks = body["data"]["tasks"].as_array().unwrap();
    tasks.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

async fn status(server: &Server, path: &str) -> Option<u16> {
    client().get(format!("{}{path}", server.base)).send().await.ok().map(|answer| answer.status().as_u16())
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn without_any_setting_it_serves_from_an_embedded_database_and_survives_a_restart() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[]);
    let access = sign_up(&server, "ada@example.com").await["access_token"].as_str().unwrap().to_owned();
    assert!(create(&server, &access, "kept").await);
    for file in ["data/secret", "data/holdfast.db"] {
        let mode = directory.path().join(file).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file} is readable by others");
    }
    server.kill();
    let server = Server::start(directory.path(), &[]);
    assert_eq!(titles(&server, &access).await, ["kept"], "a restart signed somebody out or lost a task");
}

/// Both find no database, and both migrate before they serve.
#[tokio::test]
async fn two_servers_that_start_at_once_on_one_new_file_both_serve() {
    let folder = TempDir::new().unwrap();
    let variables = [("DATABASE_URL", "sqlite://data/holdfast.db"), ("JWT_SECRET", SECRET)];
    let start = || {
        let directory = folder.path().to_owned();
        tokio::task::spawn_blocking(move || Server::start(&directory, &variables))
    };
    let (one, other) = tokio::join!(start(), start());
    let (one, other) = (one.unwrap(), other.unwrap());
    let account = sign_up(&one, "ann@example.org").await;
    let access = account["access_token"].as_str().unwrap();
    assert!(create(&one, access, "from one").await && create(&other, access, "from the other").await);
    assert_eq!(titles(&one, access).await.len(), 2);
}

async fn killed_between_requests(directory: &Path, variables: &[(&str, &str)]) {
    let server = Server::start(directory, variables);
    let access = sign_up(&server, "ada@example.com").await["access_token"].as_str().unwrap().to_owned();
    let mut acknowledged = Vec::new();
    let mut server = Some(server);
    for round in 0..3 {
        let running = server.take().unwrap();
        for n in 0..8 {
            let title = format!("{round}-{n}");
            assert!(create(&running, &access, &title).await);
            acknowledged.push(title);
        }
        running.kill();
        server = Some(Server::start(directory, variables));
        assert_eq!(titles(server.as_ref().unwrap(), &access).await, acknowledged, "round {round}");
    }
}

#[tokio::test]
async fn kill_9_loses_no_acknowledged_write_on_sqlite() {
    let directory = TempDir::new().unwrap();
    killed_between_requests(directory.path(), &[]).await;
}

#[tokio::test]
async fn kill_9_loses_no_acknowledged_write_on_postgres() {
    let Some(database) = postgres::fresh_database("process").await else { return };
    let directory = TempDir::new().unwrap();
    let variables = [("DATABASE_URL", database.url()), ("JWT_SECRET", SECRET), ("MIGRATE_ON_START", "true")];
    killed_between_requests(directory.path(), &variables).await;
}

#[tokio::test]
async fn sigterm_turns_ready_off_goes_on_answering_and_exits_with_0() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[("DRAIN_DELAY", "2")]);
    assert_eq!(status(&server, "/health/ready").await, Some(200));
    server.signal("TERM");
    while status(&server, "/health/ready").await == Some(200) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(status(&server, "/health/ready").await, Some(503));
    assert_eq!(
        status(&server, "/health/live").await,
        Some(200),
        "it stopped accepting before the delay was over"
    );
    assert_eq!(server.exit_code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn whoever_connects_during_a_restart_is_answered_after_it_where_somebody_else_holds_the_socket() {
    let directory = TempDir::new().unwrap();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let start = || Server::start_by(handed(&socket, directory.path(), &[("DRAIN_DELAY", "0")]));
    let before = start();
    assert_eq!(before.base, format!("http://{}", socket.local_addr().unwrap()));
    assert_eq!(status(&before, "/health/live").await, Some(200));
    let live = format!("{}/health/live", before.base);
    before.signal("TERM");
    assert_eq!(before.exit_code(), Some(0));
    let waiting = tokio::spawn(client().get(live).send());
    let _after = start();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
}

#[cfg(unix)]
#[tokio::test]
async fn a_socket_that_can_be_reached_from_further_away_than_host_says_is_refused() {
    let directory = TempDir::new().unwrap();
    let socket = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let refused = run(&mut handed(&socket, directory.path(), &[]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused).contains("LISTEN_FDS") && text(&refused).contains("set HOST"),
        "{}",
        text(&refused)
    );
    let said = [("HOST", "0.0.0.0"), ("ENVIRONMENT", "development")];
    let server = Server::start_by(handed(&socket, directory.path(), &said));
    assert_eq!(server.base, format!("http://{}", socket.local_addr().unwrap()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_log_that_nobody_reads_stops_neither_requests_nor_the_end() {
    let directory = TempDir::new().unwrap();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = handed(&socket, directory.path(), &[("DRAIN_DELAY", "0"), ("LOG_FORMAT", "json")]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut server = Server { child, base: format!("http://{}", socket.local_addr().unwrap()) };
    let client = client();
    // More lines than fit into the pipe.
    for _ in 0..600 {
        let answer = client.get(format!("{}/health/live", server.base)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let unread = server.child.stderr.take().unwrap();
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
    let lines = BufReader::new(unread).lines().map(Result::unwrap);
    // The last one may be cut, where the end came.
    let whole = lines.filter(|line| line.ends_with('}')).collect::<Vec<_>>();
    assert!(whole.len() > 100 && whole.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[("DRAIN_DELAY", "60")]);
    server.signal("TERM");
    while status(&server, "/health/ready").await == Some(200) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.signal("INT");
    assert_eq!(server.exit_code(), Some(130));
}

#[test]
fn faulty_settings_are_told_together_with_exit_code_78() {
    let directory = TempDir::new().unwrap();
    let variables = [
        ("PORT", "eighty"),
        ("JWT_SECRET", "hunter2"),
        ("ENVIRONMENT", "production"),
        ("ALLOWED_ORIGINS", "*"),
    ];
    for arguments in [vec![], vec!["serve"], vec!["check-config"], vec!["migrate", "up"]] {
        let output = run(holdfast(directory.path(), &variables).args(&arguments));
        let said = text(&output);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}: {said}");
        for name in ["PORT", "JWT_SECRET", "ALLOWED_ORIGINS", "DATABASE_URL"] {
            assert!(said.contains(name), "{name} is missing in: {said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert!(directory.path().read_dir().unwrap().next().is_none(), "a refused start left files behind");
}

#[test]
fn a_database_that_must_not_or_cannot_be_used_stops_the_start_with_its_reason() {
    const REMOTE: &str = "postgresql://app:hunter2@db.example/app";
    const VERIFIED: &str =
        "postgresql://app:hunter2@db.example/app?sslmode=verify-full&sslrootcert=missing.pem";
    const REFUSED: &str = "postgresql://app:hunter2@127.0.0.1:1/app";
    let directory = TempDir::new().unwrap();
    for (environment, url, code, told) in [
        ("production", REMOTE, 78, ["DATABASE_URL: allows a connection without TLS", "sslmode=require"]),
        ("production", VERIFIED, 78, ["DATABASE_URL: names a file in sslrootcert", "a PEM file"]),
        ("development", VERIFIED, 78, ["DATABASE_URL: names a file in sslrootcert", "a PEM file"]),
        ("development", REFUSED, 1, ["127.0.0.1:1", "check host and port"]),
        ("development", "sqlite://mistyped/holdfast.db", 1, ["mistyped", "does not exist"]),
    ] {
        let variables = [
            ("ENVIRONMENT", environment),
            ("DATABASE_URL", url),
            ("JWT_SECRET", SECRET),
            ("DATABASE_WAKE_TIMEOUT", "1"),
        ];
        for arguments in [&["serve"][..], &["migrate", "up"]] {
            let output = run(holdfast(directory.path(), &variables).args(arguments));
            let said = text(&output);
            assert_eq!(output.status.code(), Some(code), "{url}: {said}");
            assert!(
                told.iter().all(|text| said.contains(text)) && !said.contains("hunter2"),
                "{url}: {said}"
            );
        }
    }
    assert_eq!(directory.path().read_dir().unwrap().count(), 0, "something was created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_wakes_the_database_is_answered_in_time_either_way() {
    let Some(database) = postgres::fresh_database("process").await else { return };
    let (proxy, sleeping) = ChaosProxy::before(database.url()).unwrap();
    let directory = TempDir::new().unwrap();
    let sleeping = format!("{sleeping}?pgbouncer=true");
    let variables = [
        ("DATABASE_URL", sleeping.as_str()),
        // The schema is looked at over another way, so that the server has not spoken to its database yet.
        ("DATABASE_URL_UNPOOLED", database.url()),
        ("MIGRATE_ON_START", "true"),
        ("REVOCATION", "strict"),
        ("JWT_SECRET", SECRET),
        ("DATABASE_WAKE_TIMEOUT", "60"),
    ];
    proxy.fail(NetworkFault::Held);
    let server = Server::start(directory.path(), &variables);
    let answer = client().get(format!("{}/health/ready", server.base)).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let base = server.base.clone();
    let waking = tokio::spawn(async move {
        client().get(format!("{base}/health/ready")).send().await.unwrap().status().as_u16()
    });
    proxy.heal().unwrap();
    assert_eq!(waking.await.unwrap(), 200);
    sign_up(&server, "ada@example.com").await;
}

#[test]
fn a_database_elsewhere_is_not_thrown_away_unless_somebody_says_it_is_development() {
    let directory = TempDir::new().unwrap();
    let url = "postgres://ada:hunter2@203.0.113.1:1/x?sslmode=require";
    let variables = [("DATABASE_URL", url), ("JWT_SECRET", SECRET)];
    let output = run(holdfast(directory.path(), &variables).args(["migrate", "fresh"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("production"), "{}", text(&output));
}

#[test]
fn check_config_prints_every_setting_and_no_secret() {
    let directory = TempDir::new().unwrap();
    let variables =
        [("JWT_SECRET", SECRET), ("DATABASE_URL", "postgres://ada:hunter2@db.example/x?sslmode=require")];
    let output = run(holdfast(directory.path(), &variables).arg("check-config"));
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("ACCESS_TOKEN_MINUTES") && said.contains("db.example"), "{said}");
    assert!(!said.contains(SECRET) && !said.contains("hunter2"), "{said}");
    let output = run(holdfast(directory.path(), &variables).args(["check-config", "--json"]));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&answer["valid"], &answer["faults"]), (&json!(true), &json!([])));
    let rows = answer["settings"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["variable"] == "PORT" && row["value"] == "8000"));
    let told = |variable: &str| {
        answer["warnings"].as_array().unwrap().iter().any(|warning| warning["variable"] == variable)
    };
    assert!(told("ENVIRONMENT") && output.stderr.is_empty(), "{}", text(&output));
}

#[tokio::test]
async fn a_healthcheck_asks_the_server_at_host_and_port() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[]);
    let port = server.base.rsplit(':').next().unwrap().to_owned();
    let check = || run(holdfast(directory.path(), &[("PORT", &port)]).arg("healthcheck"));
    assert!(check().status.success());
    server.kill();
    let output = check();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains(&port), "{}", text(&output));
}

#[tokio::test]
async fn on_postgres_it_does_not_migrate_unasked_and_says_which_command_does() {
    let Some(database) = postgres::fresh_database("process").await else { return };
    let directory = TempDir::new().unwrap();
    let variables = [("DATABASE_URL", database.url()), ("JWT_SECRET", SECRET), ("PORT", "0")];
    let refused = run(&mut holdfast(directory.path(), &variables));
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("holdfast migrate up"), "{}", text(&refused));
    let migrated = run(holdfast(directory.path(), &variables).args(["migrate", "up"]));
    assert!(migrated.status.success(), "{}", text(&migrated));
    let server = Server::start(directory.path(), &variables);
    sign_up(&server, "ada@example.com").await;
}

#[tokio::test]
async fn the_operator_makes_administrators() {
    let directory = TempDir::new().unwrap();
    let create_admin = |email: &str, password: &str| {
        let mut command = holdfast(directory.path(), &[]);
        command.args(["user", "create-admin", "--email", email]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // An account that exists asks for no password and may close the pipe first.
        let _ = writeln!(child.stdin.take().unwrap(), "{password}");
        child.wait_with_output().unwrap()
    };
    let server = Server::start(directory.path(), &[]);
    let ada = sign_up(&server, "ada@example.com").await;
    assert!(create_admin("ada@example.com", "").status.success());
    let old = client()
        .get(format!("{}/api/v1/auth/me", server.base))
        .bearer_auth(ada["access_token"].as_str().unwrap());
    assert_eq!(old.send().await.unwrap().status(), 401, "a token with the old role is still good");

    let reset = |email: &str| {
        holdfast(directory.path(), &[]).args(["user", "reset-second-factor", email]).output().unwrap()
    };
    for (email, why) in [("nobody@example.com", "no account"), ("ada@example.com", "no second factor")] {
        let refused = reset(email);
        assert!(!refused.status.success() && text(&refused).contains(why), "{}", text(&refused));
    }

    let weak = create_admin("root@example.com", "short");
    assert!(!weak.status.success() && text(&weak).contains("at least 8"), "{}", text(&weak));
    assert!(create_admin("root@example.com", PASSWORD).status.success());
    for email in ["ada@example.com", "root@example.com"] {
        let wish = json!({ "email": email, "password": PASSWORD });
        let answer =
            client().post(format!("{}/api/v1/auth/login", server.base)).json(&wish).send().await.unwrap();
        let access =
            answer.json::<Value>().await.unwrap()["data"]["access_token"].as_str().unwrap().to_owned();
        let me =
            client().get(format!("{}/api/v1/auth/me", server.base)).bearer_auth(access).send().await.unwrap();
        assert_eq!(me.json::<Value>().await.unwrap()["role"], "admin", "{email}");
    }
}

#[test]
fn the_committed_openapi_document_is_the_one_that_the_code_makes() {
    let directory = TempDir::new().unwrap();
    let output = run(holdfast(directory.path(), &[]).arg("openapi"));
    let committed = include_str!("../../../docs/openapi/v1.json");
    assert!(
        String::from_utf8_lossy(&output.stdout) == committed,
        "run: cargo run -- openapi > docs/openapi/v1.json"
    );
}
