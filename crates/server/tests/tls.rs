//! HTTPS by the listener itself, as clients and operators meet it: the program with a certificate, asked, given another one
//! while it answers, and refused with what is wrong.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use holdfast_testkit::postgres::{Authority, Certificate};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;

const HOSTS: &[&str] = &["127.0.0.1", "localhost"];

/// A folder with the files of a pair in it, and the program that runs there.
struct Deployment {
    folder: TempDir,
    authority: Authority,
}

impl Deployment {
    fn new() -> Self {
        let deployment = Self { folder: TempDir::new().unwrap(), authority: Authority::new().unwrap() };
        deployment.put(&deployment.issue());
        deployment
    }

    fn issue(&self) -> Certificate {
        self.authority.for_hosts(HOSTS).unwrap()
    }

    fn put(&self, Certificate { certificate, key }: &Certificate) {
        self.write("tls.pem", certificate);
        self.write("tls.key", key);
        self.restrict(0o600);
    }

    fn restrict(&self, mode: u32) {
        fs::set_permissions(self.path().join("tls.key"), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.env_clear().current_dir(self.path());
        command.envs([("TLS_CERTIFICATE", "tls.pem"), ("TLS_PRIVATE_KEY", "tls.key")]);
        command
    }

    fn serve(&self) -> Server {
        Server::start(self.program().env("PORT", "0"))
    }

    fn client(&self) -> Client {
        self.client_with(&[&TLS13, &TLS12], &["http/1.1"])
    }

    /// Trusts the authority alone, and begins every connection anew, so that each shows the certificate of the moment.
    fn client_with(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config.resumption = Resumption::disabled();
        Client(Arc::new(config))
    }
}

/// The program while it serves; killed when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(Vec::new()));
        let address = lines.by_ref().find_map(|line| {
            let address = line.split("API: https://").nth(1).and_then(|rest| rest.split("/api/v1").next());
            let address = address.map(|address| address.parse().unwrap());
            said.lock().unwrap().push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("the server said only: {:#?}", said.lock().unwrap()));
        let heard = Arc::clone(&said);
        thread::spawn(move || lines.for_each(|line| heard.lock().unwrap().push(line)));
        Self { child, address, said }
    }

    fn hang_up(&self) {
        let status = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for a line that holds all of `parts`.
    fn says(&self, parts: &[&str]) {
        eventually(&format!("a line with {parts:?}"), || {
            self.said.lock().unwrap().iter().any(|line| parts.iter().all(|part| line.contains(part)))
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone)]
struct Client(Arc<ClientConfig>);

impl Client {
    /// A connection whose handshake is done.
    fn connect(&self, server: &Server) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(server.address)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        let name = ServerName::from(server.address.ip());
        let session = ClientConnection::new(Arc::clone(&self.0), name).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Connection(BufReader::new(stream)))
    }

    fn get(&self, server: &Server, path: &str) -> std::io::Result<String> {
        self.connect(server)?.get(path, "")
    }

    fn presented(&self, server: &Server) -> Vec<u8> {
        let connection = self.connect(server).unwrap();
        connection.0.get_ref().conn.peer_certificates().unwrap()[0].to_vec()
    }
}

struct Connection(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Connection {
    /// The head of the answer; its body is read and left away, so that the connection can be used again.
    fn get(&mut self, path: &str, headers: &str) -> std::io::Result<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        let stream = self.0.get_mut();
        stream.write_all(request.as_bytes())?;
        stream.flush()?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body)?;
        Ok(head)
    }
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if condition() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come about within a minute");
}

fn der(Certificate { certificate, key: _ }: &Certificate) -> Vec<u8> {
    CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap().to_vec()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn both_versions_of_tls_are_spoken_and_http_1_is_what_is_agreed_upon() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    for version in [&TLS12, &TLS13] {
        let client = deployment.client_with(&[version], &["h2", "http/1.1"]);
        let mut connection = client.connect(&server).unwrap();
        let session = &connection.0.get_ref().conn;
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(b"http/1.1".as_slice()));
        for _ in 0..2 {
            let head = connection.get("/health/ready", "").unwrap();
            assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("x-request-id: "), "{head}");
        }
    }
    let without = deployment.client_with(&[&TLS13], &[]);
    assert!(without.get(&server, "/health/ready").unwrap().starts_with("HTTP/1.1 200 "));
    let http_2_alone = deployment.client_with(&[&TLS13], &["h2"]);
    assert!(http_2_alone.get(&server, "/health/ready").is_err(), "it was agreed upon what is not spoken");
}

#[test]
fn whoever_speaks_clear_text_gets_no_answer_of_the_application() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // It may be told off by an alert, or cut off.
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
    assert!(deployment.client().get(&server, "/health/live").unwrap().starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_client_that_begins_no_handshake_is_let_go_and_keeps_nobody_waiting() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let mut silent = TcpStream::connect(server.address).unwrap();
    silent.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    assert!(deployment.client().get(&server, "/health/live").unwrap().starts_with("HTTP/1.1 200 "));
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0, "it is kept");
}

#[test]
fn the_limit_of_a_head_holds_as_in_clear_text() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let mut connection = deployment.client().connect(&server).unwrap();
    let head = connection.get("/health/live", &format!("X-Long: {}\r\n", "x".repeat(17 * 1024))).unwrap();
    assert!(head.starts_with("HTTP/1.1 431 ") && head.contains("application/problem+json"), "{head}");
}

#[test]
fn the_time_of_a_later_head_holds_as_in_clear_text() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let client = deployment.client();
    let [mut idle, mut dripping] = [(); 2].map(|()| client.connect(&server).unwrap());
    for connection in [&mut idle, &mut dripping] {
        assert!(connection.get("/health/live", "").unwrap().starts_with("HTTP/1.1 200 "));
    }
    let mut drip = |bytes: &[u8]| {
        let stream = dripping.0.get_mut();
        stream.write_all(bytes).and_then(|()| stream.flush()).is_ok()
    };
    assert!(drip(b"GET /health/live HTTP/1.1\r\nX: "));
    // A silent connection would be kept for longer.
    let let_go = (0..240).any(|_| {
        thread::sleep(Duration::from_millis(250));
        !drip(b"x")
    });
    assert!(let_go, "it is kept");
    assert!(idle.get("/health/live", "").unwrap().starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_new_certificate_is_served_without_a_restart_and_without_a_failed_request() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let client = deployment.client();
    thread::scope(|scope| {
        let traffic: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut kept = client.connect(&server).unwrap();
                    while !stop.load(Ordering::Relaxed) {
                        assert!(kept.get("/health/live", "").unwrap().starts_with("HTTP/1.1 200 "));
                        let head = client.get(&server, "/health/live").unwrap();
                        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for told in [false, true] {
            let (next, before) = (deployment.issue(), client.presented(&server));
            // Between the two, what lies there does not fit together.
            deployment.write("tls.pem", &next.certificate);
            assert_eq!(client.presented(&server), before);
            deployment.write("tls.key", &next.key);
            if told {
                server.hang_up();
            }
            eventually("the new certificate", || client.presented(&server) == der(&next));
            let reached = answered.load(Ordering::Relaxed);
            eventually("traffic", || answered.load(Ordering::Relaxed) > reached + 8);
        }
        stop.store(true, Ordering::Relaxed);
        for thread in traffic {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_faulty_pair_is_told_and_the_one_from_before_stays() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let client = deployment.client();
    let first = client.presented(&server);
    let expired = deployment.authority.expired_for_hosts(HOSTS).unwrap();
    let refused = [
        (deployment.issue().certificate, deployment.issue().key, ["TLS_PRIVATE_KEY", "is not the key of"]),
        (expired.certificate, expired.key, ["TLS_CERTIFICATE", "ended on 2021-01-01"]),
        (String::new(), deployment.issue().key, ["TLS_CERTIFICATE", "holds no certificate"]),
    ];
    for (certificate, key, told) in refused {
        deployment.put(&Certificate { certificate, key });
        server.hang_up();
        server.says(&[told[0], told[1], "stays in use"]);
        assert_eq!(client.presented(&server), first);
    }
    fs::remove_file(deployment.path().join("tls.key")).unwrap();
    server.says(&["TLS_PRIVATE_KEY", "cannot be read", "stays in use"]);
    let next = deployment.issue();
    deployment.put(&next);
    eventually("the new certificate", || client.presented(&server) == der(&next));
    assert!(!server.said.lock().unwrap().iter().any(|line| line.contains("PRIVATE KEY-----")));
}

#[test]
fn what_is_wrong_with_a_pair_stops_the_start_with_exit_code_78() {
    let deployment = Deployment::new();
    let (good, other) = (deployment.issue(), deployment.issue());
    let expired = deployment.authority.expired_for_hosts(HOSTS).unwrap();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAA=\n\
                 -----END RSA PRIVATE KEY-----\n";
    let damaged = |pem: &str| {
        let lines: Vec<&str> = pem.lines().collect();
        format!("{}\nAAAA\n{}\n", lines[0], lines[lines.len() - 1])
    };
    let broken = [damaged(&good.certificate), damaged(&good.key)];
    let rows = [
        (good.certificate.as_str(), other.key.as_str(), &["TLS_PRIVATE_KEY: ", "is not the key of"][..]),
        (&expired.certificate, &expired.key, &["TLS_CERTIFICATE: ", "ended on 2021-01-01", "renewed"]),
        (&good.key, &good.key, &["TLS_CERTIFICATE: ", "holds no certificate"]),
        (&good.certificate, &good.certificate, &["TLS_PRIVATE_KEY: ", "holds no private key"]),
        (&good.certificate, encrypted, &["TLS_PRIVATE_KEY: ", "encrypted", "openssl pkey"]),
        (&good.certificate, older, &["TLS_PRIVATE_KEY: ", "encrypted", "openssl pkey"]),
        (&broken[0], &good.key, &["TLS_CERTIFICATE: ", "cannot be understood"]),
        (&good.certificate, &broken[1], &["TLS_PRIVATE_KEY: ", "damaged"]),
        ("", "", &["TLS_CERTIFICATE: ", "holds no certificate", "TLS_PRIVATE_KEY: ", "holds no private key"]),
    ];
    for (certificate, key, told) in rows {
        deployment.put(&Certificate { certificate: certificate.to_owned(), key: key.to_owned() });
        // Whatever else is wrong is told with it.
        for command in ["serve", "check-config"] {
            let output = deployment.program().args([command]).env("DRAIN_DELAY", "61").output().unwrap();
            let said = said(&output);
            assert_eq!(output.status.code(), Some(78), "{said}");
            for part in told.iter().chain(&["DRAIN_DELAY"]) {
                assert!(said.contains(part), "{part} is missing in: {said}");
            }
            assert!(!said.contains("PRIVATE KEY-----"), "{said}");
        }
    }
    assert!(!deployment.path().join("data").exists(), "a refused start left files behind");
}

#[test]
fn a_file_that_is_missing_or_named_alone_stops_the_start() {
    let deployment = Deployment::new();
    let refused = |command: &mut Command, told: &[&str]| {
        let output = command.args(["check-config"]).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(78), "{said}");
        for part in told {
            assert!(said.contains(part), "{part} is missing in: {said}");
        }
    };
    let missing = ["TLS_CERTIFICATE: ", "missing.pem", "cannot be read"];
    refused(deployment.program().env("TLS_CERTIFICATE", "missing.pem"), &missing);
    let missing = ["TLS_PRIVATE_KEY: ", "missing.key", "cannot be read"];
    refused(deployment.program().env("TLS_PRIVATE_KEY", "missing.key"), &missing);
    let alone = ["TLS_PRIVATE_KEY: is not set, and TLS_CERTIFICATE is of no use without it"];
    refused(deployment.program().env_remove("TLS_PRIVATE_KEY"), &alone);
    let alone = ["TLS_CERTIFICATE: is not set, and TLS_PRIVATE_KEY is of no use without it"];
    refused(deployment.program().env_remove("TLS_CERTIFICATE"), &alone);
}

#[test]
fn the_health_check_asks_over_tls() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let port = server.address.port().to_string();
    let check = || deployment.program().arg("healthcheck").env("PORT", &port).output().unwrap();
    let output = check();
    assert!(output.status.success(), "{}", said(&output));
    drop(server);
    let output = check();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("no answer from https://127.0.0.1:"), "{}", said(&output));
}

/// As for the keys of tokens.
#[test]
fn a_key_that_others_may_read_is_refused() {
    let deployment = Deployment::new();
    for (mode, refused) in [(0o644, true), (0o604, true), (0o602, true), (0o600, false), (0o400, false)] {
        deployment.restrict(mode);
        let output = deployment.program().arg("check-config").output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(if refused { 78 } else { 0 }), "mode {mode:o}: {said}");
        let told = format!("tls.key\" may be read or written by others (mode {mode:04o})");
        assert_eq!(said.contains("TLS_PRIVATE_KEY: ") && said.contains(&told), refused, "{said}");
    }
}
