//! A PgBouncer in transaction mode in front of a test database, as Neon and many hosters have one. It may be killed and
//! started again. What is set in it beyond its defaults is what our documents ask of operators.

use std::{
    fmt, fs,
    io::{self, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use super::{
    cluster::{
        STEP, STEPS, as_server_user, create_home, effective_user, is_alive, random_hex, remove_folder, run,
        write_private,
    },
    skip, variable,
};

/// Ends PgBouncer when whoever started this goes away: its standard input closes then, in whichever way that came.
const KEEPER: &str = r#""$1" -q "$2" & cat >/dev/null; kill -KILL $!"#;

/// A pooler on a free loopback port, deleted with this value.
pub struct PgBouncer {
    folder: PathBuf,
    program: PathBuf,
    port: u16,
    url: String,
    keeper: Mutex<Option<Child>>,
}

impl PgBouncer {
    /// A pooler in front of the server that `database_url` names. `None`, with a line on stderr that names `suite`, where
    /// there is no PgBouncer on this machine.
    ///
    /// # Errors
    /// When there is one and it does not start.
    ///
    /// # Panics
    /// With `REQUIRE_POSTGRES=1` where there is none.
    pub fn in_front_of(database_url: &str, suite: &str) -> io::Result<Option<Self>> {
        let Some(program) = find_program() else {
            skip("PgBouncer", suite);
            return Ok(None);
        };
        let server: url::Url = database_url.parse().map_err(io::Error::other)?;
        let folder = std::env::temp_dir().join(format!("holdfast-pgbouncer-{}", random_hex()?));
        create_home(&folder, effective_user()?)?;
        let mut pooler = Self { folder, program, port: 0, url: String::new(), keeper: Mutex::default() };
        pooler.configure(&server)?;
        let mut last = io::Error::other("no port was tried");
        // Another process may take the port between the look and the start.
        for _ in 0..5 {
            pooler.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            match pooler.start() {
                Ok(()) => {
                    pooler.url = through(&server, pooler.port);
                    return Ok(Some(pooler));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The URL of the same database through the pooler.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same as people set it for the server: it says that it leads through a pooler.
    #[must_use]
    pub fn declared_url(&self) -> String {
        let query = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{query}pgbouncer=true", self.url)
    }

    /// Kills it, with every connection on either side.
    ///
    /// # Errors
    /// When the process is still there after ten seconds.
    pub fn kill(&self) -> io::Result<()> {
        let process = fs::read_to_string(self.path("pid"))?.trim().to_owned();
        run(Command::new("kill").args(["-KILL", &process]))?;
        for _ in 0..STEPS {
            if !is_alive(&process) {
                return Ok(());
            }
            std::thread::sleep(STEP);
        }
        Err(io::Error::other("PgBouncer does not stop"))
    }

    /// Starts it again, on the same port.
    ///
    /// # Errors
    /// When it accepts no connections after ten seconds.
    pub fn start(&self) -> io::Result<()> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        end(keeper.take());
        let settings = fs::read_to_string(self.path("settings"))?;
        let ini = self.path("pgbouncer.ini");
        write_private(&ini, &format!("{settings}listen_port = {}\n", self.port))?;
        self.hand_over()?;
        let mut command = as_server_user(Path::new("sh"))?;
        command.args(["-c", KEEPER, "holdfast-pgbouncer"]).arg(&self.program).arg(&ini);
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        *keeper = Some(command.spawn()?);
        for _ in 0..STEPS {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() && self.path("pid").is_file() {
                return Ok(());
            }
            std::thread::sleep(STEP);
        }
        end(keeper.take());
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        Err(io::Error::other(format!("PgBouncer accepts no connections: {log}")))
    }

    fn configure(&self, server: &url::Url) -> io::Result<()> {
        fs::create_dir(self.folder.join("run"))?;
        let user = server.username();
        let users = format!("\"{user}\" \"{}\"\n", server.password().unwrap_or_default());
        write_private(&self.path("users"), &users)?;
        let host = server.host_str().unwrap_or("127.0.0.1");
        let (port, run) = (server.port().unwrap_or(5432), self.folder.join("run"));
        let run = run.display();
        let settings = format!(
            "[databases]\n* = host={host} port={port}\n\n[pgbouncer]\npool_mode = transaction\n\
             listen_addr = 127.0.0.1\nunix_socket_dir =\nauth_type = md5\nauth_file = {run}/users\n\
             logfile = {run}/log\npidfile = {run}/pid\nmax_client_conn = 500\ndefault_pool_size = 20\n\
             server_login_retry = 0.2\n"
        );
        write_private(&self.path("settings"), &settings)
    }

    /// PgBouncer refuses to run as root, like the server.
    fn hand_over(&self) -> io::Result<()> {
        if effective_user()? == 0 {
            run(Command::new("chown").args(["-R", "postgres"]).arg(self.folder.join("run")))?;
        }
        Ok(())
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.join("run").join(file)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        end(self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take());
        // What stays behind are a few files in the folder for temporary ones.
        let _ = remove_folder(&self.folder);
    }
}

impl fmt::Debug for PgBouncer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgBouncer").field("port", &self.port).finish_non_exhaustive()
    }
}

fn end(keeper: Option<Child>) {
    if let Some(mut keeper) = keeper {
        if let Some(mut input) = keeper.stdin.take() {
            let _ = input.flush();
        }
        let _ = keeper.wait();
    }
}

fn through(server: &url::Url, port: u16) -> String {
    let mut url = server.clone();
    // Both fail only for URLs without a host, and this one has just been connected to.
    let _ = url.set_host(Some("127.0.0.1"));
    let _ = url.set_port(Some(port));
    url.to_string()
}

fn find_program() -> Option<PathBuf> {
    let path = variable("PATH")?;
    // Debian keeps it where only administrators look.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}
