//! Connections to PostgreSQL: what is set on them, and what not behind a pooler.

use sqlx::{ConnectOptions, Connection as _, Executor, PgConnection, postgres::PgConnectOptions};

/// A statement has the budget of `budget.rs`, half of it for locks; a client that vanishes gives its locks back after
/// 5 s.
const SESSION: &str = "SET application_name = 'holdfast'; SET TIME ZONE 'UTC'; SET statement_timeout = '1s'; \
                       SET lock_timeout = '500ms'; SET idle_in_transaction_session_timeout = '5s'";
/// Of a replica, which has less time: what it cannot do in it is told in words, and the connection is kept.
const SESSION_OF_REPLICA: &str = "SET application_name = 'holdfast'; SET TIME ZONE 'UTC'; SET statement_timeout = '200ms'; \
                                  SET lock_timeout = '100ms'; SET idle_in_transaction_session_timeout = '5s'";
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// Behind a pooler the time-outs hold for the transaction alone, and travel with its first message.
const BEGIN_POOLED: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = '1s'; \
                            SET LOCAL lock_timeout = '500ms'; SET LOCAL idle_in_transaction_session_timeout = '5s'";

/// Where a pooler may lead to several replicas: all statements of the transaction go to one.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = '200ms'; \
                             SET LOCAL lock_timeout = '100ms'; SET LOCAL idle_in_transaction_session_timeout = '5s'";

/// A server and how to talk to it.
#[derive(Clone)]
pub(super) struct PostgresTarget {
    options: PgConnectOptions,
    session: &'static str,
    pooled: bool,
    keeps_statements: bool,
}

impl PostgresTarget {
    pub(super) fn new(url: &str, pooler: bool, statement_cache: usize) -> Result<Self, sqlx::Error> {
        let options = url
            .parse::<PgConnectOptions>()?
            // PgBouncer refuses start-up parameters that it does not know.
            .extra_float_digits(None)
            .statement_cache_capacity(statement_cache)
            .disable_statement_logging();
        let keeps_statements = statement_cache > 0;
        Ok(Self { options, session: SESSION, pooled: pooler || !keeps_statements, keeps_statements })
    }

    /// The same, to be read from only while there is time left for the primary.
    pub(super) fn of_replica(self) -> Self {
        Self { session: SESSION_OF_REPLICA, ..self }
    }

    pub(super) async fn open(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        if !self.pooled {
            connection.execute(self.session).await?;
        }
        Ok(connection)
    }

    /// Whether statements may be prepared for later use. Where not, sqlx still prepares in one message and executes
    /// in another, and a pooler may send the two to different servers, unless a transaction holds them together.
    pub(super) fn keeps_statements(&self) -> bool {
        self.keeps_statements
    }

    /// How a transaction begins.
    pub(super) fn begin(&self) -> &'static str {
        if self.pooled { BEGIN_POOLED } else { BEGIN }
    }

    /// What holds several reads on one server of a replica's, where a connection alone does not.
    pub(super) fn begin_reading(&self) -> Option<&'static str> {
        self.pooled.then_some(BEGIN_READING)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::budget, BEGIN_POOLED, BEGIN_READING, SESSION, SESSION_OF_REPLICA};

    #[test]
    fn the_server_is_told_the_budget_that_the_client_keeps() {
        for text in [SESSION, BEGIN_POOLED] {
            assert!(text.contains(&format!("statement_timeout = '{}s'", budget::STATEMENT.as_secs())));
        }
        let of_replica = budget::REPLICA.saturating_sub(budget::GRACE).as_millis();
        for text in [SESSION_OF_REPLICA, BEGIN_READING] {
            assert!(text.contains(&format!("statement_timeout = '{of_replica}ms'")));
        }
    }
}
