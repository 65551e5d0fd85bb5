//! `holdfast user show`: one account.

use std::io::Write as _;

use clap::Args;
use holdfast_application::{Services, users::Caller};
use serde::Serialize;

use super::{Whom, row::Row};
use crate::cli::terminal::Output;

/// Show an account
#[derive(Args)]
#[command(after_help = "Examples:\n  holdfast user show ada@example.com\n  \
    holdfast user show 0197f6a4-5d6e-7c0a-9d1c-3b1f6e1d2c3b --json")]
pub(super) struct ShowArgs {
    #[command(flatten)]
    whom: Whom,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The account, and where it is signed in.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    row: Row,
    live_sessions: usize,
}

pub(super) async fn run(services: &Services, ShowArgs { whom, json }: ShowArgs) -> anyhow::Result<()> {
    let user = whom.find(services).await?;
    let live_sessions = services.users.sessions(Caller::Operator, user.id).await?.len();
    let row = Row::new(services, &user);
    let mut output = Output::new();
    if json {
        return output.json(&Shown { row, live_sessions });
    }
    for (name, value) in row.members() {
        writeln!(output, "{name:12}  {value}")?;
    }
    Ok(writeln!(output, "{:12}  {live_sessions} live", "sessions")?)
}
