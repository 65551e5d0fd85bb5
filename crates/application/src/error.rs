//! How errors are told apart without knowing a transport: a kind for the status, a code for the client.

use std::time::Duration;

use crate::ports::StoreError;

/// What a failure means to the caller. Each surface maps these once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be understood.
    Malformed,
    /// It is not known who is calling.
    Unauthenticated,
    /// It is known who is calling, and they may not.
    Forbidden,
    /// It does not exist, or is somebody else's.
    NotFound,
    /// It is understood, and contradicts what the caller said before.
    Invalid,
    /// It contradicts what is there.
    Conflict,
    /// The same is being done at this moment; worth another try after this long.
    InFlight(Duration),
    /// The caller's condition does not hold.
    PreconditionFailed,
    /// Too often.
    Throttled(Exceeded),
    /// A dependency is lost or full; worth another try after this long.
    Unavailable(Duration),
    /// A fault of ours. The cause is logged and never sent.
    Unexpected,
}

/// A limit that was exceeded, as the caller is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Its name.
    pub limit: &'static str,
    /// How much is free.
    pub quota: u32,
    /// Within this time.
    pub window: Duration,
    /// When it is worth another try.
    pub retry_after: Duration,
}

/// An error that a surface can answer.
pub trait Classify: std::error::Error {
    /// What it means.
    fn kind(&self) -> ErrorKind;

    /// The stable name that clients may switch on, `SCREAMING_SNAKE`, one of those listed in `docs/api-design.md`.
    fn code(&self) -> &'static str;
}

/// How long a caller waits before another try when the store is unavailable.
const STORE_RETRY: Duration = Duration::from_secs(1);

impl Classify for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) => ErrorKind::Unavailable(STORE_RETRY),
            Self::Duplicate(_) | Self::OwnerMissing | Self::Unexpected(_) => ErrorKind::Unexpected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "SERVICE_UNAVAILABLE",
            Self::Duplicate(_) | Self::OwnerMissing | Self::Unexpected(_) => "SERVER_ERROR",
        }
    }
}
