//! Traces of the real program at a collector: what they tell, what they never tell, and that nobody waits for them.

use std::{net::TcpListener, time::Duration};

use holdfast_testkit::postgres;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    collector::{Collector, Received, attribute},
    journey::{Traveller, client},
    page::Page,
    server::{SECRET, Server},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const OPS: (&str, &str) = ("OPS_ADDRESS", "127.0.0.1:0");
const PROXY: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.1");
const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "10");
const JSON: (&str, &str) = ("LOG_FORMAT", "json");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn of(trace: &str) -> impl Fn(&Span) -> bool {
    move |span| hex(&span.trace_id) == trace
}

fn told(span: &Span, name: &str) -> String {
    attribute(&span.attributes, name).unwrap_or_else(|| panic!("{name} in {span:#?}"))
}

fn create(server: &Server, access: &str, title: &str) -> RequestBuilder {
    let request = client().post(format!("{}/api/v1/tasks?note={title}", server.base)).bearer_auth(access);
    request.json(&json!({ "title": title, "description": title }))
}

fn lines(said: &[String]) -> Vec<Value> {
    said.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A task is created within the trace of a caller; what is told of it goes down to the statement.
async fn a_task_from_the_request_to_the_statement(database: &[(&str, &str)], system: &str) {
    let (directory, collector) = (TempDir::new().unwrap(), Collector::start());
    let headers = "authorization=Bearer%20hush,x-team=a";
    let export = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", headers),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_SERVICE_NAME", "todo"),
    ];
    let server =
        Server::start(directory.path(), &[&export[..], &[PROXY, SOON, JSON, OPS], database].concat());
    let mut ada = Traveller::new(&server.base);
    let (access, _) = ada.sign_up().await;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let request = create(&server, &access, "confidential").header("traceparent", &parent);
    let answer = request.header("tracestate", "vendor=1").send().await.unwrap();
    assert_eq!(answer.status(), 201);

    let ours = of(TRACE);
    let request = collector.find(|span| ours(span) && span.kind() == SpanKind::Server).await;
    let call = collector.find(|span| ours(span) && span.name == "tasks.insert").await;
    let statement = collector.find(|span| ours(span) && span.name == "INSERT").await;
    assert_eq!(
        (request.name.as_str(), hex(&request.parent_span_id)),
        ("POST /api/v1/tasks", PARENT.to_owned())
    );
    assert_eq!((request.trace_state.as_str(), request.flags & 0x300), ("vendor=1", 0x300));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/v1/tasks"),
        ("http.response.status_code", "201"),
        ("url.scheme", "http"),
    ] {
        assert_eq!(told(&request, name), value);
    }
    assert_eq!(told(&request, "user.id").len(), 36);
    assert_eq!(request.attributes.len(), 5, "{request:#?}");
    assert_eq!(call.parent_span_id, request.span_id);
    assert_eq!(
        (told(&call, "db.system.name").as_str(), told(&call, "db.operation.name").as_str()),
        (system, "tasks.insert")
    );
    assert_eq!(
        (statement.parent_span_id.as_slice(), statement.kind()),
        (call.span_id.as_slice(), SpanKind::Client)
    );
    let text = told(&statement, "db.query.text");
    assert!(
        text.starts_with("INSERT INTO \"tasks\"") && (text.contains("$1") || text.contains('?')),
        "{text}"
    );
    for (inner, outer) in [(&statement, &call), (&call, &request)] {
        assert!(outer.start_time_unix_nano <= inner.start_time_unix_nano, "{outer:#?}{inner:#?}");
        assert!(inner.start_time_unix_nano <= inner.end_time_unix_nano);
    }
    // The sign-up told no trace, and has one of its own.
    let hash = collector.find(|span| span.name == "passwords.hash").await;
    let sign_up = collector.find(|span| span.name == "POST /api/v1/auth/signup").await;
    assert_eq!((&hash.trace_id, &hash.parent_span_id), (&sign_up.trace_id, &sign_up.span_id));
    assert!(!ours(&sign_up) && sign_up.parent_span_id.is_empty());
    let work = collector.find(|span| span.name == "passwords.work").await;
    assert_eq!(work.parent_span_id, hash.span_id);
    // What a unit of work does goes on without its client, and belongs to the request all the same.
    let commit = collector.find(|span| span.name == "unit.commit" && span.trace_id == sign_up.trace_id).await;
    collector.find(|span| span.name == "COMMIT" && span.parent_span_id == commit.span_id).await;

    let exported = Page::of(&server.operations).await.sum("holdfast_spans_total", &[("outcome", "exported")]);
    assert!(exported >= 5.0, "{exported}");
    let said = server.stop();
    for received in collector.received() {
        let Received { head, body } = received;
        assert!(head.starts_with("post /v1/traces http/1.1\r\n") && head.contains("x-team: a\r\n"), "{head}");
        assert!(head.contains("authorization: bearer hush\r\n"), "{head}");
        assert!(!String::from_utf8_lossy(&body).contains("confidential"));
    }
    let answered = lines(&said).into_iter().find(|line| line["route"] == "/api/v1/tasks").unwrap();
    assert_eq!((&answered["trace_id"], &answered["span_id"]), (&json!(TRACE), &json!(hex(&request.span_id))));
    assert!(said.iter().all(|line| !line.contains("holdfast::spans") && !line.contains("hush")), "{said:#?}");
}

#[tokio::test]
async fn a_task_is_traced_from_the_request_to_the_statement_on_sqlite() {
    a_task_from_the_request_to_the_statement(&[], "sqlite").await;
}

#[tokio::test]
async fn a_task_is_traced_from_the_request_to_the_statement_on_postgres() {
    let Some(database) = postgres::fresh_database("operations").await else { return };
    let settings = [
        ("DATABASE_URL", database.url()),
        ("MIGRATE_ON_START", "true"),
        ("ENVIRONMENT", "development"),
        ("JWT_SECRET", SECRET),
    ];
    a_task_from_the_request_to_the_statement(&settings, "postgresql").await;
}

#[tokio::test]
async fn what_fails_is_told_as_a_failure_by_the_call_and_its_statement() {
    let (directory, collector) = (TempDir::new().unwrap(), Collector::start());
    let export = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()), SOON];
    let server = Server::start(directory.path(), &export);
    let mut ada = Traveller::new(&server.base);
    ada.sign_up().await;
    let again = json!({ "email": super::journey::EMAIL, "password": super::journey::PASSWORD });
    let answer =
        client().post(format!("{}/api/v1/auth/signup", server.base)).json(&again).send().await.unwrap();
    assert_eq!(answer.status(), 409);
    let refused = collector.find(|span| attribute(&span.attributes, "error.type").is_some()).await;
    let trace = hex(&refused.trace_id);
    let trace = of(&trace);
    let statement = collector
        .find(|span| trace(span) && attribute(&span.attributes, "error.type").as_deref() == Some("duplicate"))
        .await;
    assert_eq!(statement.status.unwrap().code(), StatusCode::Error);
    let request = collector.find(|span| trace(span) && span.kind() == SpanKind::Server).await;
    assert_eq!(told(&request, "http.response.status_code"), "409");
    // A 4xx is no failure of the server.
    assert_eq!(request.status.unwrap().code(), StatusCode::Unset);
}

#[tokio::test]
async fn a_caller_decides_whether_its_trace_is_recorded_and_a_malformed_one_is_none() {
    let (directory, collector) = (TempDir::new().unwrap(), Collector::start());
    let export = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
        PROXY,
        SOON,
        JSON,
    ];
    let server = Server::start(directory.path(), &export);
    let other = "1".repeat(32);
    for (parent, route) in [
        (format!("00-{other}-{PARENT}-00"), "/health/live"),
        (format!("00-{other}-{PARENT}-1"), "/health"),
        (format!("00-{TRACE}-{PARENT}-01"), "/api/v1/auth/me"),
    ] {
        client().get(format!("{}{route}", server.base)).header("traceparent", parent).send().await.unwrap();
    }
    let recorded = collector.find(of(TRACE)).await;
    assert_eq!(recorded.name, "GET /api/v1/auth/me");
    let said = server.stop();
    assert_eq!(collector.spans().iter().filter(|span| !of(TRACE)(span)).count(), 0);
    let traces = |route: &str| {
        let said = lines(&said);
        let line =
            said.iter().find(|line| line["route"] == route).unwrap_or_else(|| panic!("{route}: {said:#?}"));
        line["trace_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(traces("/health/live"), other);
    // In a trace of its own, which is not recorded.
    assert!(![other.as_str(), TRACE].contains(&traces("/health").as_str()));
}

#[tokio::test]
async fn without_a_collector_log_lines_join_the_trace_of_a_trusted_proxy_alone() {
    for (proxies, trace) in [(Some(PROXY), Some(TRACE)), (None, None)] {
        let directory = TempDir::new().unwrap();
        let server = Server::start(directory.path(), &[&[JSON][..], proxies.as_slice()].concat());
        let parent = format!("00-{TRACE}-{PARENT}-01");
        let request = client().get(format!("{}/health/live", server.base)).header("traceparent", parent);
        assert_eq!(request.send().await.unwrap().status(), 200);
        let said = lines(&server.stop());
        let line = said.iter().find(|line| line["route"] == "/health/live").unwrap();
        assert_eq!(line.get("trace_id").and_then(Value::as_str), trace);
        assert_eq!(line.get("span_id").and_then(Value::as_str), trace.map(|_| PARENT));
    }
}

/// Requests are answered as ever, spans are counted, and the log says it once.
async fn nobody_waits(endpoint: &str, further: &[(&str, &str)], outcome: &str) -> Vec<String> {
    let directory = TempDir::new().unwrap();
    let export =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"), SOON, OPS];
    let server = Server::start(directory.path(), &[&export[..], further].concat());
    let mut ada = Traveller::new(&server.base);
    let (access, _) = ada.sign_up().await;
    let lost =
        async || Page::of(&server.operations).await.sum("holdfast_spans_total", &[("outcome", outcome)]);
    while lost().await < 5.0 {
        let answer = create(&server, &access, "x").send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
    server.stop()
}

#[tokio::test]
async fn a_collector_that_is_down_costs_spans_and_one_line_in_the_log() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said =
        nobody_waits(&format!("http://{gone}"), &[("OTEL_BSP_EXPORT_TIMEOUT", "1")], "not_taken").await;
    let told = said.iter().filter(|line| line.contains("spans are lost")).count();
    assert_eq!(told, 1, "{said:#?}");
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_spans_and_does_not_hold_the_end_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let taken = std::thread::spawn(move || silent.accept().unwrap());
    nobody_waits(&endpoint, &[("OTEL_BSP_MAX_QUEUE_SIZE", "1")], "no_room").await;
    drop(taken.join().unwrap());
}

#[tokio::test]
async fn what_waits_is_sent_at_the_end() {
    let (directory, collector) = (TempDir::new().unwrap(), Collector::start());
    let export =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "600000")];
    let server = Server::start(directory.path(), &export);
    let live = client().get(format!("{}/health/live", server.base)).send().await.unwrap();
    assert_eq!(live.status(), 200);
    assert!(collector.spans().is_empty());
    server.stop();
    tokio::time::timeout(Duration::from_mins(1), collector.find(|span| span.name == "GET /health/live"))
        .await
        .unwrap();
}
