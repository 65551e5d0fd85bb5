//! The loop that learns each second which sessions ended on other instances. What is learned, and what holds while nothing
//! is, is the application's.

use std::time::Duration;

use actix_web::rt;
use holdfast_application::{auth::Auth, ports::StoreError};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

/// How long after one poll the next begins. With what a poll takes, others refuse a token within 2 s (semantics §2).
const EVERY: Duration = Duration::from_secs(1);

/// Polls until it is dropped.
pub(crate) struct Polls(JoinHandle<()>);

impl Polls {
    /// Begins at once. Needs a runtime, whose end is theirs, too.
    pub(crate) fn start(auth: Auth) -> Self {
        Self(rt::spawn(poll(auth)))
    }
}

impl Drop for Polls {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn poll(auth: Auth) {
    let mut interval = interval(EVERY);
    // A poll that was slow is followed by a pause and not by another one at once.
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut outage = Outage::default();
    loop {
        interval.tick().await;
        let learned = auth.learn_revocations().await;
        match outage.note(&learned, auth.knows_revocations()) {
            None => {}
            Some(Change::Begins(error)) => tracing::warn!(
                target: "holdfast::server",
                error = error as &dyn std::error::Error,
                "revocations cannot be polled: each request reads the row of its session until they can"
            ),
            Some(Change::Ends) => {
                tracing::info!(target: "holdfast::server", "revocations are polled again");
            }
        }
    }
}

/// Whether it was told that polls are of no use, so that one outage is told once, however many polls fail.
#[derive(Default)]
struct Outage {
    told: bool,
}

#[derive(Debug)]
enum Change<'a> {
    Begins(&'a StoreError),
    Ends,
}

impl Outage {
    /// `current`: whether what was learned before still counts. A poll that fails while it does is made good by the next.
    fn note<'a>(&mut self, learned: &'a Result<(), StoreError>, current: bool) -> Option<Change<'a>> {
        match learned {
            Ok(()) if self.told => {
                self.told = false;
                Some(Change::Ends)
            }
            Err(error) if !self.told && !current => {
                self.told = true;
                Some(Change::Begins(error))
            }
            Ok(()) | Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_when_memory_is_too_old_and_its_end_once() {
        let failed = || Err(StoreError::Unavailable("gone".into()));
        let mut outage = Outage::default();
        assert!(outage.note(&Ok(()), true).is_none());
        assert!(outage.note(&failed(), true).is_none(), "the next one may make it good");
        assert!(matches!(outage.note(&failed(), false), Some(Change::Begins(_))));
        assert!(outage.note(&failed(), false).is_none());
        assert!(matches!(outage.note(&Ok(()), true), Some(Change::Ends)));
        assert!(outage.note(&Ok(()), true).is_none());
        assert!(matches!(outage.note(&failed(), false), Some(Change::Begins(_))), "the next outage");
    }
}
