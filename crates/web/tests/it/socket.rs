//! The application behind a real listener with several workers.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use actix_web::{HttpServer, rt::task::spawn_blocking};
use holdfast_web::{Allowance, RateLimit, app};

use crate::app::{Settings, TestApp};

/// Serves on a free port until the handle is stopped.
async fn serve(settings: Settings) -> (SocketAddr, actix_web::dev::ServerHandle) {
    let state = TestApp::with(settings).await.state;
    let server =
        HttpServer::new(move || app(&state)).workers(3).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (address, handle)
}

/// Sends bytes on a connection of their own and reads until the other side closes.
async fn exchange(address: SocketAddr, request: Vec<u8>) -> String {
    let exchanged = spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        // The server may answer and close before everything is sent.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    });
    exchanged.await.unwrap()
}

fn request(line: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[actix_web::test]
async fn the_workers_share_their_buckets() {
    let slow = Allowance::per_minute(20, 1);
    let rate_limit = RateLimit::On { sign_in: slow, refresh: slow };
    let (address, handle) = serve(Settings { rate_limit, ..Settings::default() }).await;
    for n in 0..26 {
        // Nobody is tried twice.
        let body = format!(r#"{{"email":"nobody{n}@example.com","password":"wrong password"}}"#);
        let answer = exchange(address, request("POST /api/v1/auth/login", &body)).await;
        let expected = if n < 20 { "HTTP/1.1 401" } else { "HTTP/1.1 429" };
        assert!(answer.starts_with(expected), "{n}: {answer}");
    }
    handle.stop(false).await;
}

#[actix_web::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let (address, handle) = serve(Settings::default()).await;
    let get = exchange(address, request("GET /health", "")).await;
    let head = exchange(address, request("HEAD /health", "")).await;
    assert!(get.ends_with(r#"{"status":"healthy"}"#), "{get}");
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.to_lowercase().contains("content-length: 20"), "{head}");
    handle.stop(false).await;
}

#[actix_web::test]
async fn ten_megabytes_are_refused_without_being_read() {
    let (address, handle) = serve(Settings::default()).await;
    let answer = exchange(address, request("POST /api/v1/auth/login", &"x".repeat(10 * 1024 * 1024))).await;
    // Where the connection was reset before the answer was read, nothing is left to look at.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    let announced = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10485760\r\n\r\n";
    let answer = exchange(address, announced.into()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
    handle.stop(false).await;
}

#[actix_web::test]
async fn raw_nonsense_in_a_path_is_not_found() {
    let (address, handle) = serve(Settings::default()).await;
    for path in ["/%ff%fe", "/api/v1/tasks/%00", "/..%2f..%2fetc/passwd", "/api//v1//tasks", "/%"] {
        let answer = exchange(address, request(&format!("GET {path}"), "")).await;
        assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 401"), "{path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{path}: {answer}");
    }
    handle.stop(false).await;
}
