//! What can go wrong with a second factor.

use std::time::Duration;

use holdfast_domain::throttle::Throttled;

use super::super::{attempts::Refused, exceeded};
use crate::{
    error::{Classify, ErrorKind},
    ports::{NoRandomness, PasswordsError, StoreError, VaultError},
};

/// How long a caller waits whose secret cannot be opened: until somebody has looked at the settings.
const KEY_RETRY: Duration = Duration::from_mins(1);

/// Why a step was not taken for want of a second factor, or a second factor was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// The account has one, and no code came.
    #[error("This account has a second factor: send a code with it")]
    Required,
    /// The code is wrong, or was used already.
    #[error("The code is not valid, or was used already; wait for the next one")]
    Wrong,
    /// The account has one already.
    #[error("This account has a second factor already; remove it first")]
    Enrolled,
    /// There is none to confirm, to renew the codes of, or to remove.
    #[error("This account has no such second factor; enrol one first")]
    Missing,
    /// This server has no key to encrypt secrets with.
    #[error("This server does not offer second factors")]
    Off,
    /// Too many wrong codes came before; this one was not looked at.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// So many attempts are under way that this one was not looked at.
    #[error(transparent)]
    Busy(#[from] PasswordsError),
    /// The secret is sealed with a key that is not loaded, or cannot be opened.
    #[error("the secret of a second factor cannot be sealed or opened")]
    Vault(#[source] VaultError),
    /// There is nothing to make a secret of.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refused> for SecondFactorError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Throttled(throttled) => throttled.into(),
            Refused::PasswordWrong => Self::Wrong,
            Refused::Passwords(error) => error.into(),
            Refused::Store(error) => error.into(),
        }
    }
}

impl From<VaultError> for SecondFactorError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Off => Self::Off,
            VaultError::KeyMissing { .. } | VaultError::Failed(_) => Self::Vault(error),
        }
    }
}

impl Classify for SecondFactorError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Required | Self::Wrong => ErrorKind::Unauthenticated,
            Self::Enrolled | Self::Missing => ErrorKind::Conflict,
            Self::Off => ErrorKind::Forbidden,
            Self::Throttled(throttled) => ErrorKind::Throttled(exceeded(throttled)),
            Self::Busy(PasswordsError::Busy { retry_after }) => ErrorKind::Unavailable(*retry_after),
            Self::Vault(VaultError::KeyMissing { .. }) => ErrorKind::Unavailable(KEY_RETRY),
            Self::Vault(VaultError::Off | VaultError::Failed(_))
            | Self::Busy(PasswordsError::Failed(_))
            | Self::Randomness(NoRandomness(_)) => ErrorKind::Unexpected,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Required | Self::Wrong => "SECOND_FACTOR_REQUIRED",
            Self::Enrolled => "SECOND_FACTOR_ENROLLED",
            Self::Missing => "NO_SECOND_FACTOR",
            Self::Off => "SECOND_FACTOR_OFF",
            Self::Throttled(_) => "RATE_LIMITED",
            Self::Busy(PasswordsError::Busy { .. }) | Self::Vault(VaultError::KeyMissing { .. }) => {
                "SERVICE_UNAVAILABLE"
            }
            Self::Vault(VaultError::Off | VaultError::Failed(_))
            | Self::Busy(PasswordsError::Failed(_))
            | Self::Randomness(NoRandomness(_)) => "SERVER_ERROR",
            Self::Store(error) => error.code(),
        }
    }
}
