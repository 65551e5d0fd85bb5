//! `holdfast user sessions`: where an account is signed in, and the end of that.

use std::io::Write as _;

use clap::Args;
use holdfast_application::{
    Services,
    domain::{
        SessionId,
        sessions::{Client, Session},
    },
    users::Caller,
};
use serde::Serialize;

use super::{Whom, row::seconds};
use crate::cli::terminal::{Output, print, readable};

const EXAMPLES: &str = "\
Examples:
  holdfast user sessions ada@example.com
  holdfast user sessions ada@example.com --end 0197f6a4-5d6e-7c0a-9d1c-3b1f6e1d2c3b
  holdfast user sessions ada@example.com --all";
const HEAD: &str = "ID                                    SIGNED IN             LAST USED             NETWORK             CLIENT";

/// List the live sessions of an account, or end them
///
/// Running servers refuse the tokens of a session that ended within two seconds.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SessionsArgs {
    #[command(flatten)]
    whom: Whom,
    /// End the session with this id
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    end: Option<SessionId>,
    /// End all of them, and the account's personal access tokens
    #[arg(long)]
    all: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// A live session, as it is shown.
#[derive(Serialize)]
struct Row {
    id: String,
    created_at: String,
    last_used_at: String,
    idle_expires_at: String,
    absolute_expires_at: String,
    ip_prefix: Option<String>,
    device: Option<String>,
    user_agent: Option<String>,
}

/// What ended.
#[derive(Serialize)]
struct Ended {
    ended: usize,
}

impl From<Session> for Row {
    fn from(session: Session) -> Self {
        let Session { id, created_at, last_used_at, idle_expires_at, absolute_expires_at, client, .. } =
            session;
        let Client { user_agent, ip_prefix, device } = client;
        Self {
            id: id.to_string(),
            created_at: created_at.to_string(),
            last_used_at: last_used_at.to_string(),
            idle_expires_at: idle_expires_at.to_string(),
            absolute_expires_at: absolute_expires_at.to_string(),
            ip_prefix,
            device,
            user_agent,
        }
    }
}

pub(super) async fn run(services: &Services, arguments: SessionsArgs) -> anyhow::Result<()> {
    let SessionsArgs { whom, end, all, json } = arguments;
    let user = whom.find(services).await?;
    let users = &services.users;
    let ended = match end {
        Some(session) => {
            users.end_session(Caller::Operator, user.id, session, &Client::default()).await?;
            1
        }
        None if all => users.end_sessions(Caller::Operator, user.id, &Client::default()).await?,
        None => return list(users.sessions(Caller::Operator, user.id).await?, json),
    };
    if json {
        return Output::new().json(&Ended { ended });
    }
    print(&format!("{}: sessions that ended: {ended}", readable(user.email.as_str())));
    Ok(())
}

fn list(sessions: Vec<Session>, json: bool) -> anyhow::Result<()> {
    let mut output = Output::new();
    if !json {
        writeln!(output, "{HEAD}")?;
    }
    for row in sessions.into_iter().map(Row::from) {
        if json {
            output.json(&row)?;
            continue;
        }
        let Row { id, created_at, last_used_at, ip_prefix, device, user_agent, .. } = row;
        let network = ip_prefix.as_deref().unwrap_or("-");
        let client = readable(device.or(user_agent).as_deref().unwrap_or("-"));
        let (created, used) = (seconds(&created_at), seconds(&last_used_at));
        writeln!(output, "{id}  {created:20}  {used:20}  {network:18}  {client}")?;
    }
    Ok(output.flush()?)
}
