//! Keeps apart accounts of both sides that have the very same e-mail address: sign-in could not tell them apart.
//!
//! The account that works here keeps the address. An account that is new over there waits under a placeholder, with its
//! tasks, until `holdfast user claim` gives it an address; one that came before keeps the address that it has here.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::query::{execute, texts};

/// Accounts of ours whose address this run will not change.
const STANDING: &str = "CREATE TEMPORARY TABLE standing_users {on_commit} AS SELECT o.id, o.email FROM users o \
     LEFT JOIN adopted_users j ON j.id = o.id WHERE j.id IS NULL OR j.updated_at <> o.updated_at \
     OR NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = o.id)";

/// Staged accounts with an address of theirs, unless they are settled anyway: changed or deleted here, or with that
/// address from before.
const CLASHING: &str = "CREATE TEMPORARY TABLE clashing_users {on_commit} AS SELECT s.id, min(o.email) AS email, \
     u.email AS kept FROM staged_users s JOIN standing_users o ON o.email = s.email AND o.id <> s.id \
     LEFT JOIN users u ON u.id = s.id LEFT JOIN adopted_users j ON j.id = s.id \
     WHERE (u.id IS NULL AND j.id IS NULL) OR (u.updated_at = j.updated_at AND u.email <> s.email) \
     GROUP BY s.id, u.email";

/// Gives the staged accounts an address that nobody else has, and names both accounts of each pair.
pub(super) async fn keep_apart(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let dialect = Dialect::of(connection)?;
    for sql in [STANDING, CLASHING] {
        execute(connection, &dialect.types(sql)).await?;
    }
    let [there, here] = [dialect.id_text("c.id"), dialect.id_text("o.id")];
    let pairs = texts(
        connection,
        &format!(
            "SELECT c.email || ': ' || {here} || ' here, ' || {there} || ' there' FROM clashing_users c \
             JOIN standing_users o ON o.email = c.email AND o.id <> c.id ORDER BY 1"
        ),
    )
    .await?;
    let orphan = format!("'orphan-' || {} || '@placeholder.invalid'", dialect.id_text("staged_users.id"));
    execute(
        connection,
        &format!(
            "UPDATE staged_users SET placeholder = TRUE, email = {orphan}, name = NULL, password_hash = NULL, \
             role = 'user', is_active = FALSE, email_verified = FALSE, image = NULL, banned_at = NULL, \
             ban_reason = NULL, ban_expires_at = NULL FROM clashing_users c \
             WHERE c.id = staged_users.id AND coalesce(c.kept, {orphan}) = {orphan}"
        ),
    )
    .await?;
    execute(
        connection,
        "UPDATE staged_users SET email = c.kept FROM clashing_users c \
         WHERE c.id = staged_users.id AND NOT staged_users.placeholder",
    )
    .await?;
    if !dialect.is_postgres() {
        for table in ["standing_users", "clashing_users"] {
            execute(connection, &format!("DROP TABLE temp.{table}")).await?;
        }
    }
    Ok(pairs)
}
