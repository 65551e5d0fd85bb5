//! What a bearer token stands for, told to whoever shows it.

use holdfast_domain::{Timestamp, sessions::Session, users::User};

use super::{Auth, AuthError};
use crate::ports::Expiry;

/// A token that is good, and all that belongs to it.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The account.
    pub user: User,
    /// The session; absent with a token that the FastAPI backend issued.
    pub session: Option<Session>,
    /// The token's `iat`; absent with a token that the FastAPI backend issued.
    pub issued_at: Option<Timestamp>,
    /// The token's `exp`.
    pub expires_at: Timestamp,
}

impl Auth {
    /// Reads the session and the account of an access token. An unknown one of either makes the token invalid.
    pub async fn inspect(&self, token: &str) -> Result<Inspection, AuthError> {
        let now = self.clock.now();
        let Ok(claims) = self.tokens.verify_access(token, now, Expiry::Enforced) else {
            let claims = self.tokens.verify_legacy(token, now)?;
            let user = self.legacy_bearer(&claims).await?.ok_or(AuthError::TokenInvalid)?;
            return Ok(Inspection { user, session: None, issued_at: None, expires_at: claims.expires_at });
        };
        let session = self.live_session(&claims).await?;
        let user = self.store.users().find(claims.user).await?.ok_or(AuthError::TokenInvalid)?;
        Ok(Inspection {
            user,
            session: Some(session),
            issued_at: Some(claims.issued_at),
            expires_at: claims.expires_at,
        })
    }
}
