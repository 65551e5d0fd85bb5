//! Changing what a person decides about their own account.

use holdfast_domain::{UserId, users::User};

use super::{UserError, Users};
use crate::{Actor, ports::ProfileChanges};

impl Users {
    /// Changes name and picture, for the owner and for administrators.
    pub async fn update(
        &self,
        actor: Actor,
        id: UserId,
        changes: &ProfileChanges,
    ) -> Result<User, UserError> {
        let authority = self.authority(actor.into(), id).await?;
        let updated = self.store.users().update(id, changes, self.clock.now()).await?;
        updated.ok_or_else(|| authority.missing())
    }
}
