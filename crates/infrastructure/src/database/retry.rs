//! Which failures may be tried again, and when. Only what provably did nothing, or changes nothing, is repeated.

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sea_orm::{DbErr, RuntimeErr};

use super::{
    connections::Deadline,
    error::{Fault, fault},
};

/// Further tries after the first.
const FURTHER: u32 = 2;
/// The pause before a further try lies between half of this and all of it; it doubles each time.
const PAUSE: Duration = Duration::from_millis(60);

/// The tries of one statement.
pub(super) struct Tries {
    reads: bool,
    done: u32,
}

impl Tries {
    /// `reads`: the statement changes nothing.
    pub(super) fn new(reads: bool) -> Self {
        Self { reads, done: 0 }
    }

    /// Waits before the next try, or gives the error back when there is none.
    pub(super) async fn pause_after(&mut self, error: DbErr, deadline: &Deadline) -> Result<(), DbErr> {
        let pause = spread(PAUSE * 2_u32.pow(self.done));
        if self.done >= FURTHER || !is_repeatable(&error, self.reads) || !deadline.allows(pause) {
            return Err(error);
        }
        self.done += 1;
        tracing::Span::current().record("holdfast.retries", self.done);
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

fn is_repeatable(error: &DbErr, reads: bool) -> bool {
    match error {
        // Before anything was sent.
        DbErr::Conn(RuntimeErr::SqlxError(error)) => fault(error) != Fault::Other,
        DbErr::Query(RuntimeErr::SqlxError(error)) => match fault(error) {
            Fault::Conflict | Fault::StaleStatement => true,
            // What already took too long will not fit into the rest.
            Fault::Lost => reads && !is_late(error),
            Fault::Locked | Fault::Exhausted | Fault::Duplicate(_) | Fault::OwnerMissing | Fault::Other => {
                false
            }
        },
        _ => false,
    }
}

fn is_late(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// Between half of `pause` and all of it, so that those who failed together do not come back together. A counter is
/// chance enough: multiplied by the golden ratio, neighbours land far apart.
fn spread(pause: Duration) -> Duration {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let turn = COUNTER.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9);
    pause / 2 + (pause / 2).mul_f64(f64::from(turn) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::error::{connection_error, statement_error};

    #[test]
    fn a_write_that_may_have_happened_is_never_repeated() {
        let lost = || sqlx::Error::Io(io::ErrorKind::ConnectionReset.into());
        assert!(is_repeatable(&connection_error(lost()), false));
        assert!(is_repeatable(&statement_error(lost()), true));
        assert!(!is_repeatable(&statement_error(lost()), false));
    }

    #[test]
    fn pauses_keep_within_their_bounds() {
        for _ in 0..1_000 {
            assert!((PAUSE / 2..=PAUSE).contains(&spread(PAUSE)));
        }
    }
}
