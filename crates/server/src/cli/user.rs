//! `holdfast user …`: what only the operator may do to accounts.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail};
use clap::Subcommand;
use holdfast_application::{
    domain::{
        UserId,
        users::{Email, NewPassword, Password},
    },
    users::AdminMade,
};

use super::print;
use crate::{compose, settings::Settings};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Give an account the role admin; create it where it does not exist
    ///
    /// The password of a new account is read from standard input: one line, or a prompt on a terminal.
    CreateAdmin {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
    },
    /// Give an adopted account that nobody can sign in to an address and a password
    ///
    /// Such an account is a placeholder, for tasks without an owner, or has an e-mail address with U+0000 in it. Its
    /// password is read from standard input: one line, or a prompt on a terminal.
    Claim {
        /// The account's id
        id: UserId,
        /// The e-mail address that it gets
        #[arg(long)]
        email: String,
    },
    /// Remove the second factor of an account whose owner has lost it; all its sessions end
    ///
    /// Make sure by other means that it is the owner who asks.
    ResetSecondFactor {
        /// The account's e-mail address
        email: String,
    },
}

/// Runs one command against the configured database.
pub(super) async fn run(settings: &Settings, command: UserCommand) -> anyhow::Result<()> {
    crate::telemetry::start(&settings.telemetry);
    match command {
        UserCommand::CreateAdmin { email } => create_admin(settings, email).await,
        UserCommand::Claim { id, email } => claim(settings, id, email).await,
        UserCommand::ResetSecondFactor { email } => reset_second_factor(settings, email).await,
    }
}

async fn claim(settings: &Settings, id: UserId, email: String) -> anyhow::Result<()> {
    let email = Email::new(email).context("--email")?;
    let services = compose::services(settings).await?;
    let password = NewPassword::new(read_password()?, &email).context("the password")?;
    services.users.claim(id, &email, &password).await?;
    print(&format!("{id} belongs to {} now", email.as_str()));
    Ok(())
}

async fn reset_second_factor(settings: &Settings, email: String) -> anyhow::Result<()> {
    let services = compose::services(settings).await?;
    let id = services.users.reset_second_factor(&Email::stored(email.clone())).await?;
    print(&format!("{email} ({id}) has no second factor any more; its sessions ended"));
    Ok(())
}

async fn create_admin(settings: &Settings, email: String) -> anyhow::Result<()> {
    let email = Email::new(email).context("--email")?;
    let services = compose::services(settings).await?;
    let made = match services.users.create_admin(email.clone(), None).await {
        Err(holdfast_application::users::CreateAdminError::PasswordMissing) => {
            let password = NewPassword::new(read_password()?, &email).context("the password")?;
            services.users.create_admin(email.clone(), Some(&password)).await?
        }
        other => other?,
    };
    let (id, what) = match made {
        AdminMade::Created(id) => (id, "created with the role admin"),
        AdminMade::Promoted(id) => (id, "is admin now; its sessions ended"),
        AdminMade::Unchanged(id) => (id, "was admin already"),
    };
    print(&format!("{} ({id}) {what}", email.as_str()));
    Ok(())
}

fn read_password() -> anyhow::Result<Password> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let password = rpassword::prompt_password("Password of the new account: ")?;
        if password != rpassword::prompt_password("Once more: ")? {
            bail!("the two passwords differ");
        }
        return Ok(Password::new(password));
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("no password on standard input")?;
    let password =
        line.strip_suffix('\n').map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Password::new(password.to_owned()))
}
