//! One call of the store, as SeaORM sees it: a connection with a deadline.

use async_trait::async_trait;
use sea_orm::{ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::{budget::Deadline, connection::Answer};
use crate::database::figures::Timed;

/// Where statements run: [`LeasingPool`](super::LeasingPool) or [`OpenTransaction`](super::OpenTransaction).
pub trait Connections: Send + Sync {
    /// The engine, for the statement builder.
    fn backend(&self) -> DbBackend;

    /// Runs one statement before `deadline`.
    fn run(
        &self,
        statement: &Statement,
        deadline: &Deadline,
    ) -> impl Future<Output = Result<Answer, DbErr>> + Send;

    /// The same for a statement that a replica may answer as well, if it has everything that was acknowledged before. Within
    /// a transaction there is no other place than its own.
    fn read(
        &self,
        statement: &Statement,
        deadline: &Deadline,
    ) -> impl Future<Output = Result<Answer, DbErr>> + Send {
        self.run(statement, deadline)
    }
}

/// A call that began when this was made; all of its statements share one deadline.
pub struct Call<'c, C> {
    connections: &'c C,
    deadline: Deadline,
    timed: Timed<'c>,
    /// Whether a replica may answer.
    anywhere: bool,
}

impl<'c, C: Connections> Call<'c, C> {
    pub(in crate::database) fn start(connections: &'c C, timed: Timed<'c>) -> Self {
        Self { connections, deadline: Deadline::start(), timed, anywhere: false }
    }

    /// Lets a replica answer, where there is one.
    pub(in crate::database) fn anywhere(self) -> Self {
        Self { anywhere: true, ..self }
    }

    async fn run(&self, statement: &Statement) -> Result<Answer, DbErr> {
        let step = async {
            if self.deadline.is_over() {
                return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
            }
            if self.anywhere {
                return self.connections.read(statement, &self.deadline).await;
            }
            self.connections.run(statement, &self.deadline).await
        };
        self.timed.note(step).await
    }
}

#[async_trait]
impl<C: Connections> ConnectionTrait for Call<'_, C> {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.run(&statement).await.map(|answer| answer.result)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let statement = Statement::from_string(self.connections.backend(), sql);
        self.run(&statement).await.map(|answer| answer.result)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.run(&statement).await.map(|answer| answer.rows.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.run(&statement).await.map(|answer| answer.rows)
    }
}
