//! Reading one account.

use holdfast_domain::{UserId, users::User};

use super::{Caller, UserError, Users};

impl Users {
    /// The account, for its owner and for administrators.
    pub async fn show(&self, caller: impl Into<Caller>, id: UserId) -> Result<User, UserError> {
        let authority = self.authority(caller.into(), id).await?;
        self.store.users().find(id).await?.ok_or_else(|| authority.missing())
    }
}
