//! Environments that are wrong, given to the program itself: each is told with its variable, its fault and what is expected, with
//! exit code 78, before a socket is bound or a file is made, and without a word of a secret.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod case;
mod cases;

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;
use tempfile::TempDir;

use case::{Case, Told};

/// Processes at once.
const AT_ONCE: usize = 4;

/// Runs `look` for every case, some at once, and tells all that were wrong.
fn each(cases: &[Case], look: impl Fn(&Case) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(problem) = look(case) {
                        wrong.lock().unwrap().push(format!("{}: {problem}", case.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// What the program said, and left behind.
struct Outcome {
    output: Output,
    made: BTreeSet<PathBuf>,
}

impl Outcome {
    fn said(&self) -> String {
        let Output { stdout, stderr, status: _ } = &self.output;
        format!("{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr))
    }

    /// Nothing was started, made or given away.
    fn is_a_refusal(&self, case: &Case) -> Result<(), String> {
        let (said, code) = (self.said(), self.output.status.code());
        ensure(code == Some(78), || format!("ended with {code:?}: {said}"))?;
        ensure(self.made.is_empty(), || format!("a refused start made {:?}", self.made))?;
        let told = case.secrets().into_iter().find(|secret| said.contains(secret));
        ensure(told.is_none(), || format!("{told:?} is told in: {said}"))
    }
}

fn run(case: &Case, arguments: &[&str], port: &str) -> Outcome {
    let directory = TempDir::new().unwrap();
    case.lay_out(directory.path());
    let before = everything_in(directory.path());
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.env_clear().env("PORT", port).envs(case.environment()).current_dir(directory.path());
    let output = command.args(arguments).output().unwrap();
    let made = everything_in(directory.path()).difference(&before).cloned().collect();
    Outcome { output, made }
}

fn everything_in(directory: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            let below = if path.is_dir() { everything_in(&path) } else { BTreeSet::new() };
            below.into_iter().chain([path])
        })
        .collect()
}

/// The lines of faults are those that the case expects, in that order, and no others.
fn tells(case: &Case, said: &str) -> Result<(), String> {
    let faults: Vec<&str> = said.lines().filter(|line| line.contains("; expected ")).collect();
    ensure(faults.len() == case.told.len(), || format!("not {} faults: {said}", case.told.len()))?;
    for (line, Told { variable, problem, expected }) in faults.iter().zip(&case.told) {
        let (told, told_expected) = line.split_once("; expected ").unwrap();
        ensure(told.starts_with(&format!("{variable}: ")), || format!("{line}, not: {variable}"))?;
        ensure(told.contains(problem), || format!("{line}, not: {problem}"))?;
        ensure(told_expected.contains(expected), || format!("{line}, not: {expected}"))?;
    }
    Ok(())
}

#[test]
fn every_malformed_environment_is_told_and_starts_nothing() {
    let cases = cases::all();
    assert!(cases.len() >= 60, "{}", cases.len());
    each(&cases, |case| {
        let outcome = run(case, &["check-config"], "8000");
        outcome.is_a_refusal(case)?;
        tells(case, &outcome.said())
    });
}

/// On a port that is taken: whoever tried to bind it would fail for that.
#[test]
fn serving_is_refused_in_the_same_words_before_a_socket_is_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let cases: Vec<Case> = cases::all().into_iter().step_by(3).collect();
    each(&cases, |case| {
        let outcome = run(case, &["serve"], &port);
        outcome.is_a_refusal(case)?;
        tells(case, &outcome.said())
    });
}

#[test]
fn machines_are_told_the_same_as_json() {
    let cases: Vec<Case> = cases::all().into_iter().skip(1).step_by(4).collect();
    each(&cases, |case| {
        let outcome = run(case, &["check-config", "--json"], "8000");
        outcome.is_a_refusal(case)?;
        let answer: Value =
            serde_json::from_slice(&outcome.output.stdout).map_err(|error| error.to_string())?;
        let empty = answer["valid"] == false && answer["settings"].is_null();
        ensure(empty && outcome.output.stderr.is_empty(), || outcome.said())?;
        let faults = answer["faults"].as_array().unwrap();
        ensure(faults.len() == case.told.len(), || outcome.said())?;
        for (fault, Told { variable, problem, expected }) in faults.iter().zip(&case.told) {
            let text = |member: &str| fault[member].as_str().unwrap_or_default().to_owned();
            // Beside a variable that stands in for another, the line tells both.
            let named =
                [text("variable"), format!("{} (taken from {})", text("variable"), text("taken_from"))];
            ensure(named.iter().any(|name| name == variable), || fault.to_string())?;
            ensure(text("fault").contains(problem), || fault.to_string())?;
            ensure(text("expected").contains(expected), || fault.to_string())?;
        }
        Ok(())
    });
}
