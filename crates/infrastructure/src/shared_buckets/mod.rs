//! Buckets that all instances draw from, in Redis or Valkey. What happens while they cannot be reached is the caller's to say.

mod link;
mod owners;
mod script;
mod url;

use std::sync::Arc;

use async_trait::async_trait;
use holdfast_application::{
    measure::Counter,
    ports::{BucketSize, BucketsUnreachable, Drawing, SharedBuckets},
};
use tokio::task::{AbortHandle, spawn};

pub use link::RedisFault;
pub use owners::OwnerKey;
pub use url::{RedisUrl, RedisUrlError};

use link::Link;

/// Before every key, beside whatever else is kept there.
const PREFIX: &str = "holdfast:bucket";

/// The buckets of one deployment.
pub struct RedisBuckets {
    link: Arc<Link>,
    keeper: AbortHandle,
    owners: OwnerKey,
    drawn: Counter,
    missed: Counter,
}

/// What is counted of the buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketFigures {
    /// Whether Redis decides at the moment.
    pub reachable: bool,
    /// Drawings that it decided.
    pub drawn: u64,
    /// Drawings that were left to the instance.
    pub missed: u64,
}

impl RedisBuckets {
    /// Begins to connect, and waits for nothing: an instance starts without Redis as well. Needs a runtime.
    pub fn connect(url: &RedisUrl, owners: OwnerKey) -> Self {
        let link = Arc::new(Link::new(url.clone()));
        let keeper = spawn(Arc::clone(&link).keep()).abort_handle();
        Self { link, keeper, owners, drawn: Counter::default(), missed: Counter::default() }
    }

    /// What was counted so far.
    pub fn figures(&self) -> BucketFigures {
        let Self { link, keeper: _, owners: _, drawn, missed } = self;
        BucketFigures { reachable: link.is_up(), drawn: drawn.read(), missed: missed.read() }
    }
}

impl Drop for RedisBuckets {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

#[async_trait]
impl SharedBuckets for RedisBuckets {
    async fn draw(&self, name: &str, owner: &str, size: BucketSize) -> Result<Drawing, BucketsUnreachable> {
        let BucketSize { burst, interval } = size;
        let interval = script::nanoseconds(interval);
        let key = format!("{PREFIX}:{name}:{burst}:{interval}:{}", self.owners.hide(owner));
        let drawing = self.link.draw(&key, size).await;
        if drawing.is_some() { &self.drawn } else { &self.missed }.count();
        drawing.ok_or(BucketsUnreachable)
    }
}

/// Connects once and draws once from a bucket that is nobody's, within a second.
///
/// # Errors
/// Why Redis would be of no use to a server.
pub async fn examine(url: &RedisUrl) -> Result<(), RedisFault> {
    Link::new(url.clone()).open().await.map(drop)
}
