//! The real program as a process of its own, with every line that it says.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
};

pub(crate) const SECRET: &str = "operations-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456";

/// The program in `directory`, with these variables and no others of ours.
pub(crate) fn holdfast(directory: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.env_clear().env("PORT", "0").envs(variables.iter().copied()).current_dir(directory);
    command
}

pub(crate) fn output(directory: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = holdfast(directory, variables).output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// A server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    said: Option<JoinHandle<Vec<String>>>,
    pub(crate) base: String,
    /// Where its operators look, where that is a place of its own.
    pub(crate) operations: String,
}

impl Server {
    /// On SQLite unless the variables name another database.
    pub(crate) fn start(directory: &Path, variables: &[(&str, &str)]) -> Self {
        let own = variables.iter().any(|(name, _)| *name == "OPS_ADDRESS");
        let mut child = holdfast(directory, variables).stderr(Stdio::piped()).spawn().unwrap();
        let (line, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = std::thread::spawn(move || {
            let told = stderr.lines().map(Result::unwrap);
            // Nobody listens any more once the server is up.
            told.inspect(|told| line.send(told.clone()).unwrap_or_default()).collect()
        });
        let base = find(&lines, "API: ", "/api/v1");
        let operations = if own { find(&lines, "Metrics: ", "/metrics") } else { base.clone() };
        Self { child, said: Some(said), base, operations }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end: the exit code, and everything that it said.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>) {
        let status = self.child.wait().unwrap();
        (status.code(), self.said.take().unwrap().join().unwrap())
    }

    pub(crate) fn stop(self) -> Vec<String> {
        self.signal("INT");
        let (code, said) = self.end();
        assert_eq!(code, Some(0), "{said:#?}");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands between the two in the first line that has both.
fn find(lines: &Receiver<String>, before: &str, behind: &str) -> String {
    let mut said = Vec::new();
    for line in lines {
        let found = line.split(before).nth(1).and_then(|rest| rest.split(behind).next());
        if let Some(found) = found {
            return found.to_owned();
        }
        said.push(line);
    }
    panic!("the server said only: {said:#?}")
}
