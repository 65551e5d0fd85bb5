//! Exchanging a refresh token for a new pair: rotation, the same successor again, and the end on reuse.

use holdfast_domain::{
    Timestamp, TokenId,
    sessions::{Client, EndReason, EventKind, Presented, Session},
    users::User,
};

use super::{
    Auth, AuthError, Issued,
    tally::{RefusedToken, outcome},
};
use crate::ports::{Expiry, RefreshClaims};

/// How often a refresh looks again after losing a race. Each loss means that another caller won, after which the
/// token is the predecessor of the current one or older; a second look therefore decides.
const LOOKS: usize = 3;

/// A new pair.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// For calls.
    pub access: Issued,
    /// For the next refresh.
    pub refresh: Issued,
    /// The time of all this; lifetimes count from here.
    pub at: Timestamp,
}

impl Auth {
    /// Rotates the session's refresh token.
    ///
    /// The token that is current gets a new one. The one just before it gets the same successor again for the reuse
    /// interval, byte for byte. Any older one ends the session, also one past its own `exp`: a thief must not win by
    /// staying ahead until the victim's token is over. A token without a valid signature changes nothing.
    pub async fn refresh(&self, token: &str, client: &Client) -> Result<Refreshed, AuthError> {
        let refreshed = self.try_refresh(token, client).await;
        self.tally.refreshes.count(outcome(&refreshed));
        refreshed
    }

    async fn try_refresh(&self, token: &str, client: &Client) -> Result<Refreshed, AuthError> {
        let claims = self.tokens.verify_refresh(token, self.clock.now(), Expiry::Ignored).map_err(|_| {
            self.tally.refused(RefusedToken::Refresh);
            AuthError::RefreshTokenInvalid
        })?;
        let next = TokenId::new(self.ids.next());
        for _ in 0..LOOKS {
            let session = self.store.sessions().find(claims.user, claims.session).await?;
            let session = session.ok_or(AuthError::RefreshTokenInvalid)?;
            let now = self.clock.now();
            match session.present(claims.id, now, self.policy.sessions.reuse) {
                Presented::Over => {
                    self.tally.refused(RefusedToken::Ended);
                    return Err(AuthError::RefreshTokenInvalid);
                }
                Presented::JustReplaced => return self.pair(&self.owner(&session).await?, &session),
                Presented::Reused => return Err(self.end_family(&claims, client).await?),
                Presented::Current => {
                    // The row ends with the current token; what the token says of itself is held to all the same.
                    if self.tokens.verify_refresh(token, now, Expiry::Enforced).is_err() {
                        return Err(AuthError::RefreshTokenInvalid);
                    }
                    // A ban or another role ends the session in the same unit of work: whoever changes the account
                    // after this look also makes the rotation fail.
                    let owner = self.owner(&session).await?;
                    let rotation = session.rotate(next, self.tokens.key_id(), self.policy.sessions, now)?;
                    if let Some(rotated) = self.store.sessions().rotate(&rotation).await? {
                        return self.pair(&owner, &rotated);
                    }
                }
            }
        }
        // Every look found the token current and every rotation lost: the session ended in between.
        Err(AuthError::RefreshTokenInvalid)
    }

    /// The account of the session, while it may be used.
    async fn owner(&self, session: &Session) -> Result<User, AuthError> {
        let user = self.store.users().find(session.owner).await?.ok_or(AuthError::RefreshTokenInvalid)?;
        user.admit(self.clock.now()).map_err(|_| AuthError::RefreshTokenInvalid)?;
        Ok(user)
    }

    fn pair(&self, owner: &User, session: &Session) -> Result<Refreshed, AuthError> {
        let at = self.clock.now();
        let access = self.access_token(owner, session, self.policy.access, at)?;
        Ok(Refreshed { access, refresh: self.refresh_token(session)?, at })
    }

    async fn end_family(&self, claims: &RefreshClaims, client: &Client) -> Result<AuthError, AuthError> {
        let work = self.store.begin().await?;
        let ended =
            work.sessions().end(claims.user, claims.session, EndReason::Reuse, self.clock.now()).await?;
        if ended {
            let kind = EventKind::RefreshTokenReuse;
            let event = self.event(claims.user, kind, Some(claims.session), client);
            work.audit().append(&event).await?;
        }
        work.commit().await?;
        Ok(AuthError::RefreshTokenInvalid)
    }
}
