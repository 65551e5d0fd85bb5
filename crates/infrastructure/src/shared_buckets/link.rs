//! The connection to Redis, and who looks after it. While there is none nobody asks: a Redis that is gone, hangs or refuses costs
//! requests nothing, and it is this task alone that waits for it. What an operator hears of it is told here, once for each outage.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use holdfast_application::ports::{BucketSize, Drawing};
use redis::{AsyncConnectionConfig, RedisError, aio::MultiplexedConnection};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{RedisUrl, script::DrawScript};

/// How long one drawing may take in all.
const BUDGET: Duration = Duration::from_millis(100);
/// How long connecting may take, name, TLS, password and a first drawing included. No request waits for it.
const CONNECT: Duration = Duration::from_secs(1);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a connection is tried that nobody uses, so that an outage is known before somebody needs it.
const LOOK: Duration = Duration::from_secs(5);

/// The bucket of the tries. It is full again at once, so that every try writes: a server that is full, loading or a replica
/// refuses it as it would refuse the drawing of a client.
const TRIAL: &str = "holdfast:bucket:trial";
const TRIAL_SIZE: BucketSize = BucketSize { burst: 1, interval: Duration::from_micros(1) };

/// Why Redis is of no use at the moment. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum RedisFault {
    /// It does not answer.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// It refuses, or there is no way to it.
    #[error(transparent)]
    Failed(RedisError),
}

pub(super) struct Link {
    url: RedisUrl,
    script: DrawScript,
    /// Nothing while Redis is of no use.
    connection: ArcSwapOption<MultiplexedConnection>,
    lost: Notify,
    told: AtomicBool,
}

impl Link {
    pub(super) fn new(url: RedisUrl) -> Self {
        Self {
            url,
            script: DrawScript::new(),
            connection: ArcSwapOption::empty(),
            lost: Notify::new(),
            told: AtomicBool::default(),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.connection.load().is_some()
    }

    /// Draws within the budget; nothing where Redis is of no use, which is told to the operator.
    pub(super) async fn draw(&self, key: &str, size: BucketSize) -> Option<Drawing> {
        let connection = self.connection.load_full()?;
        let drawing = within(BUDGET, self.script.run(MultiplexedConnection::clone(&connection), key, size));
        drawing.await.inspect_err(|fault| self.lose(&connection, fault)).ok()
    }

    /// Connects, tries and connects again, for as long as the task lives.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            match self.open().await {
                Ok(connection) => {
                    // First, so that whoever loses it at once is heard after that.
                    self.tell_found();
                    self.connection.store(Some(Arc::new(connection)));
                    self.watch().await;
                }
                Err(fault) => self.tell_lost(&fault),
            }
            sleep(PAUSE).await;
        }
    }

    /// A connection on which a drawing has succeeded.
    pub(super) async fn open(&self) -> Result<MultiplexedConnection, RedisFault> {
        // The whole of it has one limit, and each drawing its own.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        within(CONNECT, async {
            let connection = self.url.client().get_multiplexed_async_connection_with_config(&config).await?;
            self.script.run(connection.clone(), TRIAL, TRIAL_SIZE).await?;
            Ok(connection)
        })
        .await
    }

    /// Until the connection is lost.
    async fn watch(&self) {
        while timeout(LOOK, self.lost.notified()).await.is_err() {
            // Who fails here loses it, and is heard above.
            let _ = self.draw(TRIAL, TRIAL_SIZE).await;
        }
    }

    /// Nobody asks it any more. Of those who fail on the same connection one tells.
    fn lose(&self, used: &Arc<MultiplexedConnection>, fault: &RedisFault) {
        let held = self.connection.compare_and_swap(used, None);
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, used)) {
            self.tell_lost(fault);
            self.lost.notify_one();
        }
    }

    fn tell_lost(&self, fault: &RedisFault) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                error = fault as &(dyn Error + 'static),
                "Redis is of no use (REDIS_URL): limits by address are each instance's own until it is"
            );
        }
    }

    fn tell_found(&self) {
        if self.told.swap(false, Ordering::Relaxed) {
            tracing::info!("Redis is back (REDIS_URL): limits by address are shared by all instances");
        }
    }
}

async fn within<T>(
    budget: Duration,
    work: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, RedisFault> {
    match timeout(budget, work).await {
        Ok(done) => done.map_err(RedisFault::Failed),
        Err(_) => Err(RedisFault::Late(budget)),
    }
}
