//! Beginning a session and making the tokens that go with it.

use std::{fmt, time::Duration};

use holdfast_domain::{
    SessionId, Timestamp, TokenId,
    sessions::{Client, Session},
    users::User,
};

use super::{Auth, AuthError};
use crate::ports::{AccessClaims, RefreshClaims};

/// A token and when it ends. The text is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The token as it goes out.
    pub token: String,
    /// Its `exp`.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What a person has after signing up or in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// The session that began.
    pub session: SessionId,
    /// The time of all this; lifetimes count from here.
    pub at: Timestamp,
    /// For calls.
    pub access: Issued,
    /// For new access tokens.
    pub refresh: Issued,
    /// For front ends that never refresh; only where it was asked for.
    pub long_lived: Option<Issued>,
}

impl Auth {
    /// Makes a session of `user` and its tokens. Storing the session is the caller's part of the same unit of work.
    pub(super) fn begin_session(
        &self,
        user: User,
        client: Client,
        long_lived: bool,
        now: Timestamp,
    ) -> Result<(Session, SignedIn), AuthError> {
        let long_lived = long_lived.then_some(self.policy.long_lived);
        let session = Session::begin(
            SessionId::new(self.ids.next()),
            user.id,
            TokenId::new(self.ids.next()),
            self.tokens.key_id(),
            client,
            self.policy.sessions,
            long_lived.unwrap_or_default().max(self.policy.access),
            now,
        );
        let signed_in = SignedIn {
            session: session.id,
            at: now,
            access: self.access_token(&user, &session, self.policy.access, now)?,
            refresh: self.refresh_token(&session)?,
            long_lived: long_lived.map(|life| self.access_token(&user, &session, life, now)).transpose()?,
            user,
        };
        Ok((session, signed_in))
    }

    /// An access token that ends with its session at the latest, even if the session is never refreshed again: whether one
    /// has expired is not asked later.
    pub(super) fn access_token(
        &self,
        user: &User,
        session: &Session,
        life: Duration,
        now: Timestamp,
    ) -> Result<Issued, AuthError> {
        let expires_at = now.plus(life).min(session.expires_at());
        let claims = AccessClaims {
            user: user.id,
            session: session.id,
            id: TokenId::new(self.ids.next()),
            email: user.email.as_str().to_owned(),
            name: user.name.as_ref().map(|name| name.as_str().to_owned()),
            role: user.role,
            issued_at: now,
            expires_at,
        };
        Ok(Issued { token: self.tokens.sign_access(&claims)?, expires_at })
    }

    /// The refresh token that is current in `session`: a function of the row alone, so that it can be handed out
    /// again byte for byte.
    pub(super) fn refresh_token(&self, session: &Session) -> Result<Issued, AuthError> {
        let claims = RefreshClaims {
            user: session.owner,
            session: session.id,
            id: session.current,
            issued_at: session.rotated_at,
            expires_at: session.idle_expires_at,
        };
        let token = self.tokens.sign_refresh(&claims, &session.key_id)?;
        Ok(Issued { token, expires_at: session.idle_expires_at })
    }
}
