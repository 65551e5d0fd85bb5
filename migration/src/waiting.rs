//! Waiting for somebody else's lock: for how long, in which steps, and who it is.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use tokio::time::{Instant, sleep};

use crate::autovacuum::{self, Autovacuum};
use crate::database_url::{DatabaseUrl, Engine};
use crate::error::MigrationError;
use crate::lock::{MIGRATORS, WORKERS};
use crate::sql_text::masked;

/// Between two tries, at least and at most: whoever was waiting behind this migrator gets its turn, and several migrators
/// do not try in step.
const PAUSE_MS: (u64, u64) = (100, 400);
/// How much of somebody's statement is shown.
const SHOWN_CHARACTERS: usize = 200;

/// What is in the way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The lock of the migrators.
    Migrator,
    /// A lock on a table.
    Transaction,
}

/// One wait, over any number of tries.
pub(crate) struct Wait<'a> {
    url: &'a DatabaseUrl,
    limit: Duration,
    since: Instant,
    told: bool,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(url: &'a DatabaseUrl, limit: Duration) -> Self {
        Self { url, limit, since: Instant::now(), told: false }
    }

    /// The database that is migrated.
    pub(crate) fn url(&self) -> &'a DatabaseUrl {
        self.url
    }

    /// Something has gone well: what comes may be waited for as long again.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.url, self.limit);
    }

    /// Returns when it is time for the next try, with autovacuums out of the way. The first time it tells who is in it.
    ///
    /// # Errors
    /// [`MigrationError::Locked`] when the time is up.
    pub(crate) async fn again(
        &mut self,
        connection: Option<&DatabaseConnection>,
        obstacle: Obstacle,
    ) -> Result<(), MigrationError> {
        if self.since.elapsed() >= self.limit {
            let holder = self.holder(connection, obstacle).await;
            return Err(MigrationError::Locked { waited: self.since.elapsed(), holder });
        }
        if !std::mem::replace(&mut self.told, true) {
            let holder = self.holder(connection, obstacle).await;
            let database = self.url.redacted();
            tracing::warn!(database, "waiting up to {} s: {holder}", self.limit.as_secs());
        }
        if let Some(connection) = connection
            && obstacle == Obstacle::Transaction
            && self.url.engine() == Engine::Postgres
            // One that stays, or cannot be learnt of, is waited for like everybody else.
            && autovacuum::cancel(connection).await.unwrap_or(false)
        {
            // The next one may start any time.
            return Ok(());
        }
        sleep(pause()).await;
        Ok(())
    }

    async fn holder(&self, connection: Option<&DatabaseConnection>, obstacle: Obstacle) -> String {
        let what = match (obstacle, self.url.engine()) {
            (Obstacle::Migrator, Engine::Postgres) => "another migrator is at work",
            (Obstacle::Migrator, Engine::Sqlite) => "another migrator or a server is writing",
            (Obstacle::Transaction, _) => "a transaction holds a lock on the tables",
        };
        let who = match connection {
            Some(connection) if self.url.engine() == Engine::Postgres => who(connection, obstacle).await,
            _ => Ok(None),
        };
        // What cannot be learnt is left out: the wait is the news.
        match who {
            Ok(Some(who)) => format!("{what}: {who}"),
            Ok(None) | Err(_) => what.to_owned(),
        }
    }
}

/// Not for security: it spreads tries.
fn pause() -> Duration {
    let (least, most) = PAUSE_MS;
    Duration::from_millis(least + RandomState::new().build_hasher().finish() % (most - least + 1))
}

/// Of the clients who hold such a lock, the one with the oldest transaction, and the autovacuums. A role that may not see
/// others' statements is told so by PostgreSQL in their place.
async fn who(connection: &DatabaseConnection, obstacle: Obstacle) -> Result<Option<String>, DbErr> {
    let mut found: Vec<String> = oldest(connection, obstacle).await?.into_iter().collect();
    if obstacle == Obstacle::Transaction {
        found.extend(autovacuum::at_work(connection).await?.iter().map(Autovacuum::described));
    }
    Ok((!found.is_empty()).then(|| found.join("; ")))
}

/// Whether the row of `pg_locks` is the lock of a migrator. A key of 64 bits is shown there in two halves.
fn of_a_migrator(row: &str) -> String {
    format!(
        "{row}.locktype = 'advisory' AND {row}.objsubid = 1 AND {row}.granted \
         AND ({row}.classid::bigint << 32 | {row}.objid::bigint) IN ({MIGRATORS}, {WORKERS})"
    )
}

async fn oldest(connection: &DatabaseConnection, obstacle: Obstacle) -> Result<Option<String>, DbErr> {
    let held = match obstacle {
        Obstacle::Migrator => of_a_migrator("l"),
        // The other connection of this migrator reads the journal; it is nobody's obstacle.
        Obstacle::Transaction => format!(
            "l.locktype = 'relation' AND EXISTS (SELECT 1 FROM pg_class c \
                 WHERE c.oid = l.relation AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace) \
             AND NOT EXISTS (SELECT 1 FROM pg_locks m WHERE m.pid = l.pid AND {})",
            of_a_migrator("m")
        ),
    };
    described(connection, &held).await
}

/// Of the clients that `condition` holds for, the one with the oldest transaction.
pub(crate) async fn described(
    connection: &DatabaseConnection,
    condition: &str,
) -> Result<Option<String>, DbErr> {
    let sql = format!(
        "SELECT a.pid::text, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), \
             coalesce(host(a.client_addr), 'this machine'), coalesce(a.state, coalesce(a.backend_type, '')), \
             coalesce(to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'an unknown time'), \
             coalesce(a.query, '') \
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.granted AND l.pid <> pg_backend_pid() AND a.datname = current_database() AND a.usesysid IS NOT NULL \
             AND {condition} \
         ORDER BY a.xact_start NULLS LAST LIMIT 1"
    );
    let Some(row) = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await? else {
        return Ok(None);
    };
    let text = |column: usize| row.try_get_by_index::<String>(column);
    let (user, application, query) = (text(1)?, text(2)?, text(6)?);
    let who = [user, application].into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ");
    Ok(Some(format!(
        "process {} ({who}) from {}, in a transaction since {}, {}, its last statement: {}",
        text(0)?,
        text(3)?,
        text(5)?,
        text(4)?,
        masked(&query, SHOWN_CHARACTERS)
    )))
}
