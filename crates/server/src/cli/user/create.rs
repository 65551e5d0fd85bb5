//! `holdfast user create-admin` and `claim`: accounts that nobody could sign in to before.

use anyhow::Context as _;
use clap::Args;
use holdfast_application::{
    domain::{
        UserId,
        users::{Email, NewPassword},
    },
    users::{AdminMade, CreateAdminError},
};

use crate::{
    cli::terminal::{new_password, print},
    compose,
    settings::Settings,
};

const QUESTION: &str = "Password of the new account";

/// Give an account the role admin; create it where it does not exist
///
/// The password of a new account is read from standard input: one line, or a prompt on a terminal.
#[derive(Args)]
#[command(after_help = "Examples:\n  holdfast user create-admin --email ada@example.com\n  \
    pwgen -s 20 1 | holdfast user create-admin --email ada@example.com")]
pub(super) struct CreateAdminArgs {
    /// The account's e-mail address
    #[arg(long)]
    email: String,
}

/// Give an adopted account that nobody can sign in to an address and a password
///
/// Such an account is a placeholder, for tasks without an owner, or has an e-mail address with U+0000 in it. Its
/// password is read from standard input: one line, or a prompt on a terminal.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  holdfast user claim 0197f6a4-5d6e-7c0a-9d1c-3b1f6e1d2c3b --email ada@example.com"
)]
pub(super) struct ClaimArgs {
    /// The account's id
    id: UserId,
    /// The e-mail address that it gets
    #[arg(long)]
    email: String,
}

pub(super) async fn claim(settings: &Settings, ClaimArgs { id, email }: ClaimArgs) -> anyhow::Result<()> {
    let email = Email::new(email).context("--email")?;
    let services = compose::services(settings).await?;
    let password = NewPassword::new(new_password(QUESTION).await?, &email).context("the password")?;
    services.users.claim(id, &email, &password).await?;
    print(&format!("{id} belongs to {} now", email.as_str()));
    Ok(())
}

pub(super) async fn admin(
    settings: &Settings,
    CreateAdminArgs { email }: CreateAdminArgs,
) -> anyhow::Result<()> {
    let email = Email::new(email).context("--email")?;
    let services = compose::services(settings).await?;
    let made = match services.users.create_admin(email.clone(), None).await {
        Err(CreateAdminError::PasswordMissing) => {
            let password = NewPassword::new(new_password(QUESTION).await?, &email).context("the password")?;
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
