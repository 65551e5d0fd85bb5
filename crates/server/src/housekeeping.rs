//! The loop that has what is over removed, about every minute. What that is, and that one instance does it at a time, is the
//! application's.

use std::time::Duration;

use actix_web::rt;
use holdfast_application::{housekeeping::Housekeeping, ports::Randomness};
use tokio::task::JoinHandle;

/// Between two rounds at least, and by how much more at most: instances that were started together do not stay together.
const EVERY: Duration = Duration::from_secs(50);
const JITTER: Duration = Duration::from_secs(20);

/// Runs rounds until it is dropped.
pub(crate) struct Rounds(JoinHandle<()>);

impl Rounds {
    /// Begins after a pause: whoever starts has other things to do first. Needs a runtime, whose end is theirs, too.
    pub(crate) fn start(housekeeping: Housekeeping, randomness: impl Randomness + 'static) -> Self {
        Self(rt::spawn(async move {
            loop {
                rt::time::sleep(pause(&randomness)).await;
                housekeeping.run().await;
            }
        }))
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        self.0.abort();
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
