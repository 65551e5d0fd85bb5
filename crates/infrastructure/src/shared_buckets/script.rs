//! One drawing, as the server carries it out: read, decided and written in one step.

use std::time::Duration;

use holdfast_application::ports::{BucketSize, Drawing};
use redis::{RedisResult, Script, aio::MultiplexedConnection};

/// `draw.lua`, which the server is given the first time that it does not know it.
pub(super) struct DrawScript(Script);

impl DrawScript {
    pub(super) fn new() -> Self {
        Self(Script::new(include_str!("draw.lua")))
    }

    /// Draws one from the bucket at `key`. Waits for as long as the server takes.
    pub(super) async fn run(
        &self,
        mut connection: MultiplexedConnection,
        key: &str,
        size: BucketSize,
    ) -> RedisResult<Drawing> {
        let mut question = self.0.key(key);
        question.arg(nanoseconds(size.interval)).arg(size.burst);
        let (left, wait): (i64, u64) = question.invoke_async(&mut connection).await?;
        // Less than nothing is left of an empty one.
        let left = u32::try_from(left);
        Ok(left.map_or(Drawing::Empty(Duration::from_nanos(wait)), Drawing::Left))
    }
}

/// As a number of the server's, which is exact up to 104 days.
pub(super) fn nanoseconds(interval: Duration) -> u64 {
    u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX)
}
