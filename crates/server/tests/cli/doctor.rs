//! `holdfast doctor`: what it finds, what its exit code is, and that it leaves everything as it was.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::scene::{Answer, Scene};

/// A scene whose port is nobody's in particular.
fn quiet(scene: Scene) -> Scene {
    scene.with("PORT", "0")
}

/// What was found, and the exit code.
struct Found {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Found {
    fn by(scene: &Scene) -> Self {
        Self::of(&scene.run(&["doctor", "--json"]))
    }

    fn of(answer: &Answer) -> Self {
        assert!(!format!("{answer:?}").contains("hunter2"), "a secret was told: {answer:?}");
        let report = answer.json();
        let findings = report["findings"].as_array().unwrap().clone();
        assert!(
            findings.iter().all(|finding| (finding["state"] == "ok") == finding["mend"].is_null()),
            "{findings:#?}"
        );
        Self { code: answer.code, findings }
    }

    /// The finding of this check with this state and this text.
    #[track_caller]
    fn has(&self, check: &str, state: &str, told: &str) {
        let found = self.findings.iter().any(|finding| {
            finding["check"] == check
                && finding["state"] == state
                && format!("{} {}", finding["what"], finding["mend"]).contains(told)
        });
        assert!(found, "no {state} of {check} tells {told:?}: {:#?}", self.findings);
    }

    #[track_caller]
    fn ends_with(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{:#?}", self.findings);
    }
}

#[test]
fn an_embedded_database_is_well_and_one_that_is_not_there_yet_is_not_made() {
    let scene = quiet(Scene::new());
    let found = Found::by(&scene);
    found.has("database", "warning", "does not exist yet");
    found.ends_with(0);
    assert_eq!(scene.path().read_dir().unwrap().count(), 0, "something was made");

    scene.done(&["migrate", "up"]);
    let found = Found::by(&scene);
    found.has("database", "ok", "SQLite 3");
    found.has("migrations", "ok", "are applied");
    found.has("port", "ok", "is free");
    found.has("mail", "ok", "written into");
    found.ends_with(0);
    let text = scene.done(&["doctor"]);
    assert!(text.contains("failure: 0") && !text.contains("mend: "), "{text}");
}

#[test]
fn faulty_settings_are_told_one_by_one_with_exit_code_78() {
    let scene =
        Scene::new().with("PORT", "eighty").with("ENVIRONMENT", "production").with("SMTP_URL", "hunter2");
    let found = Found::by(&scene);
    for variable in ["PORT", "SMTP_URL", "DATABASE_URL"] {
        found.has("settings", "failure", variable);
    }
    found.ends_with(78);
    let text = scene.run(&["doctor"]);
    assert!(text.code == Some(78) && text.stdout.contains("mend: expected"), "{text:?}");
}

#[test]
fn a_database_that_does_not_answer_is_told_with_its_remedy() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let deaf = format!("postgresql://app:hunter2@{}/app", deaf.local_addr().unwrap());
    for (url, told) in [
        ("postgresql://app:hunter2@127.0.0.1:1/app", "check host and port"),
        ("sqlite://mistyped/holdfast.db", "make the folder mistyped"),
        (deaf.as_str(), "no answer within"),
    ] {
        let scene = quiet(Scene::new()).with("DATABASE_URL", url);
        let found = Found::by(&scene);
        found.has("database", "failure", told);
        found.has("port", "ok", "is free");
        found.ends_with(1);
    }
}

#[tokio::test]
async fn a_fine_postgres_is_well_and_pending_migrations_are_not() {
    let Some(scene) = Scene::on_postgres().await.map(quiet) else { return };
    let found = Found::by(&scene);
    found.has("migrations", "failure", "pending");
    found.has("migrations", "failure", "holdfast migrate up");
    found.ends_with(1);
    scene.done(&["migrate", "up"]);
    let found = Found::by(&scene);
    found.has("database", "ok", "PostgreSQL");
    found.has("migrations", "ok", "are applied");
    found.has("clock", "ok", "this machine's");
    found.has("tls", "ok", "on this machine");
    found.has("connections", "ok", "DATABASE_POOL_SIZE is 10");
    found.ends_with(0);
}

#[tokio::test]
async fn a_wrong_password_and_too_large_a_pool_are_told() {
    let Some(scene) = Scene::on_postgres().await.map(quiet) else { return };
    scene.done(&["migrate", "up"]);
    let scene = scene.with("DATABASE_POOL_SIZE", "1000");
    let found = Found::by(&scene);
    found.has("connections", "failure", "DATABASE_POOL_SIZE");
    found.ends_with(1);
    let url = scene.variable("DATABASE_URL").to_owned();
    let (before, after) = url.split_once("//").unwrap();
    let host = after.rsplit_once('@').map_or(after, |(_, host)| host);
    let scene = scene.with("DATABASE_URL", &format!("{before}//nobody-at-all:hunter2@{host}"));
    let found = Found::by(&scene);
    found.has("database", "failure", "check the user and the password");
    found.ends_with(1);
}

/// The journal of a newer version, another text, and rows of a clock that is fast.
#[tokio::test]
async fn a_changed_schema_and_rows_of_the_future_are_told() {
    let Some(scene) = Scene::on_postgres().await.map(quiet) else { return };
    scene.done(&["migrate", "up"]);
    scene.done(&["seed", "--users", "1", "--tasks", "0"]);
    let mut connection = PgConnection::connect(scene.variable("DATABASE_URL")).await.unwrap();
    for change in [
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_later', 1)",
        "UPDATE users SET created_at = now() + interval '1 hour'",
    ] {
        sqlx::query(change).execute(&mut connection).await.unwrap();
    }
    let found = Found::by(&scene);
    found.has("migrations", "warning", "m29990101_000001_later");
    found.has("clock", "warning", "in the future");
    found.ends_with(0);
}

/// A role that may read alone, and one that may do everything.
#[tokio::test]
async fn the_rights_of_the_role_are_told() {
    let Some(scene) = Scene::on_postgres().await.map(quiet) else { return };
    scene.done(&["migrate", "up"]);
    let url = scene.variable("DATABASE_URL").to_owned();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let role = format!("reader_{}", std::process::id());
    let grants = format!(
        "CREATE ROLE {role} LOGIN PASSWORD '{role}'; GRANT USAGE ON SCHEMA public TO {role}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; GRANT INSERT, UPDATE, DELETE ON tasks TO {role}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(grants)).execute(&mut connection).await.unwrap();
    let own = Found::by(&scene);
    let (before, after) = url.split_once("//").unwrap();
    let host = after.rsplit_once('@').map_or(after, |(_, host)| host);
    let scene = scene.with("DATABASE_URL", &format!("{before}//{role}:{role}@{host}"));
    let found = Found::by(&scene);
    let dropped = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(dropped)).execute(&mut connection).await.unwrap();
    own.has("rights", "warning", "is a superuser");
    found.has("rights", "failure", &format!("the role {role} may not read and write"));
    let told =
        found.findings.iter().find(|finding| finding["check"] == "rights").unwrap()["what"].to_string();
    assert!(told.contains("users") && !told.contains("tasks"), "{told}");
    found.ends_with(1);
}

#[test]
fn a_pooler_without_a_way_around_it_is_told() {
    let url = "postgresql://app:hunter2@db-pooler.invalid/app?sslmode=require";
    let found = Found::by(&quiet(Scene::new()).with("DATABASE_URL", url));
    found.has("urls", "warning", "DATABASE_URL_UNPOOLED");
    found.ends_with(1);
}

/// Whoever may do everything may write everywhere, so that somebody else looks.
#[test]
fn a_file_that_cannot_be_written_is_told() {
    let scene = quiet(Scene::new());
    scene.done(&["migrate", "up"]);
    let (data, program) = (scene.path().join("data"), scene.path().join("holdfast"));
    std::fs::copy(env!("CARGO_BIN_EXE_holdfast"), &program).unwrap();
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for path in [scene.path(), &data, &program] {
        open(path, 0o755);
    }
    open(&data.join("holdfast.db"), 0o644);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
        command = Command::new(&program);
        open(&data, 0o555);
    }
    command.args(["doctor", "--json"]).env_clear().env("PORT", "0").current_dir(scene.path());
    let answer =
        command.env("JWT_SECRET", "process-tests-only-0123456789-abcdefghijklmnop").output().unwrap();
    open(&data, 0o755);
    let report: Value =
        serde_json::from_slice(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    let told = report["findings"].to_string();
    assert!(told.contains("cannot be written") && answer.status.code() == Some(1), "{told}");
}

#[test]
fn secrets_that_others_may_read_are_told() {
    let scene = quiet(Scene::new());
    let file = scene.path().join(".env");
    std::fs::write(&file, "LOG_LEVEL=info\n").unwrap();
    for (mode, state, told) in [(0o644, "warning", "chmod 600"), (0o600, "ok", "only their owner")] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        Found::by(&scene).has("secrets", state, told);
    }
}

#[test]
fn a_relay_is_greeted_and_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let relay = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        writeln!(&stream, "220 relay.example ESMTP\r").unwrap();
        for line in BufReader::new(&stream).lines() {
            let line = line.unwrap();
            let end = line == "QUIT";
            writeln!(&stream, "{}\r", if end { "221 bye" } else { "250 relay.example" }).unwrap();
            heard.push(line);
            if end {
                break;
            }
        }
        heard
    });
    let scene =
        |url: &str| quiet(Scene::new()).with("SMTP_URL", url).with("MAIL_FROM", "no-reply@example.com");
    let greeted = Found::by(&scene(&url));
    let heard = relay.join().unwrap();
    greeted.has("mail", "ok", "answers");
    greeted.ends_with(0);
    assert!(heard[0].starts_with("EHLO") && !heard.iter().any(|line| line.starts_with("MAIL")), "{heard:?}");
    let gone = Found::by(&scene("smtp://127.0.0.1:1"));
    gone.has("mail", "failure", "SMTP_URL");
    gone.ends_with(1);
}

#[tokio::test]
async fn a_port_is_free_served_or_somebody_elses() {
    let scene = Scene::new();
    let server = scene.serve();
    let scene = scene.with("PORT", &server.port());
    Found::by(&scene).has("port", "ok", "is ready already");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in other.incoming() {
            let _ = writeln!(stream.unwrap(), "SSH-2.0-other\r");
        }
    });
    Found::by(&scene.with("PORT", &port)).has("port", "warning", "something else listens");
}

/// Also where its reader has gone.
#[test]
fn nobody_has_to_read_the_findings() {
    let scene = quiet(Scene::new());
    let mut child = scene.command(&["doctor"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
