//! `holdfast user reset-second-factor`.

use clap::Args;
use holdfast_application::{Services, domain::users::Email};

use crate::cli::terminal::{print, readable};

/// Remove the second factor of an account whose owner has lost it; all its sessions end
///
/// Make sure by other means that it is the owner who asks.
#[derive(Args)]
#[command(after_help = "Examples:\n  holdfast user reset-second-factor ada@example.com")]
pub(super) struct ResetSecondFactorArgs {
    /// The account's e-mail address
    email: String,
}

pub(super) async fn run(services: &Services, arguments: ResetSecondFactorArgs) -> anyhow::Result<()> {
    let ResetSecondFactorArgs { email } = arguments;
    let id = services.users.reset_second_factor(&Email::stored(email.clone())).await?;
    print(&format!("{} ({id}) has no second factor any more; its sessions ended", readable(&email)));
    Ok(())
}
