//! Tells, from a connection beside it, whom a statement waits for that has no time-out. It changes nothing about the wait.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use tokio::time::sleep;

use crate::connection::{CONNECT_PATIENCE, Purpose, open};
use crate::database_url::DatabaseUrl;
use crate::waiting;

/// Before the first look, so that what is quick costs no connection, and between two of them.
const LOOK: Duration = Duration::from_secs(1);
/// By the text of the statement: a pooler may have given it any connection of the server's.
const BLOCKERS: &str = "SELECT DISTINCT blocker.pid FROM pg_stat_activity a, \
         LATERAL unnest(pg_blocking_pids(a.pid)) AS blocker(pid) \
     WHERE a.datname = current_database() AND a.state = 'active' AND a.query = $1 AND a.pid <> pg_backend_pid()";

/// Waits for `work`, in which this statement runs, and says meanwhile who keeps it: each of them once.
pub(super) async fn watched<T>(url: &DatabaseUrl, statement: &str, work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = tell(url, statement) => match never {},
    }
}

async fn tell(url: &DatabaseUrl, statement: &str) -> Infallible {
    sleep(LOOK).await;
    // What cannot be learnt is left out: the wait goes on either way.
    if let Ok(Some(connection)) = open(url, Purpose::Read, CONNECT_PATIENCE).await {
        let mut told = BTreeSet::new();
        while look(&connection, statement, &mut told).await.is_ok() {
            sleep(LOOK).await;
        }
    }
    std::future::pending().await
}

async fn look(
    connection: &DatabaseConnection,
    statement: &str,
    told: &mut BTreeSet<i32>,
) -> Result<(), DbErr> {
    let question = Statement::from_sql_and_values(DbBackend::Postgres, BLOCKERS, [statement.into()]);
    for row in connection.query_all_raw(question).await? {
        let process: i32 = row.try_get_by_index(0)?;
        if told.insert(process) {
            let who = waiting::described(connection, &format!("a.pid = {process}")).await?;
            let who = who.unwrap_or_else(|| match process {
                0 => "a prepared transaction (pg_prepared_xacts)".to_owned(),
                process => format!("process {process}"),
            });
            tracing::warn!("{statement} waits, without a limit, until this transaction has ended: {who}");
        }
    }
    Ok(())
}
