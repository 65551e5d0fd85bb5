//! One transaction: a lease between BEGIN and COMMIT.

use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbBackend, DbErr, Statement};
use tokio::{
    runtime::Handle,
    sync::Mutex,
    time::{Instant, timeout_at},
};

use super::{Connections, budget::Deadline, connection::Answer, lease::Lease};

/// How long the rollback of a dropped transaction may take before its connection is closed instead.
const ROLLBACK: Duration = Duration::from_secs(1);

/// A transaction that is neither committed nor rolled back. Dropping it rolls back: in the background, so that the
/// connection stays of use, or by closing the connection where no runtime is left.
pub struct OpenTransaction {
    state: Mutex<State>,
    backend: DbBackend,
    runtime: Handle,
}

struct State {
    lease: Option<Lease>,
    /// Whether a statement failed or was cut short. PostgreSQL would then answer COMMIT with a silent rollback, and
    /// SQLite would commit the rest.
    spent: bool,
}

impl OpenTransaction {
    pub(super) fn new(lease: Lease, backend: DbBackend, runtime: Handle) -> Self {
        Self { state: Mutex::new(State { lease: Some(lease), spent: false }), backend, runtime }
    }

    /// Makes the transaction durable and visible, unless one of its statements failed: then it is rolled back.
    pub(crate) async fn commit(mut self) -> Result<(), DbErr> {
        let limit = Deadline::start().of_statement();
        let state = self.state.get_mut();
        if state.spent {
            return Err(spent());
        }
        // From here on only the connection's state tells what became of the transaction.
        let Some(mut lease) = state.lease.take() else {
            return Err(spent());
        };
        lease.commit(limit).await
    }
}

impl Connections for OpenTransaction {
    fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Never tried twice: what came before would be missing.
    async fn run(&self, statement: &Statement, deadline: &Deadline) -> Result<Answer, DbErr> {
        let locking = timeout_at(deadline.at(), self.state.lock());
        let mut state = locking.await.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        let State { lease, spent: is_spent } = &mut *state;
        let Some(lease) = lease.as_mut().filter(|_| !*is_spent) else {
            return Err(spent());
        };
        // A caller who goes away in mid-statement leaves it set.
        *is_spent = true;
        let outcome = lease.run(statement, deadline.of_statement()).await;
        *is_spent = outcome.is_err();
        outcome
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        let Some(mut lease) = self.state.get_mut().lease.take() else {
            return;
        };
        // On a runtime that is shutting down the task is dropped, and the lease closes its connection.
        self.runtime.spawn(async move {
            if let Err(error) = lease.roll_back(Instant::now() + ROLLBACK).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "closed a connection instead of rolling back"
                );
            }
        });
    }
}

fn spent() -> DbErr {
    DbErr::Custom("an earlier statement of the transaction failed".to_owned())
}
