//! Opens the `.env` files and makes layers of them. Their syntax is `dotenv`'s, their order `sources`'.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use migration::dotenv;

use super::fault::{Fault, Warning};
use super::sources::{Layer, Origin};
use super::unknown;

/// Reads `.env` files; what is wrong with their text becomes faults, what is odd becomes warnings.
pub(super) struct EnvFiles<'a> {
    pub(super) directory: &'a Path,
    pub(super) faults: &'a mut Vec<Fault>,
    pub(super) warnings: &'a mut Vec<Warning>,
}

impl EnvFiles<'_> {
    /// The file of that name; a missing one is an empty layer.
    pub(super) fn read(&mut self, name: &'static str) -> Layer {
        let text = match std::fs::read(self.directory.join(name)) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(format!("cannot be read ({})", error.kind())),
        };
        let text = text.unwrap_or_else(|problem| {
            self.fault(name, problem);
            String::new()
        });
        let (assignments, malformed) = dotenv::parse(&text);
        for dotenv::Malformed { line, problem } in malformed {
            self.fault(name, format!("line {line} {problem}"));
        }
        let mut seen = BTreeSet::new();
        for dotenv::Assignment { line, name: variable, value } in &assignments {
            if !unknown::warn_of_file(name, *line, variable, self.warnings) {
                continue;
            }
            if !seen.insert(variable.as_str()) {
                self.warn(variable, format!("is set more than once in {name}; line {line} counts"));
            }
            // python-dotenv, which read these files for the FastAPI backend, would replace it.
            if value.contains("${") {
                self.warn(
                    variable,
                    format!("{name} line {line} holds a ${{…}}, which is taken as it stands"),
                );
            }
        }
        let pairs = assignments.into_iter().map(|assignment| (assignment.name, assignment.value));
        Layer::new(Origin::File(name), pairs)
    }

    fn fault(&mut self, file: &str, problem: String) {
        let expected = "a UTF-8 text file of NAME=value lines".to_owned();
        self.faults.push(Fault { variable: file.to_owned(), taken_from: None, problem, expected });
    }

    fn warn(&mut self, variable: &str, message: String) {
        self.warnings.push(Warning { variable: variable.to_owned(), message });
    }
}
