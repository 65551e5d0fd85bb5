//! `holdfast doctor`: looks at everything that a server needs, and changes none of it. What is looked at is in the other files here,
//! one subject each.

mod clock;
mod database;
mod files;
mod finding;
mod listener;
mod mail;
mod migrations;
mod postgres;
mod redis;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use finding::{Finding, Report};

use crate::settings::{Fault, Faults, Loaded, Settings, Sources, Warning};

const EXAMPLES: &str = "\
Examples:
  holdfast doctor
  holdfast doctor --json | jq '.findings[] | select(.state != \"ok\")'

Exit codes: 0 all is well or there are only warnings, 1 something fails, 78 the settings are faulty.
It changes nothing, sends no mail, and takes 15 seconds at most.";

/// Look at settings, database, files, mail relay, Redis and port, and say what is wrong and how to mend it
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    /// Print one JSON object: `state`, and `findings` with `check`, `state`, `what` and `mend`
    #[arg(long)]
    json: bool,
}

/// Looks, prints, and answers the exit code.
pub(super) fn run(DoctorArgs { json }: DoctorArgs, sources: &Sources) -> anyhow::Result<ExitCode> {
    let Loaded { settings, warnings } = match Settings::load(sources) {
        Ok(loaded) => loaded,
        Err(faults) => return Report::new(told(&faults), true).print(json),
    };
    let mut findings =
        vec![Finding::ok("settings", format!("they hold, for {}", settings.environment.as_str()))];
    findings.extend(warnings.into_iter().map(|Warning { variable, message }| {
        let mend = format!("docs/configuration.md tells about {variable}");
        Finding::warning("settings", format!("{variable}: {message}"), mend)
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot begin to look")?;
    findings.extend(runtime.block_on(look(settings, sources.directory.clone())));
    // What still waits, for a name that nobody resolves, is not waited for.
    runtime.shutdown_background();
    Report::new(findings, false).print(json)
}

fn told(faults: &Faults) -> Vec<Finding> {
    let told = faults.as_slice().iter().map(|fault| {
        let Fault { variable, taken_from, problem, expected } = fault;
        let from = taken_from.map(|name| format!(" (taken from {name})")).unwrap_or_default();
        Finding::failure("settings", format!("{variable}{from}: {problem}"), format!("expected {expected}"))
    });
    told.collect()
}

/// Everything but the settings, at the same time, so that what is slow is waited for once.
async fn look(settings: Settings, directory: PathBuf) -> Vec<Finding> {
    let (database, mail, redis, listener) = tokio::join!(
        database::look(&settings.database),
        mail::look(&settings.mail),
        redis::look(&settings.redis),
        listener::look(&settings)
    );
    let mut findings = database;
    findings.extend(files::look(&settings, &directory));
    findings.extend(mail);
    findings.extend(redis);
    findings.extend(listener);
    findings
}
