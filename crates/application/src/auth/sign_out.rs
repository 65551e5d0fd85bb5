//! Ending sessions by their owner's wish.

use holdfast_domain::{
    SessionId, UserId,
    sessions::{Client, EndReason, EventKind},
};

use super::{Auth, AuthError};
use crate::ports::{Expiry, LegacyClaims, StoreError, UnitOfWork};

/// Which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The one that the token names.
    #[default]
    Local,
    /// All others of the account.
    Others,
    /// All of the account, and its personal access tokens.
    Global,
}

/// A wish to sign out. Either token names the session; the bearer goes first. It holds live tokens and cannot be printed.
#[derive(Clone, Default)]
pub struct SignOut {
    /// The access token, which may have expired; or one of the FastAPI backend's, which may not.
    pub bearer: Option<String>,
    /// The refresh token, which may have expired.
    pub refresh_token: Option<String>,
    /// Which sessions end.
    pub scope: Scope,
    /// Where the wish comes from.
    pub client: Client,
}

/// What a wish to sign out comes from.
enum Named {
    Session(UserId, SessionId),
    Legacy(LegacyClaims),
}

impl Auth {
    /// Ends what the wish names. Without a token that names a live session nothing ends, and that is no error: who
    /// signs out wants to be out, and is.
    ///
    /// A token of the FastAPI backend has no session: locally, it alone is denied. The other scopes refuse all such
    /// tokens of the account, whichever token asks, because nobody can tell one of them from the others.
    pub async fn sign_out(&self, wish: SignOut) -> Result<(), AuthError> {
        let SignOut { bearer, refresh_token, scope, client } = wish;
        match self.named(bearer.as_deref(), refresh_token.as_deref()) {
            Some(Named::Session(owner, id)) => self.sign_out_session(owner, id, scope, &client).await,
            Some(Named::Legacy(claims)) => self.sign_out_legacy(&claims, scope, &client).await,
            None => Ok(()),
        }
    }

    async fn sign_out_session(
        &self,
        owner: UserId,
        id: SessionId,
        scope: Scope,
        client: &Client,
    ) -> Result<(), AuthError> {
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
                let tokens = end_personal_tokens(&*work, owner, scope).await?;
                let except = (scope == Scope::Others).then_some(id);
                let ended = work.sessions().end_all(owner, except, EndReason::SignedOut, now).await?;
                // No event for this alone: whether such a token was ever about, nobody knows.
                work.legacy_tokens().refuse_all(owner, now).await?;
                (tokens > 0 || !ended.is_empty(), EventKind::SignedOutEverywhere)
            }
        };
        self.record(work, ended, owner, kind, Some(id), client).await
    }

    async fn sign_out_legacy(
        &self,
        claims: &LegacyClaims,
        scope: Scope,
        client: &Client,
    ) -> Result<(), AuthError> {
        if self.legacy_bearer(claims).await?.is_none() {
            return Ok(());
        }
        let LegacyClaims { user, hash, expires_at } = *claims;
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let (ended, kind) = match scope {
            Scope::Local => match work.legacy_tokens().deny(user, hash, expires_at).await {
                Err(StoreError::OwnerMissing) => return Ok(()),
                denied => (denied?, EventKind::SignedOut),
            },
            Scope::Others | Scope::Global => {
                let tokens = end_personal_tokens(&*work, user, scope).await?;
                let sessions = work.sessions().end_all(user, None, EndReason::SignedOut, now).await?;
                let refused = work.legacy_tokens().refuse_all(user, now).await?;
                (refused || tokens > 0 || !sessions.is_empty(), EventKind::SignedOutEverywhere)
            }
        };
        self.record(work, ended, user, kind, None, client).await
    }

    /// Commits, with an entry in the history where anything ended.
    async fn record(
        &self,
        work: Box<dyn UnitOfWork>,
        ended: bool,
        owner: UserId,
        kind: EventKind,
        session: Option<SessionId>,
        client: &Client,
    ) -> Result<(), AuthError> {
        if ended {
            work.audit().append(&self.event(owner, kind, session, client)).await?;
        }
        Ok(work.commit().await?)
    }

    fn named(&self, bearer: Option<&str>, refresh_token: Option<&str>) -> Option<Named> {
        let now = self.clock.now();
        let access = bearer.and_then(|token| self.tokens.verify_access(token, now, Expiry::Ignored).ok());
        if let Some(claims) = access {
            return Some(Named::Session(claims.user, claims.session));
        }
        if let Some(claims) = bearer.and_then(|token| self.tokens.verify_legacy(token, now).ok()) {
            return Some(Named::Legacy(claims));
        }
        let claims = self.tokens.verify_refresh(refresh_token?, now, Expiry::Ignored).ok()?;
        Some(Named::Session(claims.user, claims.session))
    }
}

/// Ends the account's personal access tokens where everything ends. The account is held first, as whoever makes a token holds
/// it, so that none is left over that was being made.
async fn end_personal_tokens(work: &dyn UnitOfWork, owner: UserId, scope: Scope) -> Result<u64, StoreError> {
    match scope {
        Scope::Local | Scope::Others => Ok(0),
        Scope::Global => {
            work.users().lock(owner).await?;
            work.personal_tokens().delete_all(owner).await
        }
    }
}
