//! What can go wrong with accounts and sessions.

use std::time::Duration;

use holdfast_domain::{sessions::TooManyRotations, users::Refusal};

use crate::{
    error::{Classify, ErrorKind},
    ports::{InvalidToken, PasswordsError, StoreError, TokensError},
};

/// How long a caller waits who met an instance without the key of its session.
const KEY_RETRY: Duration = Duration::from_secs(1);

/// Why an auth use case failed.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The bearer token is not good. One answer for every cause.
    #[error("Could not validate credentials")]
    TokenInvalid,
    /// The refresh token is not good. One answer for every cause.
    #[error("The refresh token is not valid; sign in again")]
    RefreshTokenInvalid,
    /// Unknown account or wrong password, indistinguishably.
    #[error("Invalid credentials")]
    InvalidCredentials,
    /// The password was right and the account is banned.
    #[error("This account is banned")]
    Banned,
    /// The password was right and the account is switched off.
    #[error("This account is not active")]
    Inactive,
    /// Another account has the e-mail address.
    #[error("Email already registered")]
    EmailExists,
    /// The session refreshes too often.
    #[error(transparent)]
    TooManyRefreshes(#[from] TooManyRotations),
    /// The hasher is busy or failed.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// Signing failed.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for AuthError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Banned => Self::Banned,
            Refusal::Inactive => Self::Inactive,
        }
    }
}

impl From<InvalidToken> for AuthError {
    fn from(InvalidToken: InvalidToken) -> Self {
        Self::TokenInvalid
    }
}

impl Classify for AuthError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TokenInvalid | Self::RefreshTokenInvalid | Self::InvalidCredentials => {
                ErrorKind::Unauthenticated
            }
            Self::Banned | Self::Inactive => ErrorKind::Forbidden,
            Self::EmailExists => ErrorKind::Conflict,
            Self::TooManyRefreshes(TooManyRotations { retry_after }) => ErrorKind::Throttled(*retry_after),
            Self::Passwords(PasswordsError::Busy { retry_after }) => ErrorKind::Unavailable(*retry_after),
            Self::Tokens(TokensError::KeyMissing) => ErrorKind::Unavailable(KEY_RETRY),
            Self::Passwords(PasswordsError::Failed(_)) | Self::Tokens(TokensError::Failed(_)) => {
                ErrorKind::Unexpected
            }
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TokenInvalid => "TOKEN_INVALID",
            Self::RefreshTokenInvalid => "REFRESH_TOKEN_INVALID",
            Self::InvalidCredentials => "INVALID_CREDENTIALS",
            Self::Banned => "ACCOUNT_BANNED",
            Self::Inactive => "ACCOUNT_INACTIVE",
            Self::EmailExists => "EMAIL_EXISTS",
            Self::TooManyRefreshes(_) => "RATE_LIMITED",
            Self::Passwords(PasswordsError::Busy { .. }) | Self::Tokens(TokensError::KeyMissing) => {
                "SERVICE_UNAVAILABLE"
            }
            Self::Passwords(PasswordsError::Failed(_)) | Self::Tokens(TokensError::Failed(_)) => {
                "SERVER_ERROR"
            }
            Self::Store(error) => error.code(),
        }
    }
}
