//! Turns texts into typed values and gathers every fault on the way, instead of stopping at the
//! first one. Which variables a section wants, and its rules, live with the section.

use std::collections::HashMap;
use std::str::FromStr;

use validator::{Validate, ValidationErrorsKind};

use super::fault::{Fault, Warning, quoted};
use super::sources::{Entry, Layers};
use super::variables;

/// Reads the layered texts on behalf of the sections.
pub(super) struct Reader {
    layers: Layers,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<Warning>,
}

impl Reader {
    pub(super) fn new(layers: Layers, faults: Vec<Fault>, warnings: Vec<Warning>) -> Self {
        Self { layers, faults, warnings }
    }

    /// The value that somebody set.
    pub(super) fn set(&self, name: &str) -> Option<&Entry> {
        self.layers.set(name)
    }

    /// Whether somebody set the variable by a file which cannot be used.
    pub(super) fn is_unread(&self, name: &str) -> bool {
        self.layers.unread().contains(name)
    }

    /// The faults, without those of variables whose value could not be read: why it could not is told already.
    pub(super) fn into_faults(self) -> (Vec<Fault>, Vec<Warning>) {
        let Self { layers, mut faults, warnings } = self;
        faults.retain(|fault| !layers.unread().contains(fault.variable.as_str()));
        (faults, warnings)
    }

    pub(super) fn warn(&mut self, variable: &str, message: impl Into<String>) {
        self.warnings.push(Warning { variable: variable.to_owned(), message: message.into() });
    }

    /// Reports a fault whose expectation is the one of the catalogue.
    pub(super) fn fault(&mut self, variable: &str, problem: impl Into<String>) {
        let expected = variables::find(variable).map(variables::Variable::expected).unwrap_or_default();
        self.fault_expecting(variable, problem, expected);
    }

    pub(super) fn fault_expecting(
        &mut self,
        variable: &str,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.faults.push(Fault {
            variable: variable.to_owned(),
            taken_from: None,
            problem: problem.into(),
            expected: expected.into(),
        });
    }

    /// The parsed value, or `None` where the variable is neither set nor has a default, or is wrong
    /// (then with a fault).
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(&self.layers.effective(name)?.value) {
            Ok(parsed) => Some(parsed),
            Err(problem) => {
                // A text that was already refused for its characters need not be refused twice.
                if self.faults.iter().all(|fault| fault.variable != name) {
                    self.fault(name, problem);
                }
                None
            }
        }
    }

    /// Like `parse`, for a variable with a default; a wrong value reads as the default, so that one
    /// fault does not raise others.
    fn parse_or_default<T: Default>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.parse(name, &parse)
            .or_else(|| parse(variables::find(name)?.default_text()).ok())
            .unwrap_or_default()
    }

    pub(super) fn number<T: FromStr + Default>(&mut self, name: &'static str) -> T {
        self.parse_or_default(name, whole_number)
    }

    /// Whole seconds, with or without an `s` behind them.
    pub(super) fn seconds(&mut self, name: &'static str) -> u32 {
        self.parse_or_default(name, |text| {
            whole_number(text.strip_suffix('s').unwrap_or(text)).map_err(|problem| {
                if text.ends_with('s') && problem.ends_with("number") {
                    format!("{} is not a whole number of seconds", quoted(text))
                } else {
                    problem
                }
            })
        })
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> bool {
        self.parse_or_default(name, |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(format!("{} is neither true nor false", quoted(text))),
        })
    }

    pub(super) fn word<T: Default>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> T {
        self.optional_word(name, parse).unwrap_or_default()
    }

    pub(super) fn optional_word<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.parse(name, |text| parse(text).ok_or_else(|| not_a_word(text)))
    }

    pub(super) fn text(&mut self, name: &'static str) -> String {
        self.parse(name, |text| Ok(text.to_owned())).unwrap_or_default()
    }

    /// Applies a section's declarative rules (`validator`). By convention the `code` of a rule is the
    /// variable's name; a rule across fields brings its own `message` and an `expected` parameter.
    pub(super) fn check(&mut self, section: &impl Validate) {
        let Err(errors) = section.validate() else { return };
        for kind in errors.into_errors().into_values() {
            let ValidationErrorsKind::Field(errors) = kind else { continue };
            for error in errors {
                let own: HashMap<_, _> = error.params;
                let value = own.get("value").map(ToString::to_string).unwrap_or_default();
                let problem = error.message.map_or_else(
                    || format!("{} is out of range", value_or_length(&value)),
                    std::borrow::Cow::into_owned,
                );
                match own.get("expected").and_then(|expected| expected.as_str()) {
                    Some(expected) => self.fault_expecting(&error.code, problem, expected),
                    None => self.fault(&error.code, problem),
                }
            }
        }
    }
}

/// A validated number as it is; a validated text (in JSON quotes) by its length alone.
fn value_or_length(value: &str) -> String {
    match value.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) => format!("a text of {} characters", text.chars().count()),
        None => value.to_owned(),
    }
}

fn not_a_word(text: &str) -> String {
    format!("{} is not one of its words", quoted(text))
}

/// Digits and nothing else: no sign, no blanks, no separators.
pub(super) fn whole_number<T: FromStr>(text: &str) -> Result<T, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{} is not a whole number", quoted(text)));
    }
    text.parse().map_err(|_| format!("{} is out of range", quoted(text)))
}
