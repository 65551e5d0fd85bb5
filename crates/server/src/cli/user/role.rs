//! `holdfast user set-role`.

use clap::Args;
use holdfast_application::{Services, domain::users::Role, users::Caller};

use super::{Whom, told};

/// Give an account another role; all its sessions end
///
/// Giving the role that it has changes nothing. The last administrator stays one.
#[derive(Args)]
#[command(after_help = "Examples:\n  holdfast user set-role ada@example.com admin\n  \
    holdfast user set-role ada@example.com user")]
pub(super) struct SetRoleArgs {
    #[command(flatten)]
    whom: Whom,
    /// The role that it gets: user or admin
    role: Role,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(services: &Services, arguments: SetRoleArgs) -> anyhow::Result<()> {
    let SetRoleArgs { whom, role, json } = arguments;
    let before = whom.find(services).await?;
    let user = services.users.set_role(Caller::Operator, before.id, role).await?;
    let what = if before.role == role {
        format!("has the role {} already", role.name())
    } else {
        format!("has the role {} now; its sessions ended", role.name())
    };
    told(services, &user, json, &what)
}
