//! What can go wrong with tasks.

use std::time::Duration;

use crate::{
    error::{Classify, ErrorKind},
    page::InvalidCursor,
    ports::StoreError,
};

/// How long a caller waits before repeating a request that is under way.
const KEY_RETRY: Duration = Duration::from_secs(1);

/// Why a task use case failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The caller has no such task; it may be somebody else's.
    #[error("Task not found")]
    NotFound,
    /// The task has changed since the caller read it.
    #[error("The task has changed since you read it; read it again")]
    Stale,
    /// The cursor is not one of this list.
    #[error("The cursor does not belong to this list; start again without it")]
    Cursor(#[from] InvalidCursor),
    /// The idempotency key belongs to another request.
    #[error("This Idempotency-Key was used for another request; take a new one")]
    KeyReused,
    /// A request with the same idempotency key is under way.
    #[error("A request with this Idempotency-Key is under way; repeat yours in a moment")]
    KeyInUse,
    /// The caller's account is gone.
    #[error("Could not validate credentials")]
    AccountGone,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OwnerMissing => Self::AccountGone,
            other => Self::Store(other),
        }
    }
}

impl Classify for TaskError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Stale => ErrorKind::PreconditionFailed,
            Self::Cursor(InvalidCursor) => ErrorKind::Malformed,
            Self::KeyReused => ErrorKind::Invalid,
            Self::KeyInUse => ErrorKind::InFlight(KEY_RETRY),
            Self::AccountGone => ErrorKind::Unauthenticated,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::Stale => "PRECONDITION_FAILED",
            Self::Cursor(InvalidCursor) => "INVALID_CURSOR",
            Self::KeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::KeyInUse => "IDEMPOTENCY_KEY_IN_USE",
            Self::AccountGone => "TOKEN_INVALID",
            Self::Store(error) => error.code(),
        }
    }
}
