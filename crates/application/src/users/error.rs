//! What can go wrong with accounts.

use holdfast_domain::{throttle::Throttled, users::BanEndsTooEarly};

use crate::{
    auth::{Refused, SecondFactorError, exceeded},
    error::{Classify, ErrorKind},
    page::InvalidCursor,
    ports::{PasswordsError, StoreError},
};

/// Why a use case of accounts failed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The caller may not do this to this account, whether or not it exists.
    #[error("You may not do this")]
    Forbidden,
    /// There is no such account.
    #[error("User not found")]
    NotFound,
    /// The account has no such session, or it has ended.
    #[error("Session not found")]
    SessionNotFound,
    /// An administrator would shut themselves out.
    #[error("An administrator cannot do this to their own account; another administrator can")]
    OwnAccount,
    /// Nobody would be left to administrate.
    #[error("This is the last administrator; give another account the role first")]
    LastAdministrator,
    /// The password that should confirm a step is wrong.
    #[error("Invalid credentials")]
    PasswordWrong,
    /// The caller's account is gone.
    #[error("Could not validate credentials")]
    AccountGone,
    /// The ban would be over before it begins.
    #[error("expires_at {0}")]
    BanEndsTooEarly(#[from] BanEndsTooEarly),
    /// The cursor does not lead into this history.
    #[error(transparent)]
    InvalidCursor(#[from] InvalidCursor),
    /// Too many attempts at the password came before; it was not looked at.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// The second factor was not shown, or is not good.
    #[error(transparent)]
    SecondFactor(SecondFactorError),
    /// The hasher is busy or failed.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is not about the factor itself is what it is everywhere.
impl From<SecondFactorError> for UserError {
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

impl From<Refused> for UserError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Throttled(throttled) => throttled.into(),
            Refused::PasswordWrong => Self::PasswordWrong,
            Refused::Passwords(error) => error.into(),
            Refused::Store(error) => error.into(),
        }
    }
}

impl Classify for UserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Forbidden => ErrorKind::Forbidden,
            Self::NotFound | Self::SessionNotFound => ErrorKind::NotFound,
            Self::OwnAccount | Self::LastAdministrator => ErrorKind::Conflict,
            Self::PasswordWrong | Self::AccountGone => ErrorKind::Unauthenticated,
            Self::BanEndsTooEarly(_) | Self::InvalidCursor(_) => ErrorKind::Malformed,
            Self::Throttled(throttled) => ErrorKind::Throttled(exceeded(throttled)),
            Self::Passwords(PasswordsError::Busy { retry_after }) => ErrorKind::Unavailable(*retry_after),
            Self::Passwords(PasswordsError::Failed(_)) => ErrorKind::Unexpected,
            Self::SecondFactor(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound | Self::SessionNotFound => "NOT_FOUND",
            Self::OwnAccount => "OWN_ACCOUNT",
            Self::LastAdministrator => "LAST_ADMINISTRATOR",
            Self::PasswordWrong => "INVALID_CREDENTIALS",
            Self::AccountGone => "TOKEN_INVALID",
            Self::BanEndsTooEarly(_) => "VALIDATION_ERROR",
            Self::InvalidCursor(_) => "INVALID_CURSOR",
            Self::Throttled(_) => "RATE_LIMITED",
            Self::Passwords(PasswordsError::Busy { .. }) => "SERVICE_UNAVAILABLE",
            Self::Passwords(PasswordsError::Failed(_)) => "SERVER_ERROR",
            Self::SecondFactor(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
