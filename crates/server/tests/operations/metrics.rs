//! Metrics of the real program: every family is there, values move, and clients cannot make more series.

use holdfast_testkit::postgres;
use reqwest::Method;
use tempfile::TempDir;

use super::{
    journey::{Traveller, client},
    page::Page,
    server::{SECRET, Server},
};

const OWN: (&str, &str) = ("OPS_ADDRESS", "127.0.0.1:0");
const DURATION: &str = "http_server_request_duration_seconds_count";

/// A sign-up, wrong passwords, refreshes and forged tokens.
async fn use_it(server: &Server) {
    let mut ada = Traveller::new(&server.base);
    let (access, refresh) = ada.sign_up().await;
    ada.mistype().await;
    ada.refresh(&refresh).await;
    ada.forge(&access).await;
}

/// A family, the labels of some of its series, and by how much their sum has to rise.
type Rise<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

async fn values_move(server: &Server) {
    let before = Page::of(&server.operations).await;
    use_it(server).await;
    let after = Page::of(&server.operations).await;
    let rises: &[Rise<'_>] = &[
        (DURATION, &[("http_route", "/api/v1/auth/signup"), ("http_response_status_class", "2xx")], 1.0),
        (DURATION, &[("http_route", "/api/v1/auth/login"), ("http_response_status_class", "4xx")], 3.0),
        (DURATION, &[("http_route", "none"), ("http_request_method", "GET")], 1.0),
        ("holdfast_problems_total", &[("code", "INVALID_CREDENTIALS")], 2.0),
        ("holdfast_problems_total", &[("code", "TOKEN_INVALID")], 3.0),
        ("holdfast_security_events_total", &[("event", "signed_up")], 1.0),
        ("holdfast_security_events_total", &[("event", "sign_in_failed")], 3.0),
        ("holdfast_sign_ins_total", &[("outcome", "INVALID_CREDENTIALS")], 3.0),
        ("holdfast_refreshes_total", &[("outcome", "ok")], 2.0),
        ("holdfast_refreshes_total", &[("outcome", "REFRESH_TOKEN_INVALID")], 1.0),
        ("holdfast_refused_tokens_total", &[("reason", "access_not_valid")], 3.0),
        ("holdfast_refused_tokens_total", &[("reason", "refresh_not_valid")], 1.0),
        ("holdfast_password_hash_duration_seconds_count", &[], 4.0),
        (
            "holdfast_store_call_duration_seconds_count",
            &[("call", "users.find_by_email"), ("outcome", "ok")],
            3.0,
        ),
        ("holdfast_store_call_duration_seconds_count", &[("call", "unit.commit"), ("outcome", "ok")], 1.0),
        ("db_client_connection_wait_time_seconds_count", &[], 5.0),
    ];
    for (name, labels, by) in rises {
        let (before, after) = (before.sum(name, labels), after.sum(name, labels));
        assert!(after >= before + by, "{name}{labels:?} rose from {before} to {after}");
    }
    let buckets = after.sum("http_server_request_duration_seconds_bucket", &[("le", "+Inf")]);
    assert!((buckets - after.sum(DURATION, &[])).abs() < f64::EPSILON, "the last bucket holds all");
    for (name, least) in [
        ("process_cpu_seconds_total", 0.001),
        ("process_resident_memory_bytes", 1_000_000.0),
        ("process_open_fds", 3.0),
        ("process_start_time_seconds", 1_700_000_000.0),
        ("holdfast_build_info", 1.0),
        ("holdfast_migrations", 5.0),
        ("db_client_connection_max", 1.0),
        ("db_client_connection_count", 1.0),
        ("holdfast_mail_waiting_max", 1.0),
    ] {
        assert!(after.sum(name, &[]) >= least, "{name}: {}", after.sum(name, &[]));
    }
    assert!(after.sum("http_server_active_requests", &[]) < 1.0, "nobody is being answered");
    assert!(after.sum("holdfast_migrations", &[("state", "pending")]) < 1.0);
}

#[tokio::test]
async fn values_move_with_what_happens_on_sqlite() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[OWN]);
    values_move(&server).await;
}

#[tokio::test]
async fn values_move_with_what_happens_on_postgres() {
    let Some(database) = postgres::fresh_database("operations").await else { return };
    let directory = TempDir::new().unwrap();
    let variables = [
        OWN,
        ("DATABASE_URL", database.url()),
        ("MIGRATE_ON_START", "true"),
        ("ENVIRONMENT", "development"),
        ("JWT_SECRET", SECRET),
    ];
    let server = Server::start(directory.path(), &variables);
    values_move(&server).await;
    // Memory judges once the first poll is done, and it is done again each second.
    loop {
        let page = Page::of(&server.operations).await;
        if page.sum("holdfast_revocations_by_memory", &[]) > 0.0 {
            assert!(page.sum("holdfast_revocations_age_seconds", &[]) < 10.0);
            return;
        }
    }
}

#[tokio::test]
async fn a_thousand_paths_and_odd_methods_make_no_more_series_than_one() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[OWN]);
    let client = client();
    let ask = async |n: u32| {
        let id = format!("00000000-0000-4000-8000-feed{n:08}");
        let odd = Method::from_bytes(format!("ODD{n}").as_bytes()).unwrap();
        for (method, path) in [
            (Method::GET, format!("/nowhere-{n}/{id}")),
            (Method::GET, format!("/api/v1/tasks/{id}")),
            (Method::DELETE, format!("/api/v1/auth/sessions/{id}")),
            (odd, format!("/api/v1/users/{id}?x={n}")),
        ] {
            client.request(method, format!("{}{path}", server.base)).send().await.unwrap();
        }
    };
    ask(0).await;
    let before = Page::of(&server.operations).await;
    for n in 1..=250 {
        ask(n).await;
    }
    let after = Page::of(&server.operations).await;
    let added: Vec<_> = after.series.keys().filter(|series| !before.series.contains_key(*series)).collect();
    // Only what goes on by itself may come up meanwhile.
    let foreign: Vec<_> = added.iter().filter(|series| !series.starts_with("holdfast_store_call_")).collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
    assert!(after.sum(DURATION, &[]) >= before.sum(DURATION, &[]) + 1_000.0);
    for sent in ["nowhere", "feed", "ODD"] {
        assert!(!after.text.contains(sent), "{sent} came into a label");
    }
}

#[tokio::test]
async fn who_asks_for_open_metrics_gets_it() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[OWN]);
    let asked = client().get(format!("{}/metrics", server.operations));
    // As Prometheus asks.
    let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let answer = asked.header("accept", accept).send().await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("# TYPE holdfast_sign_ins counter\n"), "{text}");
}
