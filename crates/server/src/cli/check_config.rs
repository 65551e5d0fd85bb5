//! `holdfast check-config`: the effective settings, with the source of each and secrets redacted.

use std::process::ExitCode;

use super::{complain, print};
use crate::settings::{Settings, Warning};

/// Prints what holds. Faults never come here: they end the program before.
pub(super) fn run(settings: &Settings, warnings: &[Warning], json: bool) -> ExitCode {
    for warning in warnings {
        complain(format_args!("warning: {warning}"));
    }
    let description = settings.describe();
    if !json {
        return print(description.to_string().trim_end());
    }
    match serde_json::to_string_pretty(description) {
        Ok(text) => print(&text),
        Err(error) => {
            complain(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
