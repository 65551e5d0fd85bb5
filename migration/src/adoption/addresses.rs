//! Keeps apart accounts of both sides that have the very same e-mail address: sign-in could not tell them apart.
//!
//! The account that works here keeps the address. An account that is new over there waits under a placeholder, with its
//! tasks, until `holdfast user claim` gives it an address; one that came before keeps the address that it has here. The
//! journal remembers which address each of them could not get, so that a pair is new once.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::dialect::Dialect;
use super::query::{execute, texts};
use super::staging::forget;

/// Two accounts with one address, one line for each pair: the address, the id here, the id there.
pub(super) struct Pairs {
    pub(super) new: Vec<String>,
    /// Those that an earlier run found.
    pub(super) standing: Vec<String>,
}

/// Accounts of ours whose address this run will not change.
const STANDING: &str = "CREATE TEMPORARY TABLE standing_users {on_commit} AS SELECT o.id, o.email FROM users o \
     LEFT JOIN adopted_users j ON j.id = o.id WHERE j.id IS NULL OR j.updated_at <> o.updated_at \
     OR NOT EXISTS (SELECT 1 FROM staged_users s WHERE s.id = o.id)";

const CLASHING: &str =
    "CREATE TEMPORARY TABLE clashing_users (id {uuid}, email text, kept text, is_new {flag}) {on_commit}";

/// Staged accounts with an address of theirs, unless they are settled anyway: changed or deleted here, or with that
/// address from before.
const FOUND: &str = "INSERT INTO clashing_users (id, email, kept, is_new) SELECT s.id, s.email, u.email, \
     j.clashing_email IS DISTINCT FROM s.email \
     FROM staged_users s LEFT JOIN users u ON u.id = s.id LEFT JOIN adopted_users j ON j.id = s.id \
     WHERE EXISTS (SELECT 1 FROM standing_users o WHERE o.email = s.email AND o.id <> s.id) \
     AND ((u.id IS NULL AND j.id IS NULL) OR (u.updated_at = j.updated_at AND u.email <> s.email)) \
     AND NOT EXISTS (SELECT 1 FROM clashing_users c WHERE c.id = s.id)";

/// What they keep may be the new address of somebody else over there.
const KEPT: &str = "INSERT INTO standing_users (id, email) SELECT c.id, c.kept FROM clashing_users c \
     WHERE c.kept IS NOT NULL AND NOT EXISTS (SELECT 1 FROM standing_users o WHERE o.id = c.id)";

/// Gives the staged accounts an address that nobody else has, and names both accounts of each pair.
pub(super) async fn keep_apart(connection: &impl ConnectionTrait) -> Result<Pairs, DbErr> {
    let dialect = Dialect::of(connection)?;
    for sql in [STANDING, CLASHING] {
        execute(connection, &dialect.types(sql)).await?;
    }
    super::staging::index(connection, "standing_users", "email").await?;
    super::staging::index(connection, "clashing_users", "id").await?;
    while execute(connection, FOUND).await? > 0 && execute(connection, KEPT).await? > 0 {}
    let [there, here] = [dialect.id_text("c.id"), dialect.id_text("o.id")];
    let pairs = async |condition: &str| {
        let sql = format!(
            "SELECT c.email || ': ' || {here} || ' here, ' || {there} || ' there' FROM clashing_users c \
             JOIN standing_users o ON o.email = c.email AND o.id <> c.id WHERE {condition} ORDER BY 1"
        );
        texts(connection, &sql).await
    };
    let pairs = Pairs { new: pairs("c.is_new").await?, standing: pairs("NOT c.is_new").await? };
    let made_up = dialect.made_up_address("staged_users.id");
    for sql in [
        format!(
            "UPDATE staged_users SET placeholder = TRUE, email = {made_up}, name = NULL, password_hash = NULL, \
             role = 'user', is_active = FALSE, email_verified = FALSE, image = NULL, banned_at = NULL, \
             ban_reason = NULL, ban_expires_at = NULL FROM clashing_users c \
             WHERE c.id = staged_users.id AND coalesce(c.kept, {made_up}) = {made_up}"
        ),
        "UPDATE staged_users SET email = c.kept FROM clashing_users c \
         WHERE c.id = staged_users.id AND NOT staged_users.placeholder"
            .to_owned(),
    ] {
        execute(connection, &sql).await?;
    }
    Ok(pairs)
}

/// Remembers the pairs, once the journal has all accounts.
pub(super) async fn record(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    for sql in [
        "UPDATE adopted_users SET clashing_email = NULL WHERE clashing_email IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM clashing_users c WHERE c.id = adopted_users.id)",
        "UPDATE adopted_users SET clashing_email = c.email FROM clashing_users c \
         WHERE c.id = adopted_users.id AND c.is_new",
    ] {
        execute(connection, sql).await?;
    }
    forget(connection, &["standing_users", "clashing_users"]).await
}
