//! Buckets of requests that all instances of a deployment draw from. What an instance counts by itself is the web layer's.

use std::time::Duration;

use async_trait::async_trait;

/// What a bucket holds, and how fast it fills again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketSize {
    /// Drawings at once from a full bucket; at least 1.
    pub burst: u32,
    /// The time after which there is one more.
    pub interval: Duration,
}

/// What came of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// It was there; so many more can be drawn at once.
    Left(u32),
    /// The bucket is empty: the next drawing after this time succeeds, if nobody else comes before.
    Empty(Duration),
}

/// The buckets cannot be reached in time. Each instance then goes by its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the shared buckets cannot be reached")]
pub struct BucketsUnreachable;

/// Draws from buckets that outlive an instance and belong to all of them.
#[async_trait]
pub trait SharedBuckets: Send + Sync {
    /// Draws one from the bucket `name` of `owner`. A bucket of another size is another bucket, which is full at first.
    ///
    /// MUST be atomic: from a full bucket, however many instances draw at once, exactly `size.burst` succeed. A refusal MUST
    /// cost nothing. The adapter MUST answer within some 100 ms, in one way or the other, and MUST NOT keep `owner` readable,
    /// nor anything of it once the bucket is full again.
    ///
    /// # Errors
    /// [`BucketsUnreachable`], after which nobody knows whether something was drawn.
    async fn draw(&self, name: &str, owner: &str, size: BucketSize) -> Result<Drawing, BucketsUnreachable>;
}
