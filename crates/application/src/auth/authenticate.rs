//! Finding out who is calling.

use holdfast_domain::{Timestamp, sessions::Session, users::User};

use super::{Auth, AuthError, revocations::Verdict, tally::RefusedToken};
use crate::{
    Actor,
    ports::{AccessClaims, Expiry, LegacyClaims, PersonalTokenText},
};

impl Auth {
    /// The caller that an access token names, while its session lives; or the one that a token of the FastAPI backend
    /// names, while those are accepted and the account may be used. The store is not asked before the signature holds,
    /// and not at all about a session that memory knows. A personal access token is refused: what takes one says so
    /// ([`Auth::authenticate_for`]).
    pub async fn authenticate(&self, token: &str) -> Result<Actor, AuthError> {
        let now = self.clock.now();
        if PersonalTokenText::is_meant_by(token) {
            return Err(self.refuse_personal(token, now).await);
        }
        let Ok(claims) = self.tokens.verify_access(token, now, Expiry::Enforced) else {
            return self.authenticate_legacy(token, now).await;
        };
        match self.revocations.judge(claims.user, claims.session, now) {
            Verdict::Live => Ok(actor(&claims)),
            Verdict::Ended => Err(self.ended()),
            Verdict::Unknown => self.live_session(&claims).await.map(|_| actor(&claims)),
        }
    }

    /// The same, and the row of the session is read whatever memory says: for what shows sessions or ends them.
    pub async fn authenticate_by_row(&self, token: &str) -> Result<Actor, AuthError> {
        let now = self.clock.now();
        if PersonalTokenText::is_meant_by(token) {
            return Err(self.refuse_personal(token, now).await);
        }
        let Ok(claims) = self.tokens.verify_access(token, now, Expiry::Enforced) else {
            return self.authenticate_legacy(token, now).await;
        };
        self.live_session(&claims).await.map(|_| actor(&claims))
    }

    async fn authenticate_legacy(&self, token: &str, now: Timestamp) -> Result<Actor, AuthError> {
        let claims = self
            .tokens
            .verify_legacy(token, now)
            .inspect_err(|_| self.tally.refused(RefusedToken::Access))?;
        let User { id, role, .. } = self.legacy_bearer(&claims).await?.ok_or_else(|| self.ended())?;
        Ok(Actor { user: id, session: None, role })
    }

    /// The session of a token of ours. One that is unknown or over makes the token invalid.
    pub(super) async fn live_session(&self, claims: &AccessClaims) -> Result<Session, AuthError> {
        let session = self.store.sessions().find(claims.user, claims.session).await?;
        session.filter(|session| session.check(self.clock.now()).is_ok()).ok_or_else(|| self.ended())
    }

    fn ended(&self) -> AuthError {
        self.tally.refused(RefusedToken::Ended);
        AuthError::TokenInvalid
    }

    /// The account of a token that the FastAPI backend issued, unless the token does not count any more or the account
    /// may not be used. There is no session to end with a ban, so that the account is read each time.
    pub(super) async fn legacy_bearer(&self, claims: &LegacyClaims) -> Result<Option<User>, AuthError> {
        let LegacyClaims { user, hash, expires_at: _ } = *claims;
        let bearer = self.store.legacy_tokens().bearer(user, hash).await?;
        Ok(bearer.filter(|user| user.admit(self.clock.now()).is_ok()))
    }
}

fn actor(claims: &AccessClaims) -> Actor {
    Actor { user: claims.user, session: Some(claims.session), role: claims.role }
}
