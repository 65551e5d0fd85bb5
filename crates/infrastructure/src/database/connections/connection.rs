//! One connection to either engine, and how a statement runs on it. Who may use it, and when, is the lease's matter.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use sea_orm::{DbBackend, ExecResult, QueryResult, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, Database, Either, Executor, IntoArguments, PgConnection, database::HasStatementCache,
};
use tokio::time::Instant;

use super::{outage::Outage, sqlite::SqliteWire, usage::Counted};
use crate::database::dialect;

/// A connection is replaced after this long, so that what a server process gathers over time is freed.
const LIFETIME: Duration = Duration::from_mins(30);

/// What came back: rows, the number of rows touched, or both.
pub struct Answer {
    pub(super) rows: Vec<QueryResult>,
    pub(super) result: ExecResult,
}

/// The connection itself.
pub(super) enum Wire {
    Postgres(PgConnection),
    Sqlite(SqliteWire),
}

/// A live connection. The outage watch counts it until it is dropped.
pub(super) struct Connection {
    wire: Wire,
    /// Whether prepared statements may outlive a transaction.
    keeps_statements: bool,
    opened_at: Instant,
    used_at: Instant,
    outage: Arc<Outage>,
    /// Until it is closed.
    _open: Counted,
}

impl Connection {
    pub(super) fn new(wire: Wire, keeps_statements: bool, outage: Arc<Outage>, open: Counted) -> Self {
        outage.connected();
        let now = Instant::now();
        Self { wire, keeps_statements, opened_at: now, used_at: now, outage, _open: open }
    }

    /// Whether it has served long enough.
    pub(super) fn is_old(&self) -> bool {
        self.opened_at.elapsed() >= LIFETIME
    }

    /// When it last answered.
    pub(super) fn used_at(&self) -> Instant {
        self.used_at
    }

    pub(super) fn backend(&self) -> DbBackend {
        match self.wire {
            Wire::Postgres(_) => DbBackend::Postgres,
            Wire::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    /// Runs a statement to its very end: PostgreSQL commits after the last row, so an earlier return could report a
    /// write that others do not see yet. Without values it may be several statements, which are not prepared.
    pub(super) async fn run(&mut self, statement: &Statement) -> Result<Answer, sqlx::Error> {
        let keep = self.keeps_statements;
        let answer = match &mut self.wire {
            Wire::Postgres(connection) => collect(stream(connection, statement, keep)).await,
            Wire::Sqlite(sqlite) => {
                sqlite.check()?;
                let outcome = collect(stream(&mut sqlite.connection, statement, keep)).await;
                outcome.inspect_err(|error| sqlite.note(error))
            }
        }?;
        self.used_at = Instant::now();
        Ok(answer)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.outage.disconnected(self.used_at);
    }
}

type Steps<'c, DB> =
    BoxStream<'c, Result<Either<<DB as Database>::QueryResult, <DB as Database>::Row>, sqlx::Error>>;

fn stream<'c, C>(connection: &'c mut C, statement: &Statement, keep: bool) -> Steps<'c, C::Database>
where
    C: sqlx::Connection,
    &'c mut C: Executor<'c, Database = C::Database>,
    SqlxValues: IntoArguments<C::Database>,
    C::Database: HasStatementCache,
{
    // The text comes from the query builder or from a constant; values are always bound.
    let sql = AssertSqlSafe(statement.sql.clone());
    match &statement.values {
        Some(values) => {
            let values = SqlxValues(dialect::bound(statement.db_backend, values));
            connection.fetch_many(sqlx::query_with(sql, values).persistent(keep)).boxed()
        }
        None => connection.fetch_many(sqlx::raw_sql(sql)).boxed(),
    }
}

async fn collect<Q, R>(
    mut steps: BoxStream<'_, Result<Either<Q, R>, sqlx::Error>>,
) -> Result<Answer, sqlx::Error>
where
    Q: Default + Extend<Q> + Into<ExecResult>,
    R: Into<QueryResult>,
{
    let (mut rows, mut result) = (Vec::new(), Q::default());
    while let Some(step) = steps.try_next().await? {
        match step {
            Either::Left(done) => result.extend([done]),
            Either::Right(row) => rows.push(row.into()),
        }
    }
    Ok(Answer { rows, result: result.into() })
}
