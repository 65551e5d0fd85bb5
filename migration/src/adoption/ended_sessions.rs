//! Ends the sessions of accounts that the old backend has banned, deactivated or given another role or password since.
//!
//! Such an account may have signed in here meanwhile. The names that are stored are a frozen copy of the domain's.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::query::execute;
use super::staging::forget;

/// Notes whose sessions have to end, while our rows are still as they were but for their passwords.
pub(super) async fn note(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    // The gravest reason is the one that is told.
    let sql = "CREATE TEMPORARY TABLE ended_users {on_commit} AS SELECT o.id, CASE \
         WHEN s.banned_at IS NOT NULL AND o.banned_at IS NULL THEN 'banned' \
         WHEN o.is_active AND NOT s.is_active THEN 'administrator' ELSE 'role_changed' END AS reason \
         FROM users o JOIN staged_users s ON s.id = o.id \
         WHERE (s.banned_at IS NOT NULL AND o.banned_at IS NULL) OR (o.is_active AND NOT s.is_active) OR s.role <> o.role";
    execute(connection, &Dialect::of(connection)?.types(sql)).await?;
    // The history does not say that the password changed: that stands for a password that was set here. A salted
    // SHA-256 becomes bcrypt over there when its owner signs in, whose tokens must go on counting.
    let sql = "INSERT INTO ended_users (id, reason) SELECT c.id, 'password_changed' FROM changed_passwords c \
         WHERE NOT c.set_here AND c.password_hash LIKE '$%' \
         AND NOT EXISTS (SELECT 1 FROM ended_users e WHERE e.id = c.id)";
    execute(connection, sql).await.map(|_| ())
}

/// Ends them, refuses the tokens of the old backend, and tells the running instances by the security history. Late in
/// the transaction, because an instance looks for what is recent.
pub(super) async fn end(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let dialect = Dialect::of(connection)?;
    let (now, id) = (dialect.clock(), dialect.new_id());
    for sql in [
        format!(
            "UPDATE sessions SET revoked_at = {now}, revoked_reason = e.reason FROM ended_users e \
             WHERE sessions.user_id = e.id AND sessions.revoked_at IS NULL"
        ),
        format!(
            "UPDATE users SET legacy_tokens_refused_at = {now} WHERE legacy_tokens_refused_at IS NULL \
             AND id IN (SELECT e.id FROM ended_users e)"
        ),
        format!(
            "INSERT INTO auth_events (user_id, id, kind, at) SELECT e.id, {id}, CASE e.reason \
             WHEN 'banned' THEN 'user_banned' WHEN 'role_changed' THEN 'role_changed' ELSE 'session_ended' END, {now} \
             FROM ended_users e"
        ),
    ] {
        execute(connection, &sql).await?;
    }
    forget(connection, &["ended_users"]).await
}
