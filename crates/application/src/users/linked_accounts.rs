//! The links of an account to others.

use holdfast_domain::{UserId, users::LinkedAccount};

use super::{UserError, Users};
use crate::Actor;

impl Users {
    /// The links that an adopted account came with, the oldest first, for its owner and for administrators.
    pub async fn linked_accounts(&self, actor: Actor, id: UserId) -> Result<Vec<LinkedAccount>, UserError> {
        let authority = self.authority(actor.into(), id).await?;
        let links = self.store.users().linked_accounts(id).await?;
        if links.is_empty() && self.store.users().find(id).await?.is_none() {
            return Err(authority.missing());
        }
        Ok(links)
    }
}
