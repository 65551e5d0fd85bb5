//! `holdfast user reset-password`: a new password from the operator, or a link with which the owner sets one.

use anyhow::{Context as _, bail};
use clap::Args;
use holdfast_application::{
    domain::users::{NewPassword, User},
    mail::Courier,
    ports::Errand,
};

use super::Whom;
use crate::{
    cli::terminal::{new_password, print, readable},
    compose,
    settings::Settings,
};

const EXAMPLES: &str = "\
Examples:
  holdfast user reset-password ada@example.com --link       she sets it herself, with a link from a mail
  holdfast user reset-password ada@example.com              asks for the password
  pwgen -s 20 1 | holdfast user reset-password ada@example.com";

/// Set the password of an account; all its sessions end
///
/// The password is read from standard input: one line, or a prompt on a terminal. Sessions, personal access tokens and links in
/// mails end. With --link nothing changes yet: the account is sent the mail that it could have asked for itself.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ResetPasswordArgs {
    #[command(flatten)]
    whom: Whom,
    /// Send the account a link instead, with which its owner sets a password
    #[arg(long)]
    link: bool,
}

pub(super) async fn run(settings: &Settings, arguments: ResetPasswordArgs) -> anyhow::Result<()> {
    let ResetPasswordArgs { whom, link } = arguments;
    let (services, courier) = compose::services_and_courier(settings).await?;
    let user = whom.find(&services).await?;
    if link {
        return send_link(courier, &user).await;
    }
    let password =
        NewPassword::new(new_password("New password").await?, &user.email).context("the password")?;
    let ended = services.users.set_password(user.id, &password).await?;
    let email = readable(user.email.as_str());
    print(&format!("{email} ({}) has a new password; sessions that ended: {ended}", user.id));
    Ok(())
}

/// In this process, and waited for: an operator wants to know whether it went out.
async fn send_link(courier: Option<Courier>, user: &User) -> anyhow::Result<()> {
    let courier = courier.context("mail is off (SMTP_URL): set a password instead")?;
    let errand = Errand::PasswordForgotten { email: user.email.clone() };
    let Some(mail) = courier.write(&errand).await? else {
        bail!("nothing was sent: the account belongs to nobody, or too many mails went there already")
    };
    courier.send(&mail).await.context("the mail was not sent")?;
    print(&format!("{} was sent a link", readable(mail.to.as_str())));
    Ok(())
}
