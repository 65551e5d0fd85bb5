//! Ending sessions by their owner's wish.

use holdfast_domain::{
    SessionId, UserId,
    sessions::{Client, EndReason, EventKind},
};

use super::{Auth, AuthError};
use crate::ports::Expiry;

/// Which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The one that the token names.
    #[default]
    Local,
    /// All others of the account.
    Others,
    /// All of the account.
    Global,
}

/// A wish to sign out. Either token names the session; the bearer goes first.
#[derive(Debug, Clone, Default)]
pub struct SignOut {
    /// The access token, which may have expired.
    pub bearer: Option<String>,
    /// The refresh token, which may have expired.
    pub refresh_token: Option<String>,
    /// Which sessions end.
    pub scope: Scope,
    /// Where the wish comes from.
    pub client: Client,
}

impl Auth {
    /// Ends what the wish names. Without a token that names a live session nothing ends, and that is no error: who
    /// signs out wants to be out, and is.
    pub async fn sign_out(&self, wish: SignOut) -> Result<(), AuthError> {
        let SignOut { bearer, refresh_token, scope, client } = wish;
        let Some((owner, id)) = self.named(bearer.as_deref(), refresh_token.as_deref()) else {
            return Ok(());
        };
        let session = self.store.sessions().find(owner, id).await?;
        let now = self.clock.now();
        if session.is_none_or(|session| session.check(now).is_err()) {
            return Ok(());
        }
        let work = self.store.begin().await?;
        let (ended, kind) = match scope {
            Scope::Local => {
                (work.sessions().end(owner, id, EndReason::SignedOut, now).await?, EventKind::SignedOut)
            }
            Scope::Others | Scope::Global => {
                let except = (scope == Scope::Others).then_some(id);
                let ended = work.sessions().end_all(owner, except, EndReason::SignedOut, now).await?;
                (!ended.is_empty(), EventKind::SignedOutEverywhere)
            }
        };
        if ended {
            work.audit().append(&self.event(owner, kind, Some(id), &client)).await?;
        }
        Ok(work.commit().await?)
    }

    fn named(&self, bearer: Option<&str>, refresh_token: Option<&str>) -> Option<(UserId, SessionId)> {
        let now = self.clock.now();
        let bearer = bearer.and_then(|token| self.tokens.verify_access(token, now, Expiry::Ignored).ok());
        bearer.map(|claims| (claims.user, claims.session)).or_else(|| {
            let claims = self.tokens.verify_refresh(refresh_token?, now, Expiry::Ignored).ok()?;
            Some((claims.user, claims.session))
        })
    }
}
