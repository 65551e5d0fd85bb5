//! What loading the settings can report: faults, which stop the start, and warnings, which do not.
//! The rules that raise them live with the sections.

use std::fmt;

use serde::Serialize;

use super::variables;

/// One thing that keeps the server from starting, told in one line:
/// the variable, what is wrong with it, and what is expected. It never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The variable, or the file where the fault lies in a file's syntax.
    pub variable: String,
    /// The fallback that the value came from, where the variable itself is missing.
    pub taken_from: Option<&'static str>,
    /// What is wrong.
    #[serde(rename = "fault")]
    pub problem: String,
    /// What would be right.
    pub expected: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, taken_from, problem, expected } = self;
        f.write_str(variable)?;
        if let Some(fallback) = taken_from {
            write!(f, " (taken from {fallback})")?;
        }
        write!(f, ": {problem}; expected {expected}")
    }
}

/// Every fault of one configuration, in the order of the documentation, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Sorts the faults: those of files first, then by the variables' order in the documentation.
    pub(super) fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| variables::position(&fault.variable));
        Self(faults)
    }

    /// The single faults.
    #[must_use]
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Something an operator should know, which does not stop the start. It never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The variable, or the file, that the warning is about.
    pub variable: String,
    /// What to know about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, message } = self;
        write!(f, "{variable}: {message}")
    }
}

/// A value as it may stand in a fault: in quotes, control characters escaped, long ones cut, so that
/// a fault stays one readable line.
pub(super) fn quoted(value: &str) -> String {
    const SHOWN: usize = 60;
    if value.chars().count() <= SHOWN {
        return format!("{value:?}");
    }
    let start: String = value.chars().take(SHOWN).collect();
    format!("{:?}", format!("{start}…"))
}
