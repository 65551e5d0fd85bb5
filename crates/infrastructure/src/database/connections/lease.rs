//! A connection while somebody uses it. One whose state is not known is closed, never handed on.

use deadpool::managed::Object;
use holdfast_application::spans;
use sea_orm::{DbBackend, DbErr, Statement};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, field::Empty};

use super::{
    connection::{Answer, Connection},
    connector::{Connector, late},
    usage::Counted,
};
use crate::database::{
    error::{connection_error, error_name, must_close, statement_error},
    figures::system_name,
};

/// A connection taken from its pool. Dropping it gives it back, unless a statement was cut short on it or a transaction
/// is still open: then it is closed, and the database rolls back.
pub(super) struct Lease {
    connection: Option<Object<Connector>>,
    in_statement: bool,
    in_transaction: bool,
    /// Until the connection is given back.
    _in_use: Counted,
}

impl Lease {
    pub(super) fn new(connection: Object<Connector>, in_use: Counted) -> Self {
        Self { connection: Some(connection), in_statement: false, in_transaction: false, _in_use: in_use }
    }

    /// When the connection last answered.
    pub(super) fn used_at(&self) -> Option<Instant> {
        self.connection.as_deref().map(Connection::used_at)
    }

    /// Runs a statement; past `limit` the connection is given up.
    pub(super) async fn run(&mut self, statement: &Statement, limit: Instant) -> Result<Answer, DbErr> {
        self.guarded(statement, limit).await.map_err(statement_error)
    }

    /// Makes sure that the connection still stands, before something is sent that must not be sent twice.
    pub(super) async fn ping(&mut self, limit: Instant) -> Result<(), DbErr> {
        self.control("SELECT 1", limit).await.map_err(connection_error)
    }

    /// Begins a transaction with `sql`. Nothing is done yet when this fails.
    pub(super) async fn begin(&mut self, sql: &'static str, limit: Instant) -> Result<(), DbErr> {
        self.in_transaction = true;
        self.control(sql, limit).await.map_err(connection_error)
    }

    /// Makes the transaction durable. After an error it is unknown whether that happened.
    pub(super) async fn commit(&mut self, limit: Instant) -> Result<(), DbErr> {
        self.control("COMMIT", limit).await.map_err(statement_error)?;
        self.in_transaction = false;
        Ok(())
    }

    /// Takes the transaction back. After an error the connection is closed, which has the same effect.
    pub(super) async fn roll_back(&mut self, limit: Instant) -> Result<(), DbErr> {
        self.control("ROLLBACK", limit).await.map_err(statement_error)?;
        self.in_transaction = false;
        Ok(())
    }

    /// Closes the connection instead of giving it back.
    pub(super) fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }

    async fn control(&mut self, sql: &'static str, limit: Instant) -> Result<(), sqlx::Error> {
        let Some(backend) = self.connection.as_deref().map(Connection::backend) else {
            return Err(sqlx::Error::PoolClosed);
        };
        self.guarded(&Statement::from_string(backend, sql), limit).await.map(|_| ())
    }

    async fn guarded(&mut self, statement: &Statement, limit: Instant) -> Result<Answer, sqlx::Error> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(sqlx::Error::PoolClosed);
        };
        // What a statement that was cut short left behind must not be taken for the answer to this one.
        if self.in_statement {
            return Err(sqlx::Error::PoolClosed);
        }
        let started = Instant::now();
        self.in_statement = true;
        let span = span(statement);
        let running = timeout_at(limit, connection.run(statement)).instrument(span.clone());
        let outcome = running.await.unwrap_or_else(|_| Err(late("a statement")));
        if let Err(error) = &outcome {
            span.record("error.type", error_name(error));
        }
        self.in_statement = outcome.as_ref().is_err_and(must_close);
        if self.in_statement
            && let Some(pool) = Object::pool(connection)
        {
            // What happened to this one has most likely happened to all that were idle meanwhile.
            pool.retain(|idle, _| idle.used_at() > started);
            // A server that drops one drops those of other lines as well. A file does not: who reads it goes on.
            if connection.backend() == DbBackend::Postgres {
                pool.manager().outage().lost(started);
            }
        }
        outcome
    }
}

/// The statement as a part of the request: its text, which has places where its values go, and never a value.
fn span(statement: &Statement) -> Span {
    tracing::info_span!(
        target: spans::TARGET,
        "statement",
        otel.kind = "client",
        otel.name = operation(statement),
        db.system.name = system_name(statement.db_backend),
        db.operation.name = operation(statement),
        db.query.text = statement.sql.as_str(),
        "error.type" = Empty,
    )
}

/// What the statement does, by its first word.
fn operation(statement: &Statement) -> &str {
    statement.sql.split_ascii_whitespace().next().unwrap_or_default().trim_end_matches(';')
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| self.in_statement || self.in_transaction)
        {
            drop(Object::take(connection));
        }
    }
}
