//! What can go wrong with tasks.

use crate::{
    error::{Classify, ErrorKind},
    page::InvalidCursor,
    ports::StoreError,
};

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
            Self::AccountGone => ErrorKind::Unauthenticated,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::Stale => "PRECONDITION_FAILED",
            Self::Cursor(InvalidCursor) => "INVALID_CURSOR",
            Self::AccountGone => "TOKEN_INVALID",
            Self::Store(error) => error.code(),
        }
    }
}
