//! What the two engines say differently. Queries themselves are written once.

use chrono::{DateTime, Utc};
use sea_orm::{
    DbBackend, EntityTrait, QuerySelect, Select, Statement, Value, Values,
    sea_query::{Expr, ExprTrait, Func, IntoColumnRef, LockType},
};

/// Values as the engine stores them: SQLite keeps points in time as integer microseconds, because its texts come in
/// several shapes that do not sort.
pub(super) fn bound(backend: DbBackend, values: &Values) -> Values {
    let mut values = values.clone();
    if backend == DbBackend::Sqlite {
        for value in &mut values.0 {
            if let Value::ChronoDateTimeUtc(at) = value {
                *value = Value::BigInt(at.as_ref().map(DateTime::<Utc>::timestamp_micros));
            }
        }
    }
    values
}

/// Whether a statement changes nothing, so that any connection may run it, and run it again.
pub(super) fn reads_only(statement: &Statement) -> bool {
    statement.sql.starts_with("SELECT ")
}

/// From how many characters on a trigram index can tell anything about a text.
const TRIGRAM: usize = 3;

/// Whether `column` contains `text` literally. LIKE needs escaping, and knows a limit on the length of the pattern on SQLite
/// (50,000 bytes); on PostgreSQL it is what an index of trigrams serves, where there is one.
pub(super) fn contains(backend: DbBackend, column: impl IntoColumnRef, text: &str) -> Expr {
    match backend {
        DbBackend::Postgres if text.chars().nth(TRIGRAM - 1).is_some() => {
            Expr::col(column).like(format!("%{}%", literal(text)))
        }
        _ => position(backend, column, text).gt(0),
    }
}

/// A text in which no character of a LIKE pattern means anything.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Whether `column` begins with `text`, literally likewise.
pub(super) fn begins(backend: DbBackend, column: impl IntoColumnRef, text: &str) -> Expr {
    position(backend, column, text).eq(1)
}

/// Where `text` stands in `column`, from 1; 0 where it does not.
fn position(backend: DbBackend, column: impl IntoColumnRef, text: &str) -> Expr {
    let function = match backend {
        DbBackend::Sqlite => "instr",
        _ => "strpos",
    };
    Expr::expr(Func::cust(function).arg(Expr::col(column)).arg(text))
}

/// Rows that nobody else changes, deletes or holds until the transaction ends. On SQLite a transaction is the only
/// writer anyway, and there is no such clause. Rows that merely refer to a held one are not kept waiting.
pub(super) fn held<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock(LockType::NoKeyUpdate)
}

/// LIMIT and OFFSET are signed 64-bit numbers on both engines; no list is longer.
pub(super) fn count(count: u64) -> u64 {
    Ord::min(count, i64::MAX.unsigned_abs())
}
