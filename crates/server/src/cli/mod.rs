//! The command line: what can be asked of the program, and what each answer's exit code is.

mod backup;
mod check_config;
mod completions;
mod doctor;
mod export;
mod healthcheck;
mod import;
mod keys;
mod man;
mod restore;
mod seed;
mod serve;
mod terminal;
mod transfer;
mod user;
mod version;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use migration::cli::MigrateArgs;

use terminal::{INTERRUPTED, Interrupted, Output, complain, print};

use crate::compose::in_runtime;
use crate::settings::{Faults, Loaded, Settings, Sources, Warning};

/// `EX_CONFIG` of sysexits.h.
const CONFIGURATION_FAULT: u8 = 78;

const EXAMPLES: &str = "\
Examples:
  holdfast                          serve
  holdfast migrate up               before the first start on PostgreSQL
  holdfast user create-admin --email ada@example.com

Exit codes: 0 done, 1 failed, 2 wrong arguments, 78 faulty settings, 130 interrupted.
Each command has its own --help. docs/cli.md has all of them on one page.";

/// A task backend: accounts, sessions and tasks behind a REST API.
///
/// Without a command it serves. Settings come from the environment and from `.env` files in the working directory;
/// `docs/configuration.md` lists them.
#[derive(Parser)]
#[command(name = "holdfast", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default)
    #[command(after_help = "Examples:\n  holdfast serve\n  PORT=8080 holdfast serve")]
    Serve,
    /// Change the schema of the database
    Migrate(MigrateArgs),
    /// Check the settings and print them with secrets redacted; opens no database and no socket
    #[command(after_help = "Examples:\n  holdfast check-config\n  holdfast check-config --json")]
    CheckConfig {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    Keys(keys::KeysArgs),
    /// Print the OpenAPI document
    #[command(after_help = "Examples:\n  holdfast openapi > openapi.json")]
    Openapi,
    /// Ask a running server on this machine whether it is ready; for containers without a shell
    #[command(after_help = "Examples:\n  holdfast healthcheck\n  PORT=8080 holdfast healthcheck")]
    Healthcheck,
    Doctor(doctor::DoctorArgs),
    User(user::UserArgs),
    Seed(seed::SeedArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Version(version::VersionArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
}

/// The whole command line, for whatever is made of it: completions, manual pages, and the test that looks at all of it.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let command = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Openapi => return print(holdfast_web::openapi_json().trim_end()),
        Command::Keys(arguments) => return report(keys::run(arguments, &Sources::of_this_process())),
        Command::CheckConfig { json } => {
            return check_config::run(Settings::load(&Sources::of_this_process()), json);
        }
        Command::Doctor(arguments) => {
            return doctor::run(arguments, &Sources::of_this_process())
                .unwrap_or_else(|error| report(Err(error)));
        }
        Command::Completions(arguments) => return completions::run(arguments),
        Command::Man(arguments) => return report(man::run(arguments)),
        Command::Version(arguments) => return report(version::run(arguments)),
        other => other,
    };
    let Loaded { settings, warnings } = match Settings::load(&Sources::of_this_process()) {
        Ok(loaded) => loaded,
        Err(faults) => return misconfigured(&faults),
    };
    match command {
        Command::Healthcheck => report(healthcheck::run(&settings)),
        Command::Serve => report(in_runtime(serve::run(Sources::of_this_process(), &settings, &warnings))),
        Command::Migrate(MigrateArgs { command }) => {
            report(in_runtime(migrate(&settings, &warnings, &command)))
        }
        Command::Seed(arguments) => report(in_runtime(seed::run(&settings, arguments))),
        Command::User(arguments) => report(in_runtime(user::run(&settings, arguments))),
        Command::Backup(arguments) => report(in_runtime(backup::run(&settings, &warnings, arguments))),
        Command::Restore(arguments) => report(in_runtime(restore::run(&settings, &warnings, arguments))),
        Command::Export(arguments) => report(in_runtime(export::run(&settings, &warnings, arguments))),
        Command::Import(arguments) => report(in_runtime(import::run(&settings, &warnings, arguments))),
        Command::CheckConfig { .. }
        | Command::Completions(_)
        | Command::Doctor(_)
        | Command::Keys(_)
        | Command::Man(_)
        | Command::Openapi
        | Command::Version(_) => ExitCode::SUCCESS,
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
    let production = counts_as_production(settings);
    let patience = settings.database.wake_timeout();
    Ok(migration::cli::run(command, url, patience, production, &mut Output::new()).await?)
}

/// Whether nothing may be done that is for trying things. Nobody has said so of a database on another machine, where
/// `ENVIRONMENT` is not set.
fn counts_as_production(settings: &Settings) -> bool {
    let url = &settings.database.migration_url;
    settings.environment.is_strict() || !(settings.environment_stated() || url.is_local())
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
        Err(error) if error.is::<Interrupted>() => ExitCode::from(INTERRUPTED),
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
