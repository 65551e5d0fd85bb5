//! The `migration` command. Exit codes: 0 done, 1 failed (nothing was changed), 2 wrong arguments, 78 configuration fault.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use migration::cli::{self, MigrateArgs};
use migration::environment::{Environment, Target};
use tracing_subscriber::filter::LevelFilter;

/// `EX_CONFIG` of sysexits.h.
const CONFIGURATION_FAULT: u8 = 78;

/// Changes the schema of a Holdfast database.
///
/// The database is named by `NEON_DATABASE_URL`, `DATABASE_URL` or `POSTGRES_URL` (the first that is set; behind a pooler
/// by `DATABASE_URL_UNPOOLED`), in the environment or in `.env`. In development the default is `sqlite://data/holdfast.db`.
#[derive(Parser)]
#[command(name = "migration")]
struct Arguments {
    #[command(flatten)]
    migrate: MigrateArgs,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(LevelFilter::INFO)
        .with_target(false)
        .without_time()
        .init();
    #[expect(clippy::disallowed_methods, reason = "this command reads its settings here and nowhere else")]
    let process = std::env::vars_os();
    let target = Environment::read(Path::new("."), process).and_then(|environment| environment.target());
    let Target { url, patience, production, warnings } = match target {
        Ok(target) => target,
        Err(error) => return fail(CONFIGURATION_FAULT, &error),
    };
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    match cli::run(&arguments.migrate.command, &url, patience, production, &mut std::io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

fn fail(code: u8, error: &dyn Error) -> ExitCode {
    // There is nobody left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::from(code)
}
