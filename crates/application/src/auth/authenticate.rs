//! Finding out who is calling.

use super::{Auth, AuthError};
use crate::{Actor, ports::Expiry};

impl Auth {
    /// The caller that an access token names, while its session lives. The store is not asked before the signature
    /// holds.
    pub async fn authenticate(&self, token: &str) -> Result<Actor, AuthError> {
        let claims = self.tokens.verify_access(token, self.clock.now(), Expiry::Enforced)?;
        let session = self.store.sessions().find(claims.user, claims.session).await?;
        let live = session.is_some_and(|session| session.check(self.clock.now()).is_ok());
        if live {
            Ok(Actor { user: claims.user, session: claims.session, role: claims.role })
        } else {
            Err(AuthError::TokenInvalid)
        }
    }
}
