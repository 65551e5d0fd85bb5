//! What one check found, and how all of it is printed.

use std::{
    fmt::{self, Write as _},
    process::ExitCode,
};

use serde::Serialize;

use crate::cli::{
    CONFIGURATION_FAULT,
    terminal::{Output, print, readable},
};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// A server works, and somebody should know.
    Warning,
    /// A server does not start, or does not work as it should.
    Failure,
}

impl State {
    const ALL: [Self; 3] = [Self::Ok, Self::Warning, Self::Failure];

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// What a check found. No text of it holds a secret.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    check: &'static str,
    state: State,
    /// What was found.
    what: String,
    /// How to mend it; nothing where nothing is to be mended.
    mend: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, state: State::Ok, what: what.into(), mend: None }
    }

    pub(super) fn warning(check: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, state: State::Warning, what: what.into(), mend: Some(mend.into()) }
    }

    pub(super) fn failure(check: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, state: State::Failure, what: what.into(), mend: Some(mend.into()) }
    }
}

/// All findings of a run.
#[derive(Serialize)]
pub(super) struct Report {
    /// The worst of them.
    state: State,
    findings: Vec<Finding>,
    /// Whether the settings are faulty, so that nothing else could be looked at.
    #[serde(skip)]
    misconfigured: bool,
}

impl Report {
    pub(super) fn new(findings: Vec<Finding>, misconfigured: bool) -> Self {
        let state = findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok);
        Self { state, findings, misconfigured }
    }

    pub(super) fn print(&self, json: bool) -> anyhow::Result<ExitCode> {
        if json {
            Output::new().json(self)?;
        } else {
            print(self.to_string().trim_end());
        }
        Ok(match self.state {
            State::Failure if self.misconfigured => ExitCode::from(CONFIGURATION_FAULT),
            State::Failure => ExitCode::FAILURE,
            State::Ok | State::Warning => ExitCode::SUCCESS,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { check, state, what, mend } in &self.findings {
            writeln!(f, "{:8}{check:13}{}", state.name(), readable(what))?;
            if let Some(mend) = mend {
                writeln!(f, "{:21}mend: {}", "", readable(mend))?;
            }
        }
        let mut counts = String::new();
        for state in State::ALL {
            let count = self.findings.iter().filter(|finding| finding.state == state).count();
            let comma = if counts.is_empty() { "" } else { ", " };
            write!(counts, "{comma}{}: {count}", state.name())?;
        }
        write!(f, "{counts}")
    }
}
