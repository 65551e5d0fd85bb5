//! The caller's personal access tokens, shown and revoked.

use holdfast_domain::{
    PersonalTokenId,
    personal_tokens::PersonalToken,
    sessions::{Client, EventKind},
};

use super::{Auth, AuthError};
use crate::Actor;

impl Auth {
    /// The caller's tokens that are not over, the newest first.
    pub async fn personal_tokens(&self, actor: Actor) -> Result<Vec<PersonalToken>, AuthError> {
        let mut tokens = self.store.personal_tokens().list(actor.user).await?;
        let now = self.clock.now();
        tokens.retain(|token| token.is_live(now));
        Ok(tokens)
    }

    /// Ends one of the caller's tokens, at once and on every instance.
    pub async fn revoke_personal_token(
        &self,
        actor: Actor,
        id: PersonalTokenId,
        client: &Client,
    ) -> Result<(), AuthError> {
        let work = self.store.begin().await?;
        if !work.personal_tokens().delete(actor.user, id).await? {
            return Err(AuthError::PersonalTokenNotFound);
        }
        let event = self.event(actor.user, EventKind::PersonalTokenRevoked, actor.session, client);
        work.audit().append(&event).await?;
        Ok(work.commit().await?)
    }
}
