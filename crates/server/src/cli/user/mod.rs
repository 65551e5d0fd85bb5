//! `holdfast user …`: what the operator may do to accounts. Each command goes through the use case that the administration API
//! goes through: the same rules, the same entries in the history, the same ends of sessions.

mod ban;
mod create;
mod list;
mod password;
mod role;
mod row;
mod second_factor;
mod sessions;
mod show;

use std::str::FromStr as _;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use holdfast_application::{
    Services,
    domain::{UserId, users::User},
    users::UserError,
};

use super::terminal::{Output, readable};
use crate::{compose, settings::Settings};

const EXAMPLES: &str = "\
Examples:
  holdfast user list --role admin
  holdfast user show ada@example.com
  holdfast user ban ada@example.com --reason 'spam' --until 2027-01-01T00:00:00Z
  holdfast user reset-password ada@example.com --link
  holdfast user sessions ada@example.com --all

Exit codes: 0 done, 1 failed (an account that is not there included), 2 wrong arguments, 78 faulty settings.
No password is ever an argument: it is read from standard input, one line, or asked for on a terminal.";

/// Administer accounts
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand)]
enum UserCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    CreateAdmin(create::CreateAdminArgs),
    Claim(create::ClaimArgs),
    Ban(ban::BanArgs),
    Unban(ban::UnbanArgs),
    SetRole(role::SetRoleArgs),
    ResetPassword(password::ResetPasswordArgs),
    ResetSecondFactor(second_factor::ResetSecondFactorArgs),
    Sessions(sessions::SessionsArgs),
}

/// Runs one command against the configured database.
pub(super) async fn run(settings: &Settings, UserArgs { command }: UserArgs) -> anyhow::Result<()> {
    crate::telemetry::start(&settings.telemetry);
    match command {
        UserCommand::List(arguments) => list::run(&services(settings).await?, arguments).await,
        UserCommand::Show(arguments) => show::run(&services(settings).await?, arguments).await,
        UserCommand::CreateAdmin(arguments) => create::admin(settings, arguments).await,
        UserCommand::Claim(arguments) => create::claim(settings, arguments).await,
        UserCommand::Ban(arguments) => ban::ban(&services(settings).await?, arguments).await,
        UserCommand::Unban(arguments) => ban::unban(&services(settings).await?, arguments).await,
        UserCommand::SetRole(arguments) => role::run(&services(settings).await?, arguments).await,
        UserCommand::ResetPassword(arguments) => password::run(settings, arguments).await,
        UserCommand::ResetSecondFactor(arguments) => {
            second_factor::run(&services(settings).await?, arguments).await
        }
        UserCommand::Sessions(arguments) => sessions::run(&services(settings).await?, arguments).await,
    }
}

async fn services(settings: &Settings) -> anyhow::Result<Services> {
    compose::services(settings).await
}

/// One account, by whatever the operator has of it.
#[derive(Args)]
struct Whom {
    /// The account's e-mail address or id
    #[arg(value_name = "EMAIL|ID")]
    whom: String,
}

impl Whom {
    /// No e-mail address is a UUID: it has an `@`, apart from adopted ones, which have an id as well.
    async fn find(&self, services: &Services) -> anyhow::Result<User> {
        let Self { whom } = self;
        let (found, by) = match UserId::from_str(whom) {
            Ok(id) => (services.users.find_by_id(id).await, "id"),
            Err(_) => (services.users.find_by_email(whom).await, "e-mail address"),
        };
        found.map_err(|error| match error {
            UserError::NotFound => anyhow!("there is no account with the {by} {}", readable(whom)),
            other => other.into(),
        })
    }
}

/// Prints what was done, or the account as it is then.
fn told(services: &Services, user: &User, json: bool, what: &str) -> anyhow::Result<()> {
    use std::io::Write as _;

    let mut output = Output::new();
    if json {
        return output.json(&row::Row::new(services, user));
    }
    Ok(writeln!(output, "{} ({}) {what}", readable(user.email.as_str()), user.id)?)
}
