//! What a request leaves in the log, and what it never leaves.

use std::{
    cell::RefCell,
    io::{self, Write},
    rc::Rc,
    sync::Once,
};

use holdfast_application::ports::StoreError;
use holdfast_testkit::fixtures::PASSWORD;
use serde_json::{Value, json};

use crate::app::TestApp;

/// What one test heard. A test and its application live on one thread.
#[derive(Clone, Default)]
pub(crate) struct Lines(Rc<RefCell<Vec<u8>>>);

thread_local! {
    static LISTENER: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// Writes to whoever listens on this thread.
struct Ear;

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LISTENER.with_borrow(|listener| {
            if let Some(lines) = listener {
                lines.0.borrow_mut().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Installs the one subscriber of this process, before the first application exists.
///
/// A subscriber for one thread would not do: `tracing` asks whichever thread comes by first whether anybody wants a
/// span, and remembers that thread's answer for all the others.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let subscriber = tracing_subscriber::fmt().json().with_writer(|| Ear).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// Stops listening when dropped.
pub(crate) struct Listening;

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENER.set(None);
    }
}

impl Lines {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }

    pub(crate) fn of_target(&self, target: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == target).collect()
    }
}

pub(crate) fn listen() -> (Lines, Listening) {
    let lines = Lines::default();
    LISTENER.set(Some(lines.clone()));
    (lines, Listening)
}

#[actix_web::test]
async fn a_request_is_one_line_with_its_route_and_its_caller() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (lines, _guard) = listen();
    let answer = person.get("/api/v1/tasks/00000000-0000-0000-0000-000000000000?q=private").send().await;
    app.get("/nothing/secret").send().await;
    let logged = lines.of_target("holdfast::http");
    assert_eq!(logged.len(), 2, "{}", lines.text());
    let fields = &logged[0]["fields"];
    assert_eq!((&fields["method"], &fields["route"]), (&json!("GET"), &json!("/api/v1/tasks/{id}")));
    assert_eq!((&fields["status"], &fields["user_id"]), (&json!(404), &json!(person.id)));
    assert_eq!(fields["request_id"], answer.header("x-request-id"));
    let line = lines.text().lines().find(|line| line.contains("/api/v1/tasks/{id}")).unwrap().to_owned();
    assert_eq!(line.matches(answer.header("x-request-id")).count(), 1, "the id is told once: {line}");
    assert!(fields["duration_ms"].is_number());
    assert_eq!(
        (&logged[1]["fields"]["route"], &logged[1]["fields"]["status"]),
        (&json!("none"), &json!(404))
    );
    assert!(logged[1]["fields"].get("user_id").is_none());
    assert!(!lines.text().contains("private"), "{}", lines.text());
}

#[actix_web::test]
async fn a_failure_is_logged_once_with_its_cause_and_the_request() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (lines, _guard) = listen();
    app.store.fail_nth(2, StoreError::Unexpected("relation tasks is upside down".into()));
    let answer = person.get("/api/v1/tasks").send().await;
    answer.problem(500, "SERVER_ERROR");
    let text = lines.text();
    assert_eq!(text.matches("upside down").count(), 1, "{text}");
    let line = text.lines().find(|line| line.contains("upside down")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["level"], &line["span"]["request_id"]),
        (&json!("ERROR"), &json!(answer.header("x-request-id")))
    );
}

#[actix_web::test]
async fn the_security_log_tells_what_is_committed_and_nothing_else() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let sign_in = async || {
        app.post("/api/v1/auth/login", &json!({ "email": person.email, "password": PASSWORD })).send().await
    };
    let told = |lines: &Lines| lines.of_target("holdfast::security").len();
    let (lines, _guard) = listen();
    let calls = app.store.calls();
    sign_in().await.expect(200);
    let calls = app.store.calls() - calls;
    assert_eq!(told(&lines), 1, "{}", lines.text());
    for n in 1..=calls {
        let (lines, _guard) = listen();
        app.store.fail_nth(n, StoreError::Unavailable("gone".into()));
        sign_in().await.problem(503, "SERVICE_UNAVAILABLE");
        assert_eq!(told(&lines), 0, "call {n}: {}", lines.text());
    }
}

#[actix_web::test]
async fn no_token_and_no_password_is_ever_logged() {
    let app = TestApp::new().await;
    let (lines, _guard) = listen();
    let person = app.person().await;
    person.get("/api/v1/auth/me").send().await.expect(200);
    app.post("/api/v1/auth/refresh", &json!({ "refresh_token": person.refresh })).send().await.expect(200);
    let wrong = json!({ "email": person.email, "password": "hunter2hunter2" });
    app.post("/api/v1/auth/signin", &wrong).send().await.problem(401, "INVALID_CREDENTIALS");
    let text = lines.text();
    for secret in [PASSWORD, "hunter2", &person.access, &person.refresh] {
        assert!(!text.contains(secret), "{text}");
    }
}
