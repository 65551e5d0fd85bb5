//! What the store counts of its calls, and how it looks to whoever asks. Names and formats of metrics are the server's.

use std::sync::atomic::{AtomicU8, Ordering};

use holdfast_application::{
    measure::{ByName, Durations, Measured, PARTS},
    spans,
};
use sea_orm::{DbBackend, DbErr, RuntimeErr};
use tokio::time::Instant;
use tracing::{Instrument as _, Span, field::Empty};

use super::error::{Fault, fault};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The database answered.
    Done,
    /// The database refused it by a rule, as a duplicate.
    Refused,
    /// No connection, no time, or lost under way.
    Unavailable,
    /// Anything else: a fault of ours or of the data.
    Failed,
    /// Whoever called went away.
    Abandoned,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Done, Self::Refused, Self::Unavailable, Self::Failed, Self::Abandoned];

    const fn name(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    fn of(error: &DbErr) -> Self {
        let fault = match error {
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Fault::Exhausted,
            DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error)) => {
                fault(error)
            }
            _ => Fault::Other,
        };
        match fault {
            Fault::Lost | Fault::StaleStatement | Fault::Conflict | Fault::Locked | Fault::Exhausted => {
                Self::Unavailable
            }
            Fault::Duplicate(_) | Fault::OwnerMissing => Self::Refused,
            Fault::Other => Self::Failed,
        }
    }
}

/// Durations of calls, by the method of the port and by outcome.
#[derive(Debug)]
pub(super) struct Calls {
    durations: ByName<[Durations; Outcome::ALL.len()]>,
    /// As OpenTelemetry calls the engine.
    system: &'static str,
}

impl Calls {
    pub(super) fn new(engine: DbBackend) -> Self {
        let durations = ByName::new(|| std::array::from_fn(|_| Durations::new(PARTS)));
        Self { durations, system: system_name(engine) }
    }

    /// Begins to measure a call, which is a part of the request as well.
    pub(super) fn begin(&self, name: &'static str) -> Timed<'_> {
        let span = tracing::info_span!(
            target: spans::TARGET,
            "call",
            otel.name = name,
            db.system.name = self.system,
            db.operation.name = name,
            holdfast.retries = Empty,
            "error.type" = Empty,
        );
        Timed { of: self.durations.of(name), started: Instant::now(), outcome: AtomicU8::new(UNUSED), span }
    }

    pub(super) fn read(&self) -> Vec<CallFigures> {
        let of_call = |(call, durations): (&'static str, &[Durations; Outcome::ALL.len()])| {
            let measured = durations.iter().map(Durations::read);
            Outcome::ALL
                .into_iter()
                .zip(measured)
                .filter(|(_, measured)| measured.count > 0)
                .map(move |(outcome, measured)| CallFigures { call, outcome: outcome.name(), measured })
                .collect::<Vec<_>>()
        };
        self.durations.all().into_iter().flat_map(of_call).collect()
    }
}

/// By the names of OpenTelemetry's semantic conventions.
pub(super) fn system_name(engine: DbBackend) -> &'static str {
    match engine {
        DbBackend::Postgres => "postgresql",
        DbBackend::Sqlite => "sqlite",
        // No adapter of ours connects to anything else.
        _ => "other_sql",
    }
}

/// No statement has run yet.
const UNUSED: u8 = u8::MAX;

/// Measures one call until it is dropped. One whose statement was cut short counts as abandoned.
pub(super) struct Timed<'c> {
    of: Option<&'c [Durations; Outcome::ALL.len()]>,
    started: Instant,
    outcome: AtomicU8,
    span: Span,
}

impl Timed<'_> {
    /// Runs a statement or another step of the call and notes how it ends; the last one decides.
    pub(super) async fn note<T>(&self, step: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        self.set(Outcome::Abandoned);
        let outcome = step.instrument(self.span.clone()).await;
        self.set(outcome.as_ref().map_or_else(Outcome::of, |_| Outcome::Done));
        outcome
    }

    fn set(&self, outcome: Outcome) {
        self.outcome.store(outcome as u8, Ordering::Relaxed);
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        let outcome = usize::from(*self.outcome.get_mut());
        if let Some(failure) = Outcome::ALL.get(outcome).filter(|outcome| **outcome != Outcome::Done) {
            self.span.record("error.type", failure.name());
        }
        if let Some(durations) = self.of.and_then(|of| of.get(outcome)) {
            durations.add(self.started.elapsed());
        }
    }
}

/// What is known of one kind of calls.
#[derive(Debug, Clone)]
pub struct CallFigures {
    /// The port and its method, as `tasks.find`.
    pub call: &'static str,
    /// `ok`, `refused` by a rule, `unavailable`, `failed` or `abandoned`.
    pub outcome: &'static str,
    /// How long they took, with the wait for a connection and further tries.
    pub measured: Measured,
}

/// How the pool is used at the moment, and since the process began.
#[derive(Debug, Clone)]
pub struct PoolFigures {
    /// How many connections there may be.
    pub limit: u64,
    /// How many are open.
    pub open: u64,
    /// How many somebody works with.
    pub in_use: u64,
    /// How many callers wait for one.
    pub waiting: u64,
    /// How often a caller found the line of those who wait full.
    pub full: u64,
    /// How often a caller got no connection, for whatever reason.
    pub refused: u64,
    /// How long those waited who got one.
    pub acquired: Measured,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_step_decides_how_a_call_ended() {
        let calls = Calls::new(DbBackend::Sqlite);
        let done = || async { Ok(()) };
        let failed = || async { Err::<(), _>(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout)) };
        {
            let call = calls.begin("tasks.find");
            assert!(call.note(failed()).await.is_err());
            assert!(call.note(done()).await.is_ok());
        }
        assert!(calls.begin("tasks.find").note(failed()).await.is_err());
        {
            let call = calls.begin("tasks.list");
            let cut_short =
                futures_util::FutureExt::now_or_never(call.note(std::future::pending::<Result<(), _>>()));
            assert!(cut_short.is_none());
        }
        drop(calls.begin("tasks.count"));
        let read = calls.read();
        let told: Vec<_> = read.iter().map(|call| (call.call, call.outcome, call.measured.count)).collect();
        assert_eq!(
            told,
            [("tasks.find", "ok", 1), ("tasks.find", "unavailable", 1), ("tasks.list", "abandoned", 1)]
        );
    }
}
