//! Where operators look: on a listener of their own, beside the API on a developer's machine, and nowhere else.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    journey::client,
    page::Page,
    server::{SECRET, Server, output},
};

async fn status(base: &str, path: &str) -> u16 {
    client().get(format!("{base}{path}")).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn with_an_address_of_their_own_they_are_there_and_nowhere_else() {
    let directory = TempDir::new().unwrap();
    let variables = [("OPS_ADDRESS", "localhost:0"), ("DATABASE_POOL_SIZE", "7"), ("JWT_SECRET", SECRET)];
    let server = Server::start(directory.path(), &variables);
    for path in ["/metrics", "/health/config"] {
        assert_eq!(status(&server.operations, path).await, 200, "{path}");
        assert_eq!(status(&server.base, path).await, 404, "{path}");
    }
    for path in ["/", "/health/live", "/api/v1/tasks"] {
        assert_eq!(status(&server.operations, path).await, 404, "{path}");
    }
    let shown = client().get(format!("{}/health/config", server.operations)).send().await.unwrap();
    let shown: Value = shown.json().await.unwrap();
    assert_eq!(shown["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(shown["environment"], "development");
    assert!(shown["started_at"].as_str().unwrap().ends_with('Z'), "{shown}");
    let setting = |name: &str| {
        let settings = shown["settings"].as_array().unwrap();
        settings.iter().find(|row| row["variable"] == name).unwrap().clone()
    };
    assert_eq!(setting("DATABASE_POOL_SIZE")["value"], "7");
    assert_eq!(setting("DATABASE_POOL_SIZE")["source"], "environment");
    assert_eq!(setting("JWT_SECRET")["value"], "[redacted]");
}

#[tokio::test]
async fn a_developer_finds_them_beside_the_api() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[]);
    assert_eq!(status(&server.base, "/metrics").await, 200);
    assert_eq!(status(&server.base, "/health/config").await, 200);
}

#[tokio::test]
async fn in_production_nobody_finds_them_by_chance_and_the_log_says_so() {
    let directory = TempDir::new().unwrap();
    let variables = [
        ("ENVIRONMENT", "production"),
        ("JWT_SECRET", SECRET),
        ("DATABASE_URL", "sqlite://holdfast.db"),
        ("ALLOW_SQLITE_IN_PRODUCTION", "true"),
        ("ALLOWED_ORIGINS", "https://app.example"),
        ("PUBLIC_URL", "https://app.example"),
    ];
    let server = Server::start(directory.path(), &variables);
    assert_eq!(status(&server.base, "/health/live").await, 200);
    assert_eq!(status(&server.base, "/metrics").await, 404);
    assert_eq!(status(&server.base, "/health/config").await, 404);
    let said = server.stop();
    assert!(said.iter().any(|line| line.contains("OPS_ADDRESS") && line.contains("/metrics")), "{said:#?}");
}

#[test]
fn an_address_that_is_taken_ends_the_start_with_its_name() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = TempDir::new().unwrap();
    let (code, said) = output(directory.path(), &[("OPS_ADDRESS", &address)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("OPS_ADDRESS") && said.contains(&address), "{said}");
}

#[test]
fn an_address_that_is_none_is_a_fault_of_its_name() {
    let directory = TempDir::new().unwrap();
    for (address, why) in [
        ("9464", "is not an IP address with a port"),
        ("metrics.example:9464", "is not an IP address with a port"),
        ("127.0.0.1:65536", "is not an IP address with a port"),
        ("http://127.0.0.1:9464", "is not an IP address with a port"),
        ("127.0.0.1:8123", "is the address of the API"),
        ("localhost:8123", "is the address of the API"),
        ("0.0.0.0:8123", "is the address of the API"),
    ] {
        let (code, said) = output(directory.path(), &[("OPS_ADDRESS", address), ("PORT", "8123")]);
        assert_eq!(code, Some(78), "{address}: {said}");
        assert!(said.contains("OPS_ADDRESS") && said.contains(why), "{address}: {said}");
    }
}

/// A request whose body is still to come holds the server up, and monitoring sees it finish.
#[tokio::test]
async fn they_are_answered_until_the_last_request_is() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[("OPS_ADDRESS", "127.0.0.1:0"), ("DRAIN_DELAY", "0")]);
    let address = server.base.strip_prefix("http://").unwrap().to_owned();
    let mut slow = TcpStream::connect(&address).unwrap();
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    slow.write_all(head.as_bytes()).unwrap();
    while Page::of(&server.operations).await.sum("http_server_active_requests", &[]) < 1.0 {}
    server.signal("TERM");
    while TcpStream::connect(&address).is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(Page::of(&server.operations).await.sum("http_server_active_requests", &[]) >= 1.0);
    slow.write_all(b"{}").unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    let operations = server.operations.clone();
    let (code, said) = server.end();
    assert_eq!(code, Some(0), "{said:#?}");
    assert!(client().get(operations).send().await.is_err(), "it goes on without the server");
}
