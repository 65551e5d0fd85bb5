//! `holdfast check-config`: the effective settings, with the source of each and secrets redacted, or everything that is wrong
//! with them. Nothing is opened for it but files of settings and keys.

use std::process::ExitCode;

use serde::Serialize;

use super::{CONFIGURATION_FAULT, complain, misconfigured, print};
use crate::settings::{Description, Fault, Faults, Loaded, Warning};

/// The answer for machines. `settings` is null where something is wrong.
#[derive(Serialize)]
struct Answer<'a> {
    valid: bool,
    settings: Option<&'a Description>,
    warnings: &'a [Warning],
    faults: &'a [Fault],
}

/// Prints what holds, or what does not; the latter with exit code 78.
pub(super) fn run(loaded: Result<Loaded, Faults>, json: bool) -> ExitCode {
    match (loaded, json) {
        (Err(faults), false) => misconfigured(&faults),
        (Err(faults), true) => {
            let answer = Answer { valid: false, settings: None, warnings: &[], faults: faults.as_slice() };
            print_json(&answer, ExitCode::from(CONFIGURATION_FAULT))
        }
        (Ok(Loaded { settings, warnings }), false) => {
            for warning in &warnings {
                complain(format_args!("warning: {warning}"));
            }
            print(settings.describe().to_string().trim_end())
        }
        (Ok(Loaded { settings, warnings }), true) => {
            let settings = Some(settings.describe());
            print_json(&Answer { valid: true, settings, warnings: &warnings, faults: &[] }, ExitCode::SUCCESS)
        }
    }
}

/// Prints the answer; the exit code is the given one, unless nobody could be told.
fn print_json(answer: &Answer<'_>, code: ExitCode) -> ExitCode {
    match serde_json::to_string_pretty(answer) {
        Ok(text) if print(&text) == ExitCode::SUCCESS => code,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
