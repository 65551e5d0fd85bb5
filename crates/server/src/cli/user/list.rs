//! `holdfast user list`: accounts, a page of the store at a time, for as long as somebody reads.

use std::io::Write as _;

use clap::{Args, ValueEnum};
use holdfast_application::{
    Services,
    domain::users::Role,
    ports::UserPosition,
    users::{UserSearch, UserState},
};

use super::row::{HEAD, Row};
use crate::cli::terminal::Output;

const EXAMPLES: &str = "\
Examples:
  holdfast user list --limit 20                     the twenty newest
  holdfast user list --role admin --state active
  holdfast user list --email ada --json | jq -r .id";
/// How many accounts are asked for at a time.
const PAGE: u64 = 500;

/// List accounts, the newest first
///
/// With --json each account is one JSON object on a line of its own.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArgs {
    /// Those with this role alone: user or admin
    #[arg(long)]
    role: Option<Role>,
    /// Those in this state alone; a ban counts more than being switched off
    #[arg(long)]
    state: Option<State>,
    /// Those whose e-mail address begins like this, in any case
    #[arg(long, value_name = "PREFIX")]
    email: Option<String>,
    /// This many at most; all of them without it
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// [`UserState`], as it is typed.
#[derive(Clone, Copy)]
struct State(UserState);

impl ValueEnum for State {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [State; 3] =
            [State(UserState::Active), State(UserState::Banned), State(UserState::Inactive)];
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

pub(super) async fn run(services: &Services, arguments: ListArgs) -> anyhow::Result<()> {
    let ListArgs { role, state, email, limit, json } = arguments;
    let search = UserSearch { role, state: state.map(|State(state)| state), email_prefix: email };
    let mut output = Output::new();
    if !json {
        writeln!(output, "{HEAD}")?;
    }
    let (mut left, mut behind) = (limit.unwrap_or(u64::MAX), None);
    while left > 0 && !output.is_closed() {
        let wanted = PAGE.min(left);
        let users = services.users.search(&search, behind, wanted).await?;
        for user in &users {
            let row = Row::new(services, user);
            if json { output.json(&row)? } else { writeln!(output, "{}", row.line())? }
        }
        left -= users.len() as u64;
        behind = users.last().map(UserPosition::behind);
        if (users.len() as u64) < wanted {
            break;
        }
    }
    Ok(output.flush()?)
}
