//! `holdfast user ban` and `unban`.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Args;
use holdfast_application::{
    Services,
    domain::{Timestamp, users::BanReason},
    users::{BanWish, Caller},
};

use super::{Whom, told};

/// Ban an account; all its sessions end
///
/// Running servers refuse its tokens within two seconds. The last administrator cannot be banned.
#[derive(Args)]
#[command(after_help = "Examples:\n  holdfast user ban ada@example.com\n  \
    holdfast user ban ada@example.com --reason 'spam' --until 2027-01-01T00:00:00Z")]
pub(super) struct BanArgs {
    #[command(flatten)]
    whom: Whom,
    /// What the person is told at sign-in
    #[arg(long)]
    reason: Option<String>,
    /// When it ends by itself, as an RFC 3339 time; never without it
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

/// Lift the ban of an account; its sessions stay ended
#[derive(Args)]
#[command(after_help = "Examples:\n  holdfast user unban ada@example.com")]
pub(super) struct UnbanArgs {
    #[command(flatten)]
    whom: Whom,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn ban(services: &Services, arguments: BanArgs) -> anyhow::Result<()> {
    let BanArgs { whom, reason, until, json } = arguments;
    let wish = BanWish {
        reason: reason.map(BanReason::new).transpose().context("--reason")?,
        expires_at: until.map(Timestamp::from_datetime).transpose().context("--until")?,
    };
    let id = whom.find(services).await?.id;
    let until = wish.expires_at.map_or_else(|| "until it is lifted".to_owned(), |end| format!("until {end}"));
    let banned = services.users.ban(Caller::Operator, id, wish).await?;
    told(services, &banned, json, &format!("is banned {until}; its sessions ended"))
}

pub(super) async fn unban(services: &Services, UnbanArgs { whom, json }: UnbanArgs) -> anyhow::Result<()> {
    let before = whom.find(services).await?;
    let user = services.users.unban(Caller::Operator, before.id).await?;
    let what = if before.ban.is_some() { "is not banned any more" } else { "was not banned" };
    told(services, &user, json, what)
}
