//! The two transactions of a transfer: one that sees a single moment of the database, and one that nobody else gets into.

use super::error::TransferError;
use super::format::AppliedMigration;
use super::layout::{Layout, quoted};
use super::session::Session;
use crate::journal::Entry;
use crate::lock::MIGRATORS;
use crate::{Engine, checksums};

/// A transfer takes as long as it takes, whatever was set for the role; only locks are not waited for any longer.
const NO_LIMITS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
     SET LOCAL lock_timeout = '5s'; SET LOCAL row_security = off";

/// Begins to read one moment of the database; others go on writing. No migration changes these tables before the
/// transaction ends.
pub(crate) async fn begin_snapshot(session: &mut Session, tables: &str) -> Result<(), TransferError> {
    if session.engine() == Engine::Sqlite {
        // The first read takes the snapshot.
        return Ok(session.execute("BEGIN; SELECT count(*) FROM sqlite_schema").await?);
    }
    // A lock takes no snapshot yet: what a migration does before it is in, whole.
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {NO_LIMITS}; LOCK TABLE {tables} IN ACCESS SHARE MODE"
    );
    session.execute(&begin).await.map_err(locked)
}

/// Begins to write alone: no migrator comes in between.
pub(crate) async fn begin_alone(session: &mut Session) -> Result<(), TransferError> {
    if session.engine() == Engine::Sqlite {
        return Ok(session.execute("BEGIN IMMEDIATE").await?);
    }
    session.execute(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; {NO_LIMITS}")).await?;
    let lock = format!("SELECT pg_try_advisory_xact_lock({MIGRATORS})::text");
    if session.column(&lock, "").await? == ["true"] {
        return Ok(());
    }
    Err(TransferError::InUse("a migration is under way".to_owned()))
}

/// The journal with the checksums of the texts; nothing where there is none.
pub(crate) async fn applied(session: &mut Session) -> Result<Vec<AppliedMigration>, TransferError> {
    let mut found = Vec::new();
    if !exists(session, "seaql_migrations").await? {
        return Ok(found);
    }
    let sums = if exists(session, checksums::TABLE).await? {
        session.texts(&format!("SELECT version, checksum FROM {}", checksums::TABLE), "").await?
    } else {
        Vec::new()
    };
    let sql = "SELECT version, CAST(applied_at AS TEXT) FROM seaql_migrations ORDER BY 1";
    for fields in session.texts(sql, "").await? {
        let [name, applied_at] = <[String; 2]>::try_from(fields).unwrap_or_default();
        let checksum = sums.iter().find(|sum| sum[0] == name).map(|sum| sum[1].clone());
        found.push(AppliedMigration { name, applied_at: applied_at.parse().unwrap_or_default(), checksum });
    }
    // Alike on both engines, whatever their collation.
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// As the journal has them.
pub(crate) fn entries(applied: &[AppliedMigration]) -> Vec<Entry> {
    let entry =
        |applied: &AppliedMigration| Entry { name: applied.name.clone(), applied_at: applied.applied_at };
    applied.iter().map(entry).collect()
}

/// The tables that have rows. In a SQLite file, which is replaced as a whole, those of others count as well.
pub(crate) async fn filled(session: &mut Session, layout: &Layout) -> Result<Vec<String>, TransferError> {
    let names = match session.engine() {
        Engine::Postgres => layout.tables.iter().map(|table| table.name.clone()).collect(),
        Engine::Sqlite => {
            let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
            let kept = ["seaql_migrations", checksums::TABLE];
            let mut names = session.column(sql, "").await?;
            names.retain(|name| !kept.contains(&name.as_str()) && !layout.left_out.contains(name));
            names
        }
    };
    let mut filled = Vec::new();
    for name in names {
        let sql = format!("SELECT '' FROM {} LIMIT 1", quoted(&name));
        if !session.column(&sql, "").await?.is_empty() {
            filled.push(name);
        }
    }
    Ok(filled)
}

/// What the database's clock says, as RFC 3339.
pub(crate) async fn clock(session: &mut Session) -> Result<String, TransferError> {
    let sql = match session.engine() {
        Engine::Postgres => "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
        Engine::Sqlite => "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
    };
    Ok(session.column(sql, "").await?.pop().unwrap_or_default())
}

async fn exists(session: &mut Session, table: &str) -> Result<bool, TransferError> {
    let sql = match session.engine() {
        Engine::Postgres => {
            "SELECT '' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relname = $1"
        }
        Engine::Sqlite => "SELECT '' FROM sqlite_schema WHERE name = $1",
    };
    Ok(!session.column(sql, table).await?.is_empty())
}

/// PostgreSQL's `lock_not_available`.
pub(crate) fn locked(error: sqlx::Error) -> TransferError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some("55P03") {
        return TransferError::InUse("somebody else, or a migration, holds the tables".to_owned());
    }
    error.into()
}
