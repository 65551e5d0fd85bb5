//! Which place a request has in a trace, and where that is told.

use std::sync::{Arc, Mutex};

use holdfast_application::{ports::StoreError, spans};
use holdfast_web::{Caller, Place, Places, SpanId, TraceId, TraceOptions};
use serde_json::{Value, json};

use crate::{
    app::{PROXY, STRANGER, Settings, TestApp},
    logs::{Lines, listen},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The line about the answer, and what the lines before it have in common.
async fn told(app: &TestApp, peer: &'static str, headers: &[(&str, &str)]) -> (Value, Value) {
    let person = app.person().await;
    let (lines, _guard) = listen();
    app.store.fail_nth(2, StoreError::Unexpected("upside down".into()));
    let ask = person.get("/api/v1/tasks").peer(peer);
    let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    ask.send().await.problem(500, "SERVER_ERROR");
    let answered = lines.of_target("holdfast::http").remove(0);
    let text = lines.text();
    let cause = text.lines().find(|line| line.contains("upside down")).unwrap();
    (answered["fields"].clone(), serde_json::from_str::<Value>(cause).unwrap()["span"].clone())
}

#[actix_web::test]
async fn every_line_of_a_request_has_the_trace_that_a_trusted_proxy_told() {
    let app = TestApp::new().await;
    let (answered, cause) = told(&app, PROXY, &[("traceparent", PARENT)]).await;
    assert_eq!((&answered["trace_id"], &answered["span_id"]), (&json!(TRACE), &json!(SPAN)));
    assert_eq!((&cause["trace_id"], &cause["span_id"]), (&json!(TRACE), &json!(SPAN)));
    assert_eq!(cause["trace_flags"], "01");
}

#[actix_web::test]
async fn a_trace_that_is_not_told_by_a_trusted_proxy_or_malformed_is_none() {
    let app = TestApp::new().await;
    let upper = PARENT.to_uppercase();
    let cases: [(&str, &[(&str, &str)]); 4] = [
        (PROXY, &[]),
        (STRANGER, &[("traceparent", PARENT)]),
        (PROXY, &[("traceparent", &upper)]),
        (PROXY, &[("tracestate", "a=1")]),
    ];
    for (peer, headers) in cases {
        let (answered, cause) = told(&app, peer, headers).await;
        for member in ["trace_id", "span_id", "trace_flags"] {
            assert_eq!((answered.get(member), cause.get(member)), (None, None), "{headers:?}");
        }
    }
    let traces = TraceOptions { believes_callers: false, encrypted: false, places: None };
    let app = TestApp::with(Settings { traces, ..Settings::default() }).await;
    let (answered, _) = told(&app, PROXY, &[("traceparent", PARENT)]).await;
    assert_eq!(answered.get("trace_id"), None);
}

/// Gives every request the same place, and keeps what it was told.
#[derive(Debug)]
struct OnePlace {
    sampled: bool,
    callers: Mutex<Vec<Option<Caller>>>,
}

impl Places for OnePlace {
    fn place(&self, caller: Option<&Caller>) -> Place {
        self.callers.lock().unwrap().push(caller.cloned());
        Place { trace: TraceId(0xfeed), span: SpanId(0xbeef), sampled: self.sampled }
    }
}

async fn traced(sampled: bool) -> (TestApp, Arc<OnePlace>) {
    let places = Arc::new(OnePlace { sampled, callers: Mutex::default() });
    let traces = TraceOptions { believes_callers: true, encrypted: true, places: Some(places.clone()) };
    (TestApp::with(Settings { traces, ..Settings::default() }).await, places)
}

#[actix_web::test]
async fn a_request_has_the_place_that_it_is_given_and_strangers_have_no_say_in_it() {
    for (sampled, flags) in [(true, "01"), (false, "00")] {
        let (app, places) = traced(sampled).await;
        places.callers.lock().unwrap().clear();
        for (peer, believed) in [(STRANGER, None), (PROXY, Some(SPAN))] {
            let (answered, cause) = told(&app, peer, &[("traceparent", PARENT), ("tracestate", "a=1")]).await;
            assert_eq!(answered["trace_id"], format!("{:032x}", 0xfeed));
            assert_eq!(
                (&cause["span_id"], &cause["trace_flags"]),
                (&json!("000000000000beef"), &json!(flags))
            );
            let caller = places.callers.lock().unwrap().pop().unwrap();
            assert_eq!(caller.as_ref().map(|caller| caller.span.to_string()).as_deref(), believed);
            assert_eq!(caller.and_then(|caller| caller.state).as_deref(), believed.map(|_| "a=1"));
        }
    }
}

fn recorded(lines: &Lines) -> Vec<Value> {
    lines.of_target(spans::TARGET).into_iter().map(|mut line| line["fields"].take()).collect()
}

#[actix_web::test]
async fn what_is_recorded_of_a_request_is_of_our_making() {
    let (app, _) = traced(true).await;
    let person = app.person().await;
    let (lines, _guard) = listen();
    let path = "/api/v1/tasks/00000000-0000-4000-8000-00000000cafe?token=hush";
    person.get(path).peer(PROXY).header("traceparent", PARENT).header("tracestate", "a=1").send().await;
    let expected = [
        json!({
            "otel.kind": "server", "otel.name": "GET", "http.request.method": "GET", "url.scheme": "https", "caller.span_id": SPAN,
            "caller.state": "a=1",
        }),
        json!({
            "otel.name": "GET /api/v1/tasks/{id}", "http.route": "/api/v1/tasks/{id}", "user.id": person.id,
            "http.response.status_code": 404,
        }),
    ];
    assert_eq!(recorded(&lines), expected);
}

#[actix_web::test]
async fn a_failure_of_ours_is_recorded_as_one_and_an_odd_request_tells_nothing() {
    let (app, _) = traced(true).await;
    let person = app.person().await;
    let (lines, _guard) = listen();
    app.store.fail_nth(2, StoreError::Unexpected("upside down".into()));
    person.get("/api/v1/tasks").send().await.problem(500, "SERVER_ERROR");
    let odd = actix_web::http::Method::from_bytes(b"BREW").unwrap();
    app.ask(odd, "/coffee/hush").send().await;
    let recorded = recorded(&lines);
    assert_eq!((&recorded[1]["error.type"], recorded[1].get("message")), (&json!("500"), None));
    assert_eq!(recorded[2]["http.request.method"], "_OTHER");
    assert_eq!(recorded[3].get("http.route"), None);
    let all = serde_json::to_string(&recorded).unwrap();
    assert!(!all.contains("hush") && !all.contains("BREW"), "{all}");
}

#[actix_web::test]
async fn nothing_is_recorded_of_a_request_that_is_not_sampled() {
    let (app, _) = traced(false).await;
    let (lines, _guard) = listen();
    app.get("/health/live").peer(PROXY).header("traceparent", PARENT).send().await.expect_status(200);
    assert!(recorded(&lines).is_empty(), "{}", lines.text());
}
