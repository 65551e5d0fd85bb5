//! How many hashes run at once and how many may wait. What the work is, this module does not know.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use holdfast_application::{
    measure::{ANSWERS, Counter, Durations, Measured},
    ports::PasswordsError,
    spans,
};
use tokio::{
    sync::{Semaphore, TryAcquireError, oneshot},
    task,
};
use tracing::Instrument as _;

/// The longest queue, as the time until its last member gets a slot.
const LONGEST_QUEUE: Duration = Duration::from_secs(2);
/// Each new measurement moves the average by one part in this many.
const INERTIA: u64 = 8;

/// A fixed number of slots and a bounded line in front of them, first come, first served.
pub(super) struct Pool {
    concurrency: usize,
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Nanoseconds that one piece of work takes: a moving average.
    mean: Arc<AtomicU64>,
    refused: Counter,
    took: Arc<Durations>,
}

/// How the pool is used at the moment, and since the process began.
#[derive(Debug, Clone)]
pub struct HashingFigures {
    /// How many hashes are made.
    pub running: u64,
    /// How many callers wait for their turn.
    pub waiting: u64,
    /// How many were turned away because the queue was full.
    pub refused: u64,
    /// How long hashes took, without the wait for a turn.
    pub took: Measured,
}

/// The work was lost: it panicked, or the runtime is shutting down.
#[derive(Debug, thiserror::Error)]
#[error("the thread that hashed the password ended without an answer")]
struct Lost;

impl Pool {
    /// `took` is how long one piece of work takes as far as is known.
    pub(super) fn new(concurrency: usize, took: Duration) -> Self {
        let concurrency = concurrency.min(Semaphore::MAX_PERMITS);
        Self {
            concurrency,
            slots: Arc::new(Semaphore::new(concurrency)),
            waiting: AtomicUsize::new(0),
            mean: Arc::new(AtomicU64::new(nanos(took))),
            refused: Counter::default(),
            took: Arc::new(Durations::new(ANSWERS)),
        }
    }

    pub(super) fn mean(&self) -> Duration {
        Duration::from_nanos(self.mean.load(Ordering::Relaxed))
    }

    pub(super) fn figures(&self) -> HashingFigures {
        let running = self.concurrency.saturating_sub(self.slots.available_permits());
        HashingFigures {
            running: running as u64,
            waiting: self.waiting.load(Ordering::Relaxed) as u64,
            refused: self.refused.read(),
            took: self.took.read(),
        }
    }

    /// Does `work` on a blocking thread as soon as a slot is free. Dropping the future gives up the place in line,
    /// and work that has not begun is then never done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordsError> {
        let slot = match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(slot) => slot,
            Err(TryAcquireError::Closed) => return Err(lost()),
            Err(TryAcquireError::NoPermits) => {
                let _place = self.join_queue()?;
                let queue = tracing::info_span!(target: spans::TARGET, "passwords.queue");
                Arc::clone(&self.slots).acquire_owned().instrument(queue).await.map_err(|_| lost())?
            }
        };
        let (answer, answered) = oneshot::channel();
        let part = tracing::info_span!(target: spans::TARGET, "passwords.work");
        let (mean, durations) = (Arc::clone(&self.mean), Arc::clone(&self.took));
        task::spawn_blocking(move || {
            if answer.is_closed() {
                return;
            }
            let (outcome, took) = timed(work);
            follow(&mean, took);
            durations.add(took);
            drop((part, slot));
            // Nobody listens any more when the caller gave up in mid-work.
            answer.send(outcome).ok();
        });
        answered.await.map_err(|_| lost())
    }

    fn join_queue(&self) -> Result<Place<'_>, PasswordsError> {
        let most = self.longest_line();
        let join = |waiting: usize| (waiting < most).then_some(waiting + 1);
        match self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, join) {
            Ok(_) => Ok(Place(&self.waiting)),
            Err(waiting) => {
                self.refused.count();
                Err(PasswordsError::Busy { retry_after: self.wait_behind(waiting) })
            }
        }
    }

    /// How many may wait, so that the last of them waits 2 s at most.
    fn longest_line(&self) -> usize {
        let each = self.mean().as_nanos().max(1);
        usize::try_from(LONGEST_QUEUE.as_nanos() * self.concurrency as u128 / each).unwrap_or(usize::MAX)
    }

    /// The time until everybody in line has had a slot, in whole seconds, which is what `Retry-After` can say.
    fn wait_behind(&self, waiting: usize) -> Duration {
        let line = self.mean().as_nanos() * waiting as u128 / self.concurrency as u128;
        let seconds = line.div_ceil(Duration::from_secs(1).as_nanos()).max(1);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("concurrency", &self.concurrency)
            .field("waiting", &self.waiting.load(Ordering::Relaxed))
            .field("mean", &self.mean())
            .finish_non_exhaustive()
    }
}

/// One place in line, given back when its holder gets a slot or gives up.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long work takes is measured, never decided by `Clock`")]
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let outcome = work();
    (outcome, began.elapsed())
}

fn follow(mean: &AtomicU64, took: Duration) {
    let took = nanos(took);
    let moved = |mean: u64| Some(mean - mean / INERTIA + took / INERTIA);
    // The closure never refuses.
    mean.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved).ok();
}

/// An hour at most, so that no sum of two can overflow.
fn nanos(took: Duration) -> u64 {
    u64::try_from(took.min(Duration::from_hours(1)).as_nanos()).unwrap_or(u64::MAX)
}

fn lost() -> PasswordsError {
    PasswordsError::Failed(Box::new(Lost))
}
