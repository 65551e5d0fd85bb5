//! From the engines' error codes to what the application knows: one mapping, by code and constraint, never by message
//! where there is a code.

use std::sync::Arc;

use holdfast_application::ports::{StoreError, Unique};
use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::PgDatabaseError;

use super::sqlite_errors;

/// What an error of sqlx means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection is gone or in an unknown state.
    Lost,
    /// The server knows the prepared statement no longer, or in another shape; nothing was executed.
    StaleStatement,
    /// It lost against another writer; nothing remains of it.
    Conflict,
    /// Another transaction held on to a row for too long.
    Locked,
    /// Out of time, connections, memory or disk.
    Exhausted,
    Duplicate(Unique),
    OwnerMissing,
    Other,
}

/// The fault beneath an error.
pub(super) fn fault(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            Fault::Lost
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Fault::Exhausted,
        sqlx::Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => postgres_fault(error.code(), error.constraint()),
            None => sqlite_errors::fault(error.as_ref()),
        },
        _ => Fault::Other,
    }
}

/// By SQLSTATE (PostgreSQL, appendix A).
fn postgres_fault(code: &str, constraint: Option<&str>) -> Fault {
    match code {
        "23505" if constraint == Some("users_email_claim_key") => Fault::Duplicate(Unique::Email),
        "23505" => Fault::Duplicate(Unique::Id),
        "23503" => Fault::OwnerMissing,
        "40001" | "40P01" => Fault::Conflict,
        "26000" | "42P05" | "0A000" => Fault::StaleStatement,
        // Shut down or cut off by an administrator or a time-out, or a server that has become a standby.
        "57P01" | "57P02" | "57P05" | "25P03" | "25P04" | "25006" => Fault::Lost,
        "55P03" => Fault::Locked,
        "57014" | "57P03" | "58030" => Fault::Exhausted,
        _ if code.starts_with("08") => Fault::Lost,
        _ if code.starts_with("53") => Fault::Exhausted,
        _ => Fault::Other,
    }
}

/// Whether a connection must not be used any more after this error.
pub(super) fn must_close(error: &sqlx::Error) -> bool {
    matches!(fault(error), Fault::Lost | Fault::StaleStatement)
}

/// What the error means, in a word for traces.
pub(super) fn error_name(error: &sqlx::Error) -> &'static str {
    match fault(error) {
        Fault::Lost => "lost",
        Fault::StaleStatement => "stale_statement",
        Fault::Conflict => "conflict",
        Fault::Locked => "locked",
        Fault::Exhausted => "exhausted",
        Fault::Duplicate(_) => "duplicate",
        Fault::OwnerMissing => "owner_missing",
        Fault::Other => "other",
    }
}

/// An error before the caller's statement was sent.
pub(super) fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

/// An error once it may have been sent.
pub(super) fn statement_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

/// The fault beneath an error of a statement, or of what came before it.
pub(super) fn fault_of(error: &DbErr) -> Fault {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Fault::Exhausted,
        DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error)) => {
            fault(error)
        }
        _ => Fault::Other,
    }
}

/// Whether the server did not answer, so that it would not answer anything else either.
pub(super) fn is_outage(error: &DbErr) -> bool {
    match fault_of(error) {
        Fault::Lost | Fault::Exhausted => true,
        Fault::StaleStatement
        | Fault::Conflict
        | Fault::Locked
        | Fault::Duplicate(_)
        | Fault::OwnerMissing
        | Fault::Other => false,
    }
}

/// What the application is told. The cause is kept for the log; it holds neither values nor the database's address.
pub(super) fn store_error(error: DbErr) -> StoreError {
    match fault_of(&error) {
        Fault::Lost | Fault::StaleStatement | Fault::Conflict | Fault::Locked | Fault::Exhausted => {
            StoreError::Unavailable(Box::new(error))
        }
        Fault::Duplicate(unique) => StoreError::Duplicate(unique),
        Fault::OwnerMissing => StoreError::OwnerMissing,
        Fault::Other => StoreError::Unexpected(Box::new(error)),
    }
}

/// Whether a statement gave up waiting for another transaction. Never on SQLite, where the wait is for the whole file.
pub(super) fn is_locked(error: &DbErr) -> bool {
    matches!(error, DbErr::Query(RuntimeErr::SqlxError(error)) if fault(error) == Fault::Locked)
}

/// A stored value that no version of ours has written.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds a value that has no meaning")]
struct Corrupt {
    column: &'static str,
}

/// The error for a row whose `column` cannot be read.
pub(super) fn corrupt(column: &'static str) -> StoreError {
    StoreError::Unexpected(Box::new(Corrupt { column }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_claimed_address_is_a_duplicate_email() {
        assert_eq!(postgres_fault("23505", Some("users_email_claim_key")), Fault::Duplicate(Unique::Email));
        assert_eq!(postgres_fault("23505", Some("tasks_pkey")), Fault::Duplicate(Unique::Id));
        assert_eq!(postgres_fault("23514", Some("tasks_priority_check")), Fault::Other);
    }

    #[test]
    fn a_database_in_trouble_is_unavailable() {
        for code in ["08006", "53100", "53300", "55P03", "57014", "57P01", "57P03", "40001", "40P01", "25006"]
        {
            assert_ne!(postgres_fault(code, None), Fault::Other, "{code}");
        }
        let refused = sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into());
        assert!(matches!(store_error(connection_error(refused)), StoreError::Unavailable(_)));
    }
}
