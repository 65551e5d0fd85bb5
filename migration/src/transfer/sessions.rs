//! Ends what would live again with an old backup: sessions, tokens of the FastAPI backend, and links in mails.
//!
//! The names that are stored are a frozen copy of the domain's.

use super::error::TransferError;
use super::layout::Layout;
use super::session::Session;
use crate::adoption::Dialect;

/// In the caller's transaction. A schema so old that it has no such table, or column, has nothing to end there.
pub(crate) async fn end(session: &mut Session, layout: &Layout) -> Result<(), TransferError> {
    let dialect = Dialect::new(session.engine());
    let (now, id) = (dialect.clock(), dialect.new_id());
    for (table, column, sql) in [
        (
            "auth_events",
            "kind",
            format!(
                "INSERT INTO auth_events (user_id, id, kind, at) SELECT e.user_id, {id}, 'session_ended', {now} \
                 FROM (SELECT DISTINCT user_id FROM sessions WHERE revoked_at IS NULL) e"
            ),
        ),
        (
            "sessions",
            "revoked_at",
            format!(
                "UPDATE sessions SET revoked_at = {now}, revoked_reason = 'administrator' WHERE revoked_at IS NULL"
            ),
        ),
        (
            "users",
            "legacy_tokens_refused_at",
            format!(
                "UPDATE users SET legacy_tokens_refused_at = {now} WHERE legacy_tokens_refused_at IS NULL"
            ),
        ),
        (
            "one_time_tokens",
            "used_at",
            format!("UPDATE one_time_tokens SET used_at = {now} WHERE used_at IS NULL"),
        ),
    ] {
        let has = |table: &super::layout::Table| table.columns.iter().any(|found| found.name == column);
        if layout.table(table).is_some_and(has) {
            session.execute(&sql).await?;
        }
    }
    Ok(())
}
