//! The command line: what can be asked of the program, and what each answer's exit code is.

mod check_config;
mod healthcheck;
mod keys;
mod serve;
mod user;

use std::{fmt, io::Write, process::ExitCode};

use clap::{Parser, Subcommand};
use migration::cli::MigrateArgs;

use crate::compose::in_runtime;
use crate::settings::{Faults, Loaded, Settings, Sources, Warning};

/// `EX_CONFIG` of sysexits.h.
const CONFIGURATION_FAULT: u8 = 78;

/// A task backend: accounts, sessions and tasks behind a REST API.
///
/// Without a command it serves. Settings come from the environment and from `.env` files in the working directory;
/// `docs/configuration.md` lists them.
#[derive(Parser)]
#[command(name = "holdfast", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default)
    Serve,
    /// Change the schema of the database
    Migrate(MigrateArgs),
    /// Check the settings and print them with secrets redacted; opens no database and no socket
    CheckConfig {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    Keys(keys::KeysArgs),
    /// Print the OpenAPI document
    Openapi,
    /// Ask a running server on this machine whether it is ready; for containers without a shell
    Healthcheck,
    /// Administer accounts
    User {
        #[command(subcommand)]
        command: user::UserCommand,
    },
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let command = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Openapi => return print(holdfast_web::openapi_json().trim_end()),
        Command::Keys(arguments) => return report(keys::run(arguments, &Sources::of_this_process())),
        other => other,
    };
    let Loaded { settings, warnings } = match Settings::load(&Sources::of_this_process()) {
        Ok(loaded) => loaded,
        Err(faults) => return misconfigured(&faults),
    };
    match command {
        Command::CheckConfig { json } => check_config::run(&settings, &warnings, json),
        Command::Healthcheck => report(healthcheck::run(&settings)),
        Command::Serve => report(in_runtime(serve::run(&settings, &warnings))),
        Command::Migrate(MigrateArgs { command }) => {
            report(in_runtime(migrate(&settings, &warnings, &command)))
        }
        Command::User { command } => report(in_runtime(user::run(&settings, command))),
        Command::Keys(_) | Command::Openapi => ExitCode::SUCCESS,
    }
}

async fn migrate(
    settings: &Settings,
    warnings: &[Warning],
    command: &migration::cli::MigrateCommand,
) -> anyhow::Result<()> {
    crate::telemetry::start(&settings.telemetry);
    log_warnings(warnings);
    let url = &settings.database.migration_url;
    // Nobody has said that a database on another machine may be thrown away.
    let production = settings.environment.is_strict() || !(settings.environment_stated() || url.is_local());
    let patience = settings.database.wake_timeout();
    Ok(migration::cli::run(command, url, patience, production, &mut std::io::stdout()).await?)
}

fn log_warnings(warnings: &[Warning]) {
    for warning in warnings {
        tracing::warn!(target: "holdfast::settings", "{warning}");
    }
}

fn misconfigured(faults: &Faults) -> ExitCode {
    complain(format_args!("The settings are not right. Nothing was started.\n{faults}"));
    ExitCode::from(CONFIGURATION_FAULT)
}

fn report(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("error: {}", told(&error)));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each once: many tell theirs in their own text.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| match cause.to_string() {
        cause if told.is_empty() => cause,
        cause if told.contains(&cause) => told,
        cause => format!("{told}: {cause}"),
    })
}

fn print(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(text: fmt::Arguments<'_>) {
    // There is nobody left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}
