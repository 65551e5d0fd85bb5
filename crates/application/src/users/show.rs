//! Reading one account.

use holdfast_domain::{UserId, users::User};

use super::{UserError, Users};
use crate::Actor;

impl Users {
    /// The account, for its owner and for administrators.
    pub async fn show(&self, actor: Actor, id: UserId) -> Result<User, UserError> {
        let authority = self.authority(actor, id).await?;
        self.store.users().find(id).await?.ok_or_else(|| authority.missing())
    }
}
