//! The caller's own account.

use holdfast_domain::users::User;

use super::{Auth, AuthError};
use crate::Actor;

impl Auth {
    /// The caller's account as it is now.
    pub async fn profile(&self, actor: Actor) -> Result<User, AuthError> {
        self.store.users().find(actor.user).await?.ok_or(AuthError::TokenInvalid)
    }
}
