//! Finding out for whom a personal access token acts, and whether it may do what is asked of it.

use holdfast_domain::{
    Timestamp,
    personal_tokens::{PersonalToken, TokenScope, USE_INTERVAL},
    users::Role,
};
use subtle::ConstantTimeEq as _;

use super::{Auth, AuthError, tally::RefusedToken};
use crate::{
    Actor,
    ports::{PersonalTokenBearer, PersonalTokenText},
};

impl Auth {
    /// The caller that a token names, for what scripts may do as well: a personal access token with this scope is as good as
    /// the token of a session.
    pub async fn authenticate_for(&self, token: &str, scope: TokenScope) -> Result<Actor, AuthError> {
        if !PersonalTokenText::is_meant_by(token) {
            return self.authenticate(token).await;
        }
        let now = self.clock.now();
        let token = self.personal_token(token, now).await?;
        if !token.scopes.allow(scope) {
            return Err(AuthError::ScopeMissing(scope));
        }
        self.note_use(&token, now).await;
        // Whatever its owner is: no scope is about other people's accounts.
        Ok(Actor { user: token.owner, session: None, role: Role::User })
    }

    /// Refuses a personal access token where none is taken: a good one because it is one, any other like every bad token.
    pub(super) async fn refuse_personal(&self, token: &str, now: Timestamp) -> AuthError {
        self.personal_token(token, now).await.map_or_else(|error| error, |_| AuthError::PersonalTokenRefused)
    }

    /// The token with this text while it is good, and its account may be used. Its row is read each time, so that the end of
    /// it counts at once and everywhere; not for a text whose checksum is wrong.
    async fn personal_token(&self, text: &str, now: Timestamp) -> Result<PersonalToken, AuthError> {
        let invalid = || {
            self.tally.refused(RefusedToken::Personal);
            AuthError::TokenInvalid
        };
        let claim = PersonalTokenText::open(text).ok_or_else(invalid)?;
        let found = self.store.personal_tokens().bearer(claim.owner, claim.id).await?;
        let PersonalTokenBearer { token, hash, user } = found.ok_or_else(invalid)?;
        let proved = bool::from(claim.hash.0.as_slice().ct_eq(hash.0.as_slice()));
        let good = proved && token.is_live(now) && user.admit(now).is_ok();
        if good { Ok(token) } else { Err(invalid()) }
    }

    /// Notes that the token was used, now and then. That this cannot be noted keeps nobody from using it.
    async fn note_use(&self, token: &PersonalToken, now: Timestamp) {
        let PersonalToken { owner, id, name: _, scopes: _, created_at: _, expires_at: _, last_used_at: _ } =
            token;
        if !token.is_use_due(now) {
            return;
        }
        let noted = self.store.personal_tokens().record_use(*owner, *id, now, now.minus(USE_INTERVAL)).await;
        match noted {
            Ok(true) => {
                tracing::info!(target: "holdfast::security", token_id = %id, user_id = %owner, "personal access token in use");
            }
            // Another instance has just done so, or the token was revoked just now.
            Ok(false) => {}
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, token_id = %id, "the use of a personal access token was not noted");
            }
        }
    }
}
