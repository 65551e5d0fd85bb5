//! A replica that answers lists in the primary's place while it has everything that anybody has been told. Where it cannot, the
//! primary answers and nobody notices. Nothing is ever written here.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use holdfast_application::measure::{ByName, Counter};
use sea_orm::{DbErr, Statement};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    LeasingPool,
    budget::Deadline,
    connection::Answer,
    lease::Lease,
    postgres::PostgresTarget,
    standing::{Standing, Unfit},
};
use crate::database::{
    DatabaseLocation, DatabaseOptions, PoolFigures,
    error::{Fault, connection_error, fault_of},
};

/// Between two looks at a replica that is not there yet. A healthy one is within a few milliseconds.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(4),
    Duration::from_millis(8),
    Duration::from_millis(16),
];
/// How long a replica that could not answer is left alone; then one caller tries for all.
const REST: Duration = Duration::from_secs(1);
/// A replica that comes and goes is worth a line in the log this often.
const WARNING: Duration = Duration::from_mins(1);

/// Connections to the replica, and whether they are worth a try.
pub(super) struct Replica {
    pool: LeasingPool,
    /// Holds the question and the statement on one server, where a pooler may change it in between.
    begin: Option<&'static str>,
    state: Mutex<State>,
    reads: ByName<Counter>,
}

struct State {
    /// Nobody asks before then, and from then on one at a time; nothing while it answers.
    rests_until: Option<Instant>,
    /// What the log said last.
    told_in_use: bool,
    warned_at: Option<Instant>,
}

/// How the replica does, for whoever watches over it.
#[derive(Debug, Clone)]
pub struct ReplicaState {
    /// Whether it answers at the moment. Otherwise it is tried once a second.
    pub in_use: bool,
    /// How many reads it has answered since the process began.
    pub answered: u64,
    /// How many were begun on it and answered by the primary; those that did not try are not counted.
    pub passed_on: u64,
    /// How reads went since the process began: `answered` by the replica, or why the primary had to: `resting` (it was not
    /// tried), `unfit`, `behind`, `no_connection`, `failed`, `too_slow` or `no_position`.
    pub reads: Vec<(&'static str, u64)>,
    /// Its own pool.
    pub pool: PoolFigures,
}

impl ReplicaState {
    /// The names in `reads`, which holds all of them from the beginning.
    pub const OUTCOMES: [&'static str; 8] =
        [ANSWERED, RESTING, UNFIT, BEHIND, NO_CONNECTION, FAILED, TOO_SLOW, NO_POSITION];
}

const ANSWERED: &str = "answered";
const RESTING: &str = "resting";
const UNFIT: &str = "unfit";
const BEHIND: &str = "behind";
const NO_CONNECTION: &str = "no_connection";
const FAILED: &str = "failed";
const TOO_SLOW: &str = "too_slow";
const NO_POSITION: &str = "no_position";

/// Why the primary had to answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it cannot answer for the primary")]
    Unfit(#[from] Unfit),
    #[error("it has not replayed what the primary has written")]
    Behind,
    #[error("there was no connection to it in time")]
    Late,
    #[error("it failed")]
    Broken(#[from] DbErr),
    #[error("it had no time or no room for this read")]
    TooSlow(#[source] DbErr),
    #[error("the primary does not tell its position")]
    Unknown(#[source] DbErr),
}

impl Failure {
    fn name(&self) -> &'static str {
        match self {
            Self::Unfit(_) => UNFIT,
            Self::Behind => BEHIND,
            Self::Late => NO_CONNECTION,
            Self::Broken(_) => FAILED,
            Self::TooSlow(_) => TOO_SLOW,
            Self::Unknown(_) => NO_POSITION,
        }
    }

    /// What became of the read itself.
    fn of_read(error: DbErr) -> Self {
        match (fault_of(&error), &error) {
            (Fault::Exhausted, DbErr::Query(_)) => Self::TooSlow(error),
            _ => Self::Broken(error),
        }
    }

    /// Whether it says nothing about the next read: that one is not in conflict with the same vacuum, nor on the same plan.
    fn is_of_this_read_alone(&self) -> bool {
        match self {
            Self::Broken(error) => matches!(fault_of(error), Fault::Conflict | Fault::StaleStatement),
            Self::TooSlow(_) => true,
            Self::Unfit(_) | Self::Behind | Self::Late | Self::Unknown(_) => false,
        }
    }
}

impl Replica {
    /// Opens no connection yet.
    pub(super) fn build(options: &DatabaseOptions) -> Result<Self, DbErr> {
        let DatabaseLocation::Postgres { url, pooler } = &options.location else {
            return Err(DbErr::Custom("only PostgreSQL has replicas".to_owned()));
        };
        let target = PostgresTarget::new(url, *pooler, options.statement_cache).map_err(connection_error)?;
        let pool = LeasingPool::postgres(target.of_replica(), options);
        let begin = pool.begin_reading();
        // It has to prove itself first, to one caller.
        let state = State { rests_until: Some(Instant::now()), told_in_use: false, warned_at: None };
        let reads = ByName::expecting(ReplicaState::OUTCOMES);
        Ok(Self { pool, begin, state: Mutex::new(state), reads })
    }

    pub(super) fn settle(&self) {
        self.pool.settle();
    }

    pub(super) fn read_state(&self) -> ReplicaState {
        let reads = self.reads.read();
        let (mut answered, mut passed_on) = (0, 0);
        for (outcome, count) in &reads {
            match *outcome {
                ANSWERED => answered += count,
                RESTING => {}
                _ => passed_on += count,
            }
        }
        ReplicaState {
            in_use: self.state().rests_until.is_none(),
            answered,
            passed_on,
            pool: self.pool.figures(),
            reads,
        }
    }

    /// Whether a read that comes now should try. After a rest this is said to one of many, until it knows more.
    pub(super) fn is_worth_a_try(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        match state.rests_until {
            None => true,
            Some(until) if now < until => {
                drop(state);
                self.reads.count(RESTING);
                false
            }
            Some(_) => {
                state.rests_until = Some(now + REST);
                true
            }
        }
    }

    /// The replica's answer, if it has everything that the primary had when it was asked; `None` leaves the statement, and
    /// most of the time before `deadline`, to the primary.
    pub(super) async fn read(
        &self,
        statement: &Statement,
        primary: Standing,
        deadline: &Deadline,
    ) -> Option<Answer> {
        match self.try_read(statement, primary, &deadline.of_replica()).await {
            Ok(answer) => {
                self.has_answered();
                Some(answer)
            }
            Err(failure) => {
                self.has_failed(&failure);
                None
            }
        }
    }

    /// There is nothing to measure the replica by.
    pub(super) fn give_up(&self, error: DbErr) {
        self.has_failed(&Failure::Unknown(error));
    }

    async fn try_read(
        &self,
        statement: &Statement,
        primary: Standing,
        deadline: &Deadline,
    ) -> Result<Answer, Failure> {
        // A replica that sleeps is woken, and not waited for.
        let limit = deadline.at();
        let mut lease = timeout_at(limit, self.pool.lease(deadline)).await.map_err(|_| Failure::Late)??;
        if let Some(begin) = self.begin {
            lease.begin(begin, limit).await?;
        }
        let answer = match catch_up(&mut lease, primary, limit).await {
            // A snapshot is taken as each statement begins: one that held the question as well would be older than the answer.
            Ok(()) => lease.run(statement, limit).await.map_err(Failure::of_read)?,
            Err(Failure::Unfit(unfit)) => {
                // Behind the same address another server may be the right one.
                lease.close();
                return Err(unfit.into());
            }
            Err(failure) => {
                self.end(lease, limit).await;
                return Err(failure);
            }
        };
        self.end(lease, limit).await;
        Ok(answer)
    }

    async fn end(&self, mut lease: Lease, limit: Instant) {
        if self.begin.is_some() {
            // Nothing was changed; what fails closes the connection.
            let _ = lease.roll_back(limit).await;
        }
    }

    fn has_answered(&self) {
        self.reads.count(ANSWERED);
        let mut state = self.state();
        if state.rests_until.take().is_some() && !std::mem::replace(&mut state.told_in_use, true) {
            drop(state);
            tracing::info!("lists are read from the replica");
        }
    }

    fn has_failed(&self, failure: &Failure) {
        self.reads.count(failure.name());
        let error = failure as &dyn std::error::Error;
        if failure.is_of_this_read_alone() {
            tracing::debug!(error, "the primary answered a list that the replica could not");
            return;
        }
        let now = Instant::now();
        let mut state = self.state();
        state.rests_until = Some(now + REST);
        if state.warned_at.is_none_or(|at| now.duration_since(at) >= WARNING) {
            state.warned_at = Some(now);
            state.told_in_use = false;
            drop(state);
            tracing::warn!(error, "lists are read from the primary: the replica cannot answer for it");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns once the replica has everything that `primary` had, on the connection of `lease`: behind one address there may be
/// several replicas, and each is somewhere else.
async fn catch_up(lease: &mut Lease, primary: Standing, limit: Instant) -> Result<(), Failure> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let answer = lease.run(&Standing::question(), limit).await?;
        if Standing::read(&answer)?.has_all_of(primary)? {
            return Ok(());
        }
        sleep(pauses.next().ok_or(Failure::Behind)?).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// Nobody is connected to.
    fn replica() -> Replica {
        let url = "postgres://nobody@127.0.0.1:1/none?sslmode=disable".to_owned();
        let options = DatabaseOptions {
            location: DatabaseLocation::Postgres { url, pooler: false },
            pool_size: 1,
            workers: 0,
            statement_cache: 100,
            wake_timeout: Duration::ZERO,
        };
        Replica::build(&options).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_could_not_answer_is_tried_once_a_second_by_one_caller() {
        let replica = replica();
        let asked = || (0..100).filter(|_| replica.is_worth_a_try()).count();
        // Before the first answer as well.
        assert_eq!(asked(), 1);
        assert_eq!(asked(), 0);
        replica.has_answered();
        assert_eq!(asked(), 100);
        for _ in 0..3 {
            replica.has_failed(&Failure::Behind);
            assert_eq!(asked(), 0);
            advance(REST / 2).await;
            assert_eq!(asked(), 0);
            advance(REST / 2).await;
            assert_eq!(asked(), 1);
        }
        // Whoever tried went away without an answer: the next second has its own try.
        assert_eq!(asked(), 0);
        advance(REST).await;
        assert_eq!(asked(), 1);
        replica.has_answered();
        assert_eq!(asked(), 100);
        let state = replica.read_state();
        assert_eq!((state.in_use, state.answered, state.passed_on), (true, 2, 3));
        let expected = [
            (ANSWERED, 2),
            (BEHIND, 3),
            (FAILED, 0),
            (NO_CONNECTION, 0),
            (NO_POSITION, 0),
            (RESTING, 99 + 100 + 3 * (100 + 100 + 99) + 100 + 99),
            (TOO_SLOW, 0),
            (UNFIT, 0),
        ];
        assert_eq!(state.reads, expected);
    }

    #[test]
    fn what_is_wrong_with_the_replica_is_told_from_what_concerns_one_read() {
        let broken = |error| Failure::Broken(crate::database::error::statement_error(error));
        let lost = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        for failure in [
            broken(lost),
            Failure::Behind,
            Failure::Late,
            Failure::Unfit(Unfit::OtherTimeLine),
            Failure::Unknown(DbErr::Custom("no right to ask".to_owned())),
            Failure::Broken(DbErr::Custom("no such column".to_owned())),
        ] {
            assert!(!failure.is_of_this_read_alone(), "{failure:?}");
        }
        assert!(Failure::TooSlow(DbErr::Custom("cancelled".to_owned())).is_of_this_read_alone());
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_once_a_minute_that_a_replica_comes_and_goes() {
        let replica = replica();
        let warned = || replica.state().warned_at;
        replica.has_failed(&Failure::Late);
        let first = warned();
        assert!(first.is_some());
        for _ in 0..59 {
            advance(Duration::from_secs(1)).await;
            replica.has_answered();
            assert!(replica.state().told_in_use);
            replica.has_failed(&Failure::Late);
            assert_eq!(warned(), first);
        }
        advance(Duration::from_secs(1)).await;
        replica.has_failed(&Failure::Late);
        assert!(warned() > first && !replica.state().told_in_use);
    }
}
