//! A real Redis for tests, one of each test's own, which may be killed, paused and started again. What is kept in it is not
//! known here.

#![expect(clippy::panic, reason = "a test whose Redis is broken has no other way to fail")]

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::{net::UnixStream, process::CommandExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::postgres::{Certificate, variable};

/// Ends Redis when whoever started this goes away: its standard input closes then, in whichever way that came.
const KEEPER: &str = r#""$@" & cat >/dev/null; kill -KILL $!; wait $!"#;
const STEP: Duration = Duration::from_millis(10);
const STEPS: u32 = 1_000;

/// A server on a free loopback port and on a socket in a folder of its own, with nothing in it; deleted with this value.
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
    keeper: Mutex<Option<Child>>,
}

impl RedisServer {
    /// A server with these arguments besides its own. `None`, with a line on stderr that names `suite`, where there is no
    /// `redis-server` on this machine.
    ///
    /// # Panics
    /// With `REQUIRE_REDIS=1` where there is none, and when one that is there does not start.
    pub fn start(suite: &str, arguments: &[&str]) -> Option<Self> {
        Self::with(suite, |_, port| {
            let own = ["--port".to_owned(), port.to_string()];
            own.into_iter().chain(arguments.iter().map(|argument| (*argument).to_owned())).collect()
        })
    }

    /// The same, that speaks nothing but TLS on its port.
    pub fn start_with_tls(suite: &str, certificate: &Certificate) -> Option<Self> {
        Self::with(suite, |folder, port| {
            let Certificate { certificate, key } = certificate;
            let write = |name: &str, text: &str| {
                let path = folder.path().join(name);
                fs::write(&path, text).expect("a file of a certificate");
                path.display().to_string()
            };
            let (certificate, key) = (write("certificate.pem", certificate), write("key.pem", key));
            let port = port.to_string();
            [
                ["--port", "0"],
                ["--tls-port", &port],
                ["--tls-cert-file", &certificate],
                ["--tls-key-file", &key],
                ["--tls-ca-cert-file", &certificate],
                ["--tls-auth-clients", "no"],
            ]
            .concat()
            .into_iter()
            .map(ToOwned::to_owned)
            .collect()
        })
    }

    fn with(suite: &str, arguments: impl Fn(&TempDir, u16) -> Vec<String>) -> Option<Self> {
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            assert!(
                variable("REQUIRE_REDIS").is_none_or(|value| value != "1"),
                "REQUIRE_REDIS=1, but there is no redis-server on this machine"
            );
            let _ = io::Write::write_all(
                &mut io::stderr(),
                format!("SKIPPED (no redis-server): {suite}\n").as_bytes(),
            );
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        let mut server = Self { folder, port: 0, arguments: Vec::new(), keeper: Mutex::default() };
        // Another process may take the port between the look and the start.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
            server.port = free.expect("a free port").port();
            server.arguments = arguments(&server.folder, server.port);
            if server.launch() {
                return Some(server);
            }
        }
        panic!("Redis does not start: {}", fs::read_to_string(server.path("log")).unwrap_or_default());
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its URL over TCP.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Its URL over its socket.
    pub fn socket_url(&self) -> String {
        format!("redis+unix://{}", self.path("socket").display())
    }

    /// All that it answers to these commands, one a line. Words cannot hold blanks.
    ///
    /// # Panics
    /// When it does not answer within a minute.
    pub fn ask(&self, commands: &str) -> String {
        self.try_ask(commands).expect("an answer of Redis")
    }

    /// Kills it, with every connection and everything in it.
    ///
    /// # Panics
    /// When that cannot be done.
    pub fn kill(&self) {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Closes its standard input first.
        keeper.expect("Redis runs").wait().expect("Redis ends");
    }

    /// Starts it again, empty and on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&self) {
        assert!(self.launch(), "Redis does not start again");
    }

    /// From now on it takes connections and commands, and answers nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// It answers again, also what it was asked meanwhile.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = fs::read_to_string(self.path("pid")).expect("the process of Redis");
        let status = Command::new("kill").args([signal, process.trim()]).status();
        assert!(status.is_ok_and(|status| status.success()), "no signal to Redis");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn launch(&self) -> bool {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "holdfast-redis", "redis-server"]).args(&self.arguments);
        command.args(["--save", "", "--appendonly", "no", "--unixsocket", "socket"]);
        command.args(["--pidfile", "pid", "--logfile", "log"]);
        command.current_dir(self.folder.path()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("a shell");
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        for _ in 0..STEPS {
            if self.try_ask("PING").is_ok_and(|answer| !answer.is_empty()) {
                return true;
            }
            thread::sleep(STEP);
        }
        self.kill();
        false
    }

    fn try_ask(&self, commands: &str) -> io::Result<String> {
        let mut stream = UnixStream::connect(self.path("socket"))?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        write!(stream, "{}\r\nQUIT\r\n", commands.replace('\n', "\r\n"))?;
        let mut answers = String::new();
        stream.read_to_string(&mut answers)?;
        Ok(answers)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut keeper) = keeper {
            // It may have ended by itself.
            let _ = keeper.wait();
        }
    }
}
