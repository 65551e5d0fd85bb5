//! The loop that has what is over removed, about every minute. What that is, and that one instance does it at a time, is the
//! application's.

use std::time::Duration;

use actix_web::rt;
use holdfast_application::{housekeeping::Housekeeping, ports::Randomness};
use tokio::task::JoinHandle;

/// Between two rounds at least, and by how much more at most: instances that were started together do not stay together.
const EVERY: Duration = Duration::from_secs(50);
const JITTER: Duration = Duration::from_secs(20);
/// How long a stop waits for the lease to be given back.
const GIVING_BACK: Duration = Duration::from_secs(1);

/// Runs rounds until it is stopped or dropped.
pub(crate) struct Rounds {
    housekeeping: Housekeeping,
    rounds: JoinHandle<()>,
}

impl Rounds {
    /// Begins after a pause: whoever starts has other things to do first. Needs a runtime, whose end is theirs, too.
    pub(crate) fn start(housekeeping: Housekeeping, randomness: impl Randomness + 'static) -> Self {
        let own = housekeeping.clone();
        let rounds = rt::spawn(async move {
            loop {
                rt::time::sleep(pause(&randomness)).await;
                own.run().await;
            }
        });
        Self { housekeeping, rounds }
    }

    /// Ends the round that runs, where one does, and lets another instance go on at once.
    pub(crate) async fn stop(mut self) {
        let given_back = async {
            self.rounds.abort();
            // A batch that is under way might take the lease again.
            (&mut self.rounds).await.ok();
            self.housekeeping.give_back().await;
        };
        if rt::time::timeout(GIVING_BACK, given_back).await.is_err() {
            tracing::warn!(target: "holdfast::housekeeping", "the lease was not given back in time");
        }
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        self.rounds.abort();
    }
}

fn pause(randomness: &dyn Randomness) -> Duration {
    // Without randomness rounds go on without a jitter.
    let first = randomness.secret().map_or(0, |[first, ..]| first);
    EVERY + JITTER * u32::from(first) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use holdfast_application::ports::NoRandomness;

    use super::*;

    struct Drawn(Option<u8>);

    impl Randomness for Drawn {
        fn secret(&self) -> Result<[u8; 32], NoRandomness> {
            self.0.map(|byte| [byte; 32]).ok_or_else(|| NoRandomness("none".into()))
        }
    }

    #[test]
    fn a_round_begins_about_a_minute_after_the_last_one() {
        let seconds = [None, Some(0), Some(51), Some(255)].map(|drawn| pause(&Drawn(drawn)).as_secs());
        assert_eq!(seconds, [50, 50, 54, 70]);
    }
}
