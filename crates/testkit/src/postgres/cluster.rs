//! The files and processes of a throwaway cluster: making, starting, stopping and deleting it. Databases and SQL are not
//! known here.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Durability, variable};

/// Waits for a server to accept or to stop, in steps of [`STEP`].
pub(super) const STEPS: u32 = 400;
pub(super) const STEP: Duration = Duration::from_millis(25);
/// The file with settings on top of the usual ones, one a line.
pub(super) const CHANGED_SETTINGS: &str = "settings";

/// The folder that holds `initdb` and `postgres`: of the PATH, or the newest of the distribution's.
pub(super) fn find_binaries() -> Option<PathBuf> {
    let has = |folder: &Path, program: &str| folder.join(program).is_file();
    let path: Vec<PathBuf> = std::env::split_paths(&variable("PATH")?).collect();
    // The watchdog needs it.
    path.iter().find(|folder| has(folder, "flock"))?;
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    installed.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let newest_first = installed.into_iter().map(|(_, folder)| folder);
    path.into_iter().chain(newest_first).find(|folder| has(folder, "initdb") && has(folder, "postgres"))
}

/// Keeps clusters of different versions apart.
pub(super) fn fingerprint(binaries: &Path) -> String {
    let version = Command::new(binaries.join("postgres")).arg("--version").output();
    let text = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or("unknown")
        .to_owned()
}

pub(super) fn effective_user() -> io::Result<u32> {
    Ok(tempfile::tempfile()?.metadata()?.uid())
}

/// The folder may be entered by the server's user, but is ours: nobody else can have prepared it.
pub(super) fn create_home(home: &Path, owner: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o711).create(home) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = fs::symlink_metadata(home)?;
    if metadata.is_dir() && metadata.uid() == owner && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!("{} belongs to somebody else", home.display())))
}

pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}

pub(super) fn random_hex() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// PostgreSQL refuses to run as root; there it runs as its own user.
pub(super) fn as_server_user(program: &Path) -> io::Result<Command> {
    if effective_user()? != 0 {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    Ok(command)
}

pub(super) fn initialise(binaries: &Path, home: &Path, password: &str) -> io::Result<()> {
    let cluster = home.join("cluster");
    DirBuilder::new().mode(0o700).create(&cluster)?;
    let password_file = home.join("password");
    write_private(&password_file, password)?;
    if effective_user()? == 0 {
        run(Command::new("chown").arg("postgres").arg(&cluster).arg(&password_file))?;
    }
    let initdb = |locale: &[&str]| {
        let mut initdb = as_server_user(&binaries.join("initdb"))?;
        initdb.arg("-D").arg(&cluster).arg("--pwfile").arg(&password_file);
        initdb.args(["-U", "postgres", "-A", "password", "-E", "UTF8", "--no-sync"]).args(locale);
        run(initdb.current_dir(home))
    };
    // A collation that is not that of bytes shows where a query forgot to name its own.
    initdb(&["--locale-provider=icu", "--icu-locale=en", "--locale=C"]).or_else(|_| initdb(&["--locale=C"]))
}

pub(super) fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{} failed: {text}", command.get_program().display())))
}

pub(super) fn start_on_free_port(binaries: &Path, home: &Path, durability: Durability) -> io::Result<u16> {
    // Another process may take the port between the look and the start.
    let mut last = io::Error::other("no port was tried");
    for _ in 0..5 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        match launch(binaries, home, port, durability) {
            Ok(()) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Starts the server in a process group of its own and returns when it accepts connections.
pub(super) fn launch(binaries: &Path, home: &Path, port: u16, durability: Durability) -> io::Result<()> {
    let cluster = home.join("cluster");
    let log = OpenOptions::new().create(true).append(true).mode(0o644).open(home.join("log"))?;
    let mut postgres = as_server_user(&binaries.join("postgres"))?;
    postgres.arg("-D").arg(&cluster).arg("-p").arg(port.to_string());
    postgres.args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
        "-c",
        "max_connections=200",
    ]);
    // What a test changed about this server; of two settings of one name the later counts.
    let changed = fs::read_to_string(home.join(CHANGED_SETTINGS)).unwrap_or_default();
    postgres.args(changed.lines().flat_map(|setting| ["-c", setting]));
    if durability == Durability::Fast {
        postgres.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]);
    }
    postgres.current_dir(home).process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // A killed server leaves its file behind, which says that it is ready.
    let stale = postmaster_line(&cluster, 0);
    let mut child = postgres.spawn()?;
    for _ in 0..STEPS {
        if let Some(status) = child.try_wait()? {
            let text = fs::read_to_string(home.join("log")).unwrap_or_default();
            return Err(io::Error::other(format!("postgres ended ({status}): {text}")));
        }
        if postmaster_line(&cluster, 0) != stale
            && postmaster_line(&cluster, 7).is_some_and(|status| status == "ready")
        {
            // Waits for the process, so that it does not stay behind as a zombie while this process lives.
            std::thread::spawn(move || child.wait());
            return Ok(());
        }
        std::thread::sleep(STEP);
    }
    let _ = stop_cluster(&cluster, "-QUIT");
    Err(io::Error::other("postgres accepts no connections"))
}

/// A line of `postmaster.pid`: 0 is the process, 7 says when it is ready.
pub(super) fn postmaster_line(cluster: &Path, line: usize) -> Option<String> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    text.lines().nth(line).map(|line| line.trim().to_owned())
}

pub(super) fn is_running(cluster: &Path, port: u16) -> bool {
    let alive = postmaster_line(cluster, 0).is_some_and(|process| is_alive(&process));
    alive && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

pub(super) fn is_alive(process: &str) -> bool {
    let signal = Command::new("kill").arg("-0").arg(process).stderr(Stdio::null()).status();
    signal.is_ok_and(|status| status.success())
}

/// Signals the server and returns when it is gone. `-KILL` reaches its children as well, which would otherwise go on
/// for a moment and keep the shared memory.
pub(super) fn stop_cluster(cluster: &Path, signal: &str) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(process) = postmaster_line(cluster, 0).filter(|process| is_alive(process)) else {
        return Ok(());
    };
    let mut kill = Command::new("kill");
    kill.arg(signal).arg(&process).stderr(Stdio::null());
    if signal == "-KILL" {
        // Every backend is a child of the postmaster, in a process group of its own.
        let children = Command::new("pgrep").arg("-P").arg(&process).output()?;
        kill.args(String::from_utf8_lossy(&children.stdout).split_whitespace());
    }
    kill.status()?;
    for _ in 0..STEPS {
        if !is_alive(&process) {
            return Ok(());
        }
        std::thread::sleep(STEP);
    }
    Err(io::Error::other("postgres does not stop"))
}

pub(super) fn remove_cluster(cluster: &Path) -> io::Result<()> {
    stop_cluster(cluster, "-QUIT")?;
    remove_folder(cluster)
}

/// Processes that are just ending still make and delete files: tries again until nothing is left.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    let mut outcome = Ok(());
    for _ in 0..STEPS {
        outcome = match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.exists() => return Ok(()),
            other => other,
        };
        if outcome.is_ok() {
            return outcome;
        }
        std::thread::sleep(STEP);
    }
    outcome
}

/// Ends when the cluster is gone. It takes the two locks in the same order as everybody else, so nobody can come in
/// between its last look and the end of the server. The folder of the shared cluster stays: a lock on a deleted file
/// would lock nothing.
const WATCHDOG: &str = include_str!("watchdog.sh");

/// Detached from this process: the cluster must outlive the test that started it, and end although no test ends it.
pub(super) fn start_watchdog(home: &Path, idle_seconds: u32, shared: bool) -> io::Result<()> {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(WATCHDOG)
        .arg("holdfast-postgres-watchdog")
        .arg(home)
        .arg(idle_seconds.to_string())
        .arg(shared.to_string());
    shell.current_dir("/").process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = shell.spawn()?;
    std::thread::spawn(move || child.wait());
    Ok(())
}
