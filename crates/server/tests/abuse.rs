//! Clients that do not keep to HTTP, or to its pace, at the program itself over raw sockets. Whatever they send, they are refused
//! with 4xx or let go; nobody else waits for them, and nothing that follows a refused request is read as another one.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

/// Turns a hang into a failure.
const PATIENCE: Duration = Duration::from_mins(1);
const SMUGGLED: &str = "GET /health/live?smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// A server; killed when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Server {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        // As many files as a shell grants at first: the server takes more by itself.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "ulimit -S -n 1024 && exec \"$0\"", env!("CARGO_BIN_EXE_holdfast")]);
        command.env_clear().envs([("PORT", "0"), ("ENVIRONMENT", "development"), ("RATE_LIMIT", "off")]);
        let mut child = command.current_dir(directory.path()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let base = line.split("API: http://").nth(1).and_then(|rest| rest.split("/api/v1").next());
            let address = base.map(|base| base.parse().unwrap());
            said.push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("the server said only: {said:#?}"));
        // Whoever writes logs needs somebody who reads them.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, _directory: directory }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends the bytes, leaves the connection open, and reads until the server closes it.
    fn exchange(&self, bytes: &[u8]) -> Answers {
        let mut stream = self.connect();
        // The server may answer and close before everything is sent.
        let _ = stream.write_all(bytes);
        Answers::read(&mut stream)
    }

    fn is_well(&self) {
        let answers = self.exchange(b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(answers.statuses, [200], "{}", answers.text);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything that came back before the connection was closed.
struct Answers {
    statuses: Vec<u16>,
    text: String,
}

impl Answers {
    fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        if let Err(error) = stream.read_to_end(&mut bytes) {
            // A reset is the end as well: it was closed before everything was read.
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the connection hangs: {error}");
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let heads = text.split("HTTP/1.1 ").skip(1);
        Self { statuses: heads.map(|head| head[..3].parse().unwrap()).collect(), text }
    }
}

/// A request to sign in with these lines in its head, and what follows the head.
fn sign_in(lines: &str, rest: &str) -> String {
    format!(
        "POST /api/v1/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{lines}\r\n{rest}"
    )
}

/// Each is ambiguous somewhere: what a proxy takes for the body of one request, another server takes for the next request.
fn ambiguous() -> Vec<(&'static str, String)> {
    let after = |lines: &str| sign_in(lines, &format!("2\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}"));
    vec![
        ("both lengths", after("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n")),
        ("both lengths, the other way round", after("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n")),
        ("two lengths", after("Content-Length: 2\r\nContent-Length: 40\r\n")),
        ("the same length twice", after("Content-Length: 2\r\nContent-Length: 2\r\n")),
        ("a list of lengths", after("Content-Length: 2, 2\r\n")),
        ("a length with a sign", after("Content-Length: +2\r\n")),
        ("a length below zero", after("Content-Length: -1\r\n")),
        ("a length in other digits", after("Content-Length: 0x2\r\n")),
        ("a length of nothing", after("Content-Length:\r\n")),
        ("a length beyond 64 bits", after("Content-Length: 18446744073709551616\r\n")),
        ("two codings", after("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")),
        ("a list of codings", after("Transfer-Encoding: identity, chunked\r\n")),
        ("chunked twice", after("Transfer-Encoding: chunked, chunked\r\n")),
        ("another coding", after("Transfer-Encoding: xchunked\r\n")),
        ("a quoted coding", after("Transfer-Encoding: \"chunked\"\r\n")),
        ("a coding with a vertical tab", after("Transfer-Encoding: \u{b}chunked\r\n")),
        ("gzip", after("Transfer-Encoding: gzip\r\n")),
        ("a blank before the colon", after("Transfer-Encoding : chunked\r\nContent-Length: 2\r\n")),
        ("a folded line", after("Transfer-Encoding:\r\n chunked\r\nContent-Length: 2\r\n")),
        ("a line that begins with a blank", after(" Transfer-Encoding: chunked\r\nContent-Length: 2\r\n")),
        ("a bare CR in a value", after("X: a\rTransfer-Encoding: chunked\r\n")),
        ("a NUL in a value", after("X: a\0b\r\nContent-Length: 2\r\n")),
        ("a NUL in a name", after("X\0: a\r\nContent-Length: 2\r\n")),
        ("a line without a colon", after("Content-Length 2\r\n")),
        ("two hosts", after("Host: y\r\nContent-Length: 2\r\n")),
        (
            "a coding in HTTP/1.0",
            after("Transfer-Encoding: chunked\r\n")
                .replace("HTTP/1.1\r\nHost: x\r\nC", "HTTP/1.0\r\nHost: x\r\nC"),
        ),
        ("no host", format!("GET /health/live HTTP/1.1\r\n\r\n{SMUGGLED}")),
        ("another version", format!("GET /health/live HTTP/3.0\r\nHost: x\r\n\r\n{SMUGGLED}")),
        ("two blanks", format!("GET  /health/live  HTTP/1.1\r\nHost: x\r\n\r\n{SMUGGLED}")),
        ("no version", format!("GET /health/live\r\nHost: x\r\n\r\n{SMUGGLED}")),
        ("a preface of HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{SMUGGLED}")),
    ]
}

#[test]
fn an_ambiguous_request_is_400_and_nothing_behind_it_is_read() {
    let server = Server::start();
    for (name, request) in ambiguous() {
        let answers = server.exchange(request.as_bytes());
        assert_eq!(answers.statuses, [400], "{name}: {}", answers.text);
    }
    server.is_well();
}

#[test]
fn a_body_in_chunks_that_are_none_ends_the_connection() {
    let server = Server::start();
    let chunks = |rest: &str| sign_in("Transfer-Encoding: chunked\r\n", rest);
    for (name, rest) in [
        ("no number", "x\r\n{}\r\n0\r\n\r\n"),
        ("a negative size", "-2\r\n{}\r\n0\r\n\r\n"),
        ("a size beyond 64 bits", "fffffffffffffffff\r\n{}"),
        ("a size with 0x", "0x2\r\n{}\r\n0\r\n\r\n"),
        ("a chunk longer than it says", "2\r\n{}{}\r\n0\r\n\r\n"),
        ("a bare LF behind the size", "2\n{}\n0\n\n"),
        ("a bare CR in an extension", "2;a\rb\r\n{}\r\n0\r\n\r\n"),
    ] {
        let answers = server.exchange(chunks(&format!("{rest}{SMUGGLED}")).as_bytes());
        assert!(answers.statuses.iter().all(|status| *status == 400), "{name}: {}", answers.text);
        assert!(answers.statuses.len() <= 2, "{name}: {}", answers.text);
    }
    // What is left of such a body may come for a while yet, and is forgotten.
    let mut stream = server.connect();
    stream.write_all(chunks(&format!("ffffffff\r\n{}", "x".repeat(100_000))).as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    server.is_well();
}

#[test]
fn what_is_only_unusual_is_answered_in_the_form_of_a_problem_or_served() {
    let server = Server::start();
    let get = |target: &str, lines: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n")
    };
    let close = "Connection: close\r\n";
    for (name, request, status) in [
        ("absolute form", get("http://elsewhere/health/live", ""), 200),
        ("lines that end in LF alone", get("/health/live", "").replace("\r\n", "\n"), 200),
        (
            "an extension of a chunk",
            sign_in(&format!("{close}Transfer-Encoding: chunked\r\n"), "2;a=b\r\n{}\r\n0\r\n\r\n"),
            422,
        ),
        ("an unknown method", get("/health/live", "").replace("GET", "BREW"), 405),
        ("CONNECT", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(), 404),
        ("an asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(), 404),
        ("a large head", get("/health/live", &format!("X: {}\r\n", "x".repeat(20_000))), 431),
        ("a large target", get(&format!("/{}", "x".repeat(20_000)), ""), 431),
        ("a large length", sign_in("Content-Length: 18446744073709551615\r\n", ""), 413),
        ("bytes that are no text", sign_in(&format!("{close}Content-Length: 2\r\n"), "\u{1}\u{2}"), 400),
    ] {
        let answers = server.exchange(request.as_bytes());
        assert_eq!(answers.statuses, [status], "{name}: {}", answers.text);
        let problem =
            answers.text.contains("application/problem+json") && answers.text.contains("\"error_code\"");
        assert_eq!(problem, status != 200, "{name}: {}", answers.text);
    }
    for (name, bytes) in [
        ("a head of 200 kB", get("/health/live", &format!("X: {}\r\n", "x".repeat(200_000))).into_bytes()),
        ("1,000 headers", get("/health/live", &"X: y\r\n".repeat(1_000)).into_bytes()),
        ("a greeting of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("noise", [0xff; 4_096].to_vec()),
    ] {
        let answers = server.exchange(&bytes);
        assert!(
            answers.statuses.iter().all(|status| [400, 431].contains(status)),
            "{name}: {}",
            answers.text
        );
    }
    server.is_well();
}

#[test]
fn a_head_or_a_body_that_does_not_come_ends_the_connection() {
    let server = Server::start();
    let begin = |start: String| {
        let mut stream = server.connect();
        stream.write_all(start.as_bytes()).unwrap();
        drip(stream.try_clone().unwrap());
        stream
    };
    let mut head = begin("GET /health/live HTTP/1.1\r\nHost: x\r\nX: ".to_owned());
    let mut body = begin(sign_in("Content-Length: 60000\r\n", "{"));
    let mut silent = server.connect();
    server.is_well();
    for (name, stream) in [("a head", &mut head), ("a body", &mut body), ("nothing", &mut silent)] {
        let answers = Answers::read(stream);
        assert_eq!(answers.statuses, [408], "{name}: {}", answers.text);
    }
    server.is_well();
}

/// Sends one byte at a time, until nobody is there any more.
fn drip(mut stream: TcpStream) {
    std::thread::spawn(move || {
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(250));
        }
    });
}

/// A connection of a client that has asked for something already.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn new(server: &Server) -> Self {
        let mut kept = Self(BufReader::new(server.connect()));
        kept.send(ASK);
        assert_eq!(kept.status(), Some(200));
        kept
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// Reads one answer to its end; nothing where the connection has ended.
    fn status(&mut self) -> Option<u16> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match self.0.read_line(&mut head) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("the connection hangs: {error}"),
            }
        }
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        Some(head[9..12].parse().unwrap())
    }
}

const ASK: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn the_head_of_a_later_request_has_its_time_from_its_first_byte_on() {
    let server = Server::start();
    let (beginning, rest) = ASK.split_at(ASK.len() - 2);
    let beginning = format!("{beginning}X: ");
    let mut idle = Kept::new(&server);
    let mut dripping = Kept::new(&server);
    let mut stopped = Kept::new(&server);
    let mut uploading = Kept::new(&server);
    dripping.send(&beginning);
    drip(dripping.0.get_ref().try_clone().unwrap());
    stopped.send("G");
    uploading.send(&sign_in("Content-Length: 60000\r\n", "{"));
    drip(uploading.0.get_ref().try_clone().unwrap());
    // Several at once, the last one not whole: it may come when it likes, as long as nothing comes.
    idle.send(&format!("{}{beginning}", ASK.repeat(3)));
    for _ in 0..3 {
        assert_eq!(idle.status(), Some(200));
    }
    assert_eq!(dripping.status(), None, "a head that comes byte by byte");
    assert_eq!(stopped.status(), None, "a head that stops");
    assert_eq!(uploading.status(), Some(408), "a body has a time of its own");
    idle.send(&format!("x\r\n{rest}"));
    assert_eq!(idle.status(), Some(200), "whoever says nothing is kept");
    // On a busy machine the pauses may turn out longer than the time that there is.
    let in_time = |_| {
        let mut slow = Kept::new(&server);
        for part in [&beginning, "x", "y", "\r\n"] {
            slow.send(part);
            std::thread::sleep(Duration::from_millis(250));
        }
        slow.0.get_mut().write_all(rest.as_bytes()).is_ok() && slow.status() == Some(200)
    };
    assert!((0..5).any(in_time), "a slow head that is whole in time");
    server.is_well();
}

#[test]
fn a_thousand_connections_that_do_nothing_keep_nobody_out() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let server = Server::start();
    let ask = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut idle: Vec<TcpStream> = (0..1_000).map(|_| server.connect()).collect();
    // All have asked once: then none of them has to ask again soon.
    for stream in &mut idle {
        stream.write_all(ask).unwrap();
    }
    for stream in &mut idle {
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    for _ in 0..20 {
        server.is_well();
    }
    // Those who read nothing of what they asked for keep nobody out, either.
    for stream in idle.iter_mut().take(100) {
        stream.write_all(&b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(16)).unwrap();
    }
    for _ in 0..20 {
        server.is_well();
    }
    let last = idle.last_mut().unwrap();
    last.write_all(ask).unwrap();
    let mut status = [0; 4];
    last.read_exact(&mut status).unwrap();
}
