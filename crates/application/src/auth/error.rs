//! What can go wrong with accounts and sessions.

use std::time::Duration;

use holdfast_domain::{
    personal_tokens::{PERSONAL_TOKEN_LIMIT, TokenScope},
    sessions::{ROTATION_WINDOW, ROTATIONS_PER_WINDOW, TooManyRotations},
    throttle::{Limit, Throttled},
    users::{PasswordFault, Refusal},
};

use super::{SecondFactorError, attempts::Refused};

use crate::{
    error::{Classify, ErrorKind, Exceeded},
    mail::LinkError,
    ports::{InvalidToken, NoRandomness, OutboxFull, PasswordsError, StoreError, TokensError},
};

/// How long a caller waits who met an instance without the key of its session.
const KEY_RETRY: Duration = Duration::from_secs(1);
/// How long a caller waits whose mail found no room.
const OUTBOX_RETRY: Duration = Duration::from_mins(1);

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
    /// The account has no password that could be changed: its owner signed in elsewhere, or never.
    #[error("This account has no password")]
    NoPassword,
    /// Another account has the e-mail address.
    #[error("Email already registered")]
    EmailExists,
    /// The token of a link in a mail is not good, or not any more, or for something else. One answer for every cause.
    #[error("This link is not valid any more; ask for a new one")]
    LinkInvalid,
    /// The bearer token is a personal access token, and this takes none, whatever its scopes.
    #[error("A personal access token is not taken here; sign in")]
    PersonalTokenRefused,
    /// The bearer token is a personal access token without this scope.
    #[error("This personal access token does not have the scope {}", .0.name())]
    ScopeMissing(TokenScope),
    /// The account has as many personal access tokens as it may have.
    #[error("There are {PERSONAL_TOKEN_LIMIT} personal access tokens already; revoke one first")]
    PersonalTokenLimit,
    /// The account has no such personal access token.
    #[error("Token not found")]
    PersonalTokenNotFound,
    /// There is nothing to make a secret of.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The new password may not be set.
    #[error("new_password {0}")]
    PasswordRefused(#[from] PasswordFault),
    /// No link could be made.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The mail that was asked for cannot be sent soon.
    #[error(transparent)]
    OutboxFull(#[from] OutboxFull),
    /// The session refreshes too often.
    #[error(transparent)]
    TooManyRefreshes(#[from] TooManyRotations),
    /// Too many attempts at the password came before; it was not looked at.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// The second factor was not shown, is not good, or cannot be changed.
    #[error(transparent)]
    SecondFactor(SecondFactorError),
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

/// What is not about the factor itself is what it is everywhere.
impl From<SecondFactorError> for AuthError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Throttled(throttled) => throttled.into(),
            SecondFactorError::Busy(error) => error.into(),
            SecondFactorError::Store(error) => error.into(),
            SecondFactorError::Required
            | SecondFactorError::Wrong
            | SecondFactorError::Enrolled
            | SecondFactorError::Missing
            | SecondFactorError::Off
            | SecondFactorError::Vault(_)
            | SecondFactorError::Randomness(_) => Self::SecondFactor(error),
        }
    }
}

impl From<Refused> for AuthError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Throttled(throttled) => throttled.into(),
            Refused::PasswordWrong => Self::InvalidCredentials,
            Refused::Passwords(error) => error.into(),
            Refused::Store(error) => error.into(),
        }
    }
}

/// The limit that an attempt ran into, by the name that callers know.
pub(crate) fn exceeded(throttled: &Throttled) -> Exceeded {
    let Throttled { limit, quota, retry_after } = *throttled;
    let limit = match limit {
        Limit::Network => "network",
        Limit::Account => "account",
    };
    Exceeded { limit, quota, window: Throttled::WINDOW, retry_after }
}

impl Classify for AuthError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TokenInvalid | Self::RefreshTokenInvalid | Self::InvalidCredentials => {
                ErrorKind::Unauthenticated
            }
            Self::Banned | Self::Inactive | Self::PersonalTokenRefused | Self::ScopeMissing(_) => {
                ErrorKind::Forbidden
            }
            Self::PersonalTokenNotFound => ErrorKind::NotFound,
            Self::EmailExists | Self::NoPassword | Self::PersonalTokenLimit => ErrorKind::Conflict,
            Self::LinkInvalid => ErrorKind::Malformed,
            Self::PasswordRefused(_) => ErrorKind::Invalid,
            Self::Link(error) => error.kind(),
            Self::OutboxFull(OutboxFull) => ErrorKind::Unavailable(OUTBOX_RETRY),
            Self::TooManyRefreshes(TooManyRotations { retry_after }) => ErrorKind::Throttled(Exceeded {
                limit: "session",
                quota: ROTATIONS_PER_WINDOW.unsigned_abs(),
                window: ROTATION_WINDOW,
                retry_after: *retry_after,
            }),
            Self::Throttled(throttled) => ErrorKind::Throttled(exceeded(throttled)),
            Self::Passwords(PasswordsError::Busy { retry_after }) => ErrorKind::Unavailable(*retry_after),
            Self::Tokens(TokensError::KeyMissing) => ErrorKind::Unavailable(KEY_RETRY),
            Self::Passwords(PasswordsError::Failed(_))
            | Self::Tokens(TokensError::Failed(_))
            | Self::Randomness(NoRandomness(_)) => ErrorKind::Unexpected,
            Self::SecondFactor(error) => error.kind(),
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
            Self::NoPassword => "NO_PASSWORD",
            Self::PersonalTokenRefused | Self::ScopeMissing(_) => "FORBIDDEN",
            Self::PersonalTokenLimit => "PERSONAL_TOKEN_LIMIT",
            Self::PersonalTokenNotFound => "NOT_FOUND",
            Self::EmailExists => "EMAIL_EXISTS",
            Self::LinkInvalid => "LINK_INVALID",
            Self::PasswordRefused(_) => "VALIDATION_ERROR",
            Self::Link(error) => error.code(),
            Self::TooManyRefreshes(_) | Self::Throttled(_) => "RATE_LIMITED",
            Self::OutboxFull(OutboxFull)
            | Self::Passwords(PasswordsError::Busy { .. })
            | Self::Tokens(TokensError::KeyMissing) => "SERVICE_UNAVAILABLE",
            Self::Passwords(PasswordsError::Failed(_))
            | Self::Tokens(TokensError::Failed(_))
            | Self::Randomness(NoRandomness(_)) => "SERVER_ERROR",
            Self::SecondFactor(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
