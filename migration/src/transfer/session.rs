//! One connection to either engine, for statements that SeaORM has no words for: rows as they stream in, and `COPY`.
//!
//! What is asked is the other modules'; which connection, its limits and its errors are `connection`'s.

use std::time::Duration;

use sea_orm_migration::sea_orm::DatabaseConnection;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Postgres, Sqlite};

use super::error::TransferError;
use crate::connection::{self, Purpose};
use crate::runner::close;
use crate::{DatabaseUrl, Engine};

/// The only connection of its pool.
pub(crate) struct Session {
    pub(crate) line: Line,
    pool: DatabaseConnection,
}

/// As the driver has it.
pub(crate) enum Line {
    Postgres(PoolConnection<Postgres>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Session {
    /// `None` when `purpose` is to read and there is no SQLite file.
    pub(crate) async fn open(
        url: &DatabaseUrl,
        purpose: Purpose,
        patience: Duration,
    ) -> Result<Option<Self>, TransferError> {
        let Some(pool) = connection::open(url, purpose, patience).await? else { return Ok(None) };
        let line = match url.engine() {
            Engine::Postgres => Line::Postgres(pool.get_postgres_connection_pool().acquire().await?),
            Engine::Sqlite => Line::Sqlite(pool.get_sqlite_connection_pool().acquire().await?),
        };
        Ok(Some(Self { line, pool }))
    }

    pub(crate) fn engine(&self) -> Engine {
        match &self.line {
            Line::Postgres(_) => Engine::Postgres,
            Line::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// One or several statements without an answer.
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match &mut self.line {
            Line::Postgres(line) => sql.execute(&mut **line).await.map(|_| ()),
            Line::Sqlite(line) => sql.execute(&mut **line).await.map(|_| ()),
        }
    }

    /// Rows whose columns are all text and never NULL. `$1` is `value` wherever it stands.
    pub(crate) async fn texts(&mut self, sql: &str, value: &str) -> Result<Vec<Vec<String>>, sqlx::Error> {
        fn fields<R: sqlx::Row>(row: &R) -> Result<Vec<String>, sqlx::Error>
        where
            usize: sqlx::ColumnIndex<R>,
            String: for<'a> sqlx::Decode<'a, R::Database> + sqlx::Type<R::Database>,
        {
            (0..row.len()).map(|place| row.try_get_unchecked(place)).collect()
        }
        let binds = sql.contains("$1");
        match &mut self.line {
            Line::Postgres(line) => {
                let query = sqlx::query(AssertSqlSafe(sql));
                let query = if binds { query.bind(value) } else { query };
                query.fetch_all(&mut **line).await?.iter().map(fields).collect()
            }
            Line::Sqlite(line) => {
                let query = sqlx::query(AssertSqlSafe(sql));
                let query = if binds { query.bind(value) } else { query };
                query.fetch_all(&mut **line).await?.iter().map(fields).collect()
            }
        }
    }

    /// The first column of what [`Session::texts`] gives.
    pub(crate) async fn column(&mut self, sql: &str, value: &str) -> Result<Vec<String>, sqlx::Error> {
        Ok(self.texts(sql, value).await?.into_iter().flatten().collect())
    }

    /// Says goodbye; the database rolls an open transaction back.
    pub(crate) async fn close(self) {
        let Self { line, pool } = self;
        drop(line);
        close(pool).await;
    }
}
