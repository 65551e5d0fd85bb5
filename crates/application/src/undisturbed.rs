//! Work that goes on when its caller goes away: a client that hangs up must not cut off what follows from its own commit.

use tracing::Instrument as _;

use crate::ports::StoreError;

/// Does `work` to its end, whether or not anybody waits for it. Needs a tokio runtime; what its end cuts off, or what panics, is
/// `Unavailable`, since a commit in it may have happened.
pub(crate) async fn undisturbed<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|lost| Err(StoreError::Unavailable(lost.into())))
}
