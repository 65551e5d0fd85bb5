//! The real program as a process of its own, which is killed and started again.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use tempfile::TempDir;
use tokio::{sync::watch, task::block_in_place};

const SECRET: &str = "process-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789";

/// A server; killed when dropped.
pub(crate) struct Server {
    directory: TempDir,
    variables: Vec<(&'static str, String)>,
    child: Mutex<Option<Child>>,
    base: watch::Sender<String>,
}

impl Server {
    /// Migrates the database that the variables name and serves from it. `directory` is where it runs.
    pub(crate) fn start(directory: TempDir, variables: Vec<(&'static str, String)>) -> Self {
        let base = watch::Sender::new(String::new());
        let server = Self { directory, variables, child: Mutex::default(), base };
        block_in_place(|| {
            let migrated = server.command().args(["migrate", "up"]).output().unwrap();
            assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
            server.launch();
        });
        server
    }

    /// Where it answers; another place after each start.
    pub(crate) fn base(&self) -> watch::Receiver<String> {
        self.base.subscribe()
    }

    /// Ends it as `kill -9` does, and starts it again.
    pub(crate) fn kill_and_start(&self) {
        block_in_place(|| {
            self.kill();
            self.launch();
        });
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.env_clear().current_dir(self.directory.path());
        // Lost answers are repeated for as long as a fault lasts, which is longer than a client of ours would wait.
        let usual =
            [("PORT", "0"), ("RATE_LIMIT", "off"), ("JWT_SECRET", SECRET), ("REFRESH_REUSE_SECONDS", "600")];
        command.envs(usual).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn launch(&self) {
        let mut child = self.command().stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let mut said = Vec::new();
        let base = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let base = line.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
            let base = base.map(ToOwned::to_owned);
            said.push(line);
            base
        });
        self.base.send_replace(base.unwrap_or_else(|| panic!("the server said only: {said:#?}")));
        // Whoever writes logs needs somebody who reads them.
        std::thread::spawn(move || lines.for_each(drop));
    }

    fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It may have ended by itself, which the writers notice.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
