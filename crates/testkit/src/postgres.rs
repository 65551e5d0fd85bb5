//! A real PostgreSQL for tests: one throwaway cluster that all test processes of a run share, or one of a test's own.
//!
//! Test runners give each test its own process, so the shared cluster lives in a well-known folder. Whoever comes first
//! starts it under an exclusive file lock, every process that uses it holds a shared one, and a small watchdog stops and
//! deletes it when nobody has held that lock for a minute. `TEST_DATABASE_URL` (of a role that may create databases)
//! takes its place. Schemas and migrations are not known here.

#![expect(clippy::expect_used, reason = "a test whose database is broken has no other way to fail")]

mod bouncer;
mod cluster;
mod replica;
mod tls;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

pub use bouncer::PgBouncer;
use cluster::{
    create_home, effective_user, find_binaries, fingerprint, initialise, is_running, launch, lock_file,
    random_hex, remove_cluster, remove_folder, start_on_free_port, start_watchdog, stop_cluster,
    write_private,
};
pub use tls::{Authority, Certificate};

/// How long the shared cluster outlives its last user.
const SHARED_IDLE_SECONDS: u32 = 60;
/// The same for a test's own cluster, whose test was killed.
const PRIVATE_IDLE_SECONDS: u32 = 5;

/// Whether PostgreSQL answers from memory or survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// `fsync=off`: fast, for everything that does not test crashes.
    Fast,
    /// As in production.
    Durable,
}

/// A PostgreSQL server on a free loopback port, with a random password, `max_connections=200` and a folder of its own.
#[derive(Debug)]
pub struct PostgresServer {
    folder: PathBuf,
    binaries: PathBuf,
    port: u16,
    password: String,
    durability: Durability,
    /// Held shared for as long as this value lives; the watchdog waits for it.
    in_use: File,
    private: bool,
}

/// A database of its own for one test; dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    admin_url: String,
    name: String,
    url: String,
    _server: Option<File>,
}

/// Creates an empty database, on `TEST_DATABASE_URL` or on the shared cluster.
///
/// `None`, with a line on stderr, when there is no PostgreSQL on this machine; `suite` is named in that line.
///
/// # Panics
/// With `REQUIRE_POSTGRES=1` where there is no PostgreSQL, and when one that is there does not work.
pub async fn fresh_database(suite: &str) -> Option<TestDatabase> {
    if let Some(admin_url) = variable("TEST_DATABASE_URL") {
        return Some(create_database(admin_url, None).await);
    }
    let started =
        tokio::task::spawn_blocking(PostgresServer::shared).await.expect("starting PostgreSQL panicked");
    let Some(server) = started.expect("the shared PostgreSQL cluster does not start") else {
        skip("PostgreSQL", suite);
        return None;
    };
    Some(server.create_database().await)
}

impl PostgresServer {
    /// The cluster that all test processes of this user share, started if it is not running. `None` without binaries.
    ///
    /// # Errors
    /// When there are binaries and they do not work.
    pub fn shared() -> io::Result<Option<Self>> {
        let Some(binaries) = find_binaries() else {
            return Ok(None);
        };
        let owner = effective_user()?;
        let home = std::env::temp_dir().join(format!("holdfast-postgres-{owner}-{}", fingerprint(&binaries)));
        create_home(&home, owner)?;
        let starting = lock_file(&home.join("starting.lock"))?;
        starting.lock()?;
        let in_use = lock_file(&home.join("in-use.lock"))?;
        in_use.lock_shared()?;
        let cluster = home.join("cluster");
        let known = fs::read_to_string(home.join("address")).ok().and_then(|text| {
            let (port, password) = text.trim().split_once(' ')?;
            Some((port.parse::<u16>().ok()?, password.to_owned()))
        });
        if let Some((port, password)) = known
            && is_running(&cluster, port)
        {
            let durability = Durability::Fast;
            return Ok(Some(Self {
                folder: home,
                binaries,
                port,
                password,
                durability,
                in_use,
                private: false,
            }));
        }
        remove_cluster(&cluster)?;
        let password = random_hex()?;
        initialise(&binaries, &home, &password)?;
        let port = start_on_free_port(&binaries, &home, Durability::Fast)?;
        write_private(&home.join("address"), &format!("{port} {password}"))?;
        start_watchdog(&home, SHARED_IDLE_SECONDS, true)?;
        let durability = Durability::Fast;
        Ok(Some(Self { folder: home, binaries, port, password, durability, in_use, private: false }))
    }

    /// A cluster for this test alone, which may be killed and started again; deleted with this value. `None`, with a
    /// line on stderr, without binaries.
    ///
    /// # Errors
    /// When there are binaries and they do not work.
    pub fn private(suite: &str, durability: Durability) -> io::Result<Option<Self>> {
        let Some(binaries) = find_binaries() else {
            skip("PostgreSQL", suite);
            return Ok(None);
        };
        let home = std::env::temp_dir().join(format!("holdfast-postgres-{}", random_hex()?));
        create_home(&home, effective_user()?)?;
        let in_use = lock_file(&home.join("in-use.lock"))?;
        in_use.lock_shared()?;
        let password = random_hex()?;
        initialise(&binaries, &home, &password)?;
        let port = start_on_free_port(&binaries, &home, durability)?;
        start_watchdog(&home, PRIVATE_IDLE_SECONDS, false)?;
        Ok(Some(Self { folder: home, binaries, port, password, durability, in_use, private: true }))
    }

    /// The TCP port on 127.0.0.1; it stays the same over [`PostgresServer::start`].
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A URL of the superuser for this database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Kills every process of the server at once, as a power cut would. Only for a private cluster.
    ///
    /// # Errors
    /// When the process is still there after ten seconds.
    pub fn kill(&self) -> io::Result<()> {
        self.stop("-KILL")
    }

    /// Ends the server, after it has disconnected its clients. Only for a private cluster.
    ///
    /// # Errors
    /// When the process is still there after ten seconds.
    pub fn shut_down(&self) -> io::Result<()> {
        self.stop("-INT")
    }

    /// Starts the server again, on the same port.
    ///
    /// # Errors
    /// When it accepts no connections after ten seconds.
    pub fn start(&self) -> io::Result<()> {
        // Children of a server that was killed live on while the disk keeps them waiting, and its memory with them.
        for _ in 0..200 {
            match launch(&self.binaries, &self.folder, self.port, self.durability) {
                Err(error) if error.to_string().contains("is still in use") => {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
                started => return started,
            }
        }
        launch(&self.binaries, &self.folder, self.port, self.durability)
    }

    /// An empty database, which keeps the cluster alive.
    ///
    /// # Panics
    /// When the server does not make one.
    pub async fn create_database(&self) -> TestDatabase {
        let in_use = self.in_use.try_clone().expect("the lock on the cluster cannot be shared");
        create_database(self.url("postgres"), Some(in_use)).await
    }

    fn stop(&self, signal: &str) -> io::Result<()> {
        assert!(self.private, "other tests use the shared cluster");
        stop_cluster(&self.folder.join("cluster"), signal)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.private {
            // The watchdog does the same a little later if this fails.
            let _ = stop_cluster(&self.folder.join("cluster"), "-QUIT");
            let _ = remove_folder(&self.folder);
        }
    }
}

impl TestDatabase {
    /// The database's URL, with a role that may do everything in it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name, unique on its server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = format!(r#"DROP DATABASE IF EXISTS "{}" WITH (FORCE)"#, self.name);
        let admin_url = self.admin_url.clone();
        // A thread of its own, because a runtime may be waiting in this one.
        let dropped = std::thread::spawn(move || -> Result<(), sqlx::Error> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(execute_as_admin(&admin_url, sql))
        });
        // Left behind otherwise: on the shared cluster for a minute, elsewhere for whoever owns the server.
        let _ = dropped.join();
    }
}

async fn create_database(admin_url: String, server: Option<File>) -> TestDatabase {
    static CREATED: AtomicU32 = AtomicU32::new(0);
    let count = CREATED.fetch_add(1, Ordering::Relaxed);
    let random = random_hex().expect("no randomness");
    let name = format!("holdfast_test_{}_{count}_{}", std::process::id(), &random[..8]);
    let mut url: url::Url = admin_url.parse().expect("TEST_DATABASE_URL is not a URL");
    url.set_path(&name);
    let sql = format!(r#"CREATE DATABASE "{name}" TEMPLATE template0"#);
    execute_as_admin(&admin_url, sql).await.expect("the test database cannot be created");
    TestDatabase { admin_url, name, url: url.to_string(), _server: server }
}

async fn execute_as_admin(admin_url: &str, sql: String) -> Result<(), sqlx::Error> {
    let options = admin_url.parse::<PgConnectOptions>()?.disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await?;
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await?;
    connection.close().await
}

/// Says past the capture of the test harness that a suite is skipped: that must be seen.
fn skip(absent: &str, suite: &str) {
    assert!(
        variable("REQUIRE_POSTGRES").is_none_or(|value| value != "1"),
        "REQUIRE_POSTGRES=1, but there is no {absent} on this machine (for PostgreSQL: neither TEST_DATABASE_URL nor \
         initdb, postgres and flock)"
    );
    let _ = io::Write::write_all(&mut io::stderr(), format!("SKIPPED (no {absent}): {suite}\n").as_bytes());
}

#[expect(clippy::disallowed_methods, reason = "tests are told by variables of their own")]
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    value.into_string().ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
