//! Recognises a password that was changed in the old tables, although the hash here is another one by now.
//!
//! A sign-in replaces the hash that was taken over by a stronger one of the same password. The journal therefore keeps
//! a SHA-256 of the old hash, as it was when it was read last, and not the hash itself. Rows without one, from
//! before there were any, are judged by the hashes alone.

use std::fmt::Write as _;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;
use sha2::{Digest as _, Sha256};

use super::dialect::Dialect;
use super::query::{count, execute, statement, texts};
use super::staging::{PAGE, computed_after, forget, index};

/// The digest of no password: that of an empty text.
pub(super) const NONE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Hashes of ours that are still the ones that were taken over: the server makes no other kind than Argon2id, and none
/// at all for an account that never signed in here and did not change here.
const AS_IT_CAME: &str = "(o.password_hash IS NULL OR o.password_hash NOT LIKE '$argon2%' \
     OR (o.last_sign_in_at IS NULL AND o.updated_at = j.updated_at))";

/// Records the digests that the journal lacks, of hashes that are as they came.
pub(super) async fn record(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let sql = format!(
        "CREATE TEMPORARY TABLE undigested_users {{on_commit}} AS SELECT row_number() OVER (ORDER BY o.id) AS n, o.id, \
         o.password_hash, CAST(NULL AS text) AS password_digest FROM adopted_users j JOIN users o ON o.id = j.id \
         WHERE j.password_digest IS NULL AND {AS_IT_CAME}"
    );
    execute(connection, &Dialect::of(connection)?.types(&sql)).await?;
    digest(connection, "undigested_users").await?;
    let sql = "UPDATE adopted_users SET password_digest = s.password_digest FROM undigested_users s \
         WHERE s.id = adopted_users.id";
    execute(connection, sql).await?;
    forget(connection, &["undigested_users"]).await
}

/// Fills `password_digest` of a temporary table from its `password_hash`; `n` numbers its rows from 1.
pub(super) async fn digest(connection: &impl ConnectionTrait, table: &str) -> Result<(), DbErr> {
    index(connection, table, "n").await?;
    let sql = format!("SELECT n, password_hash FROM {table} WHERE n > $1 ORDER BY n LIMIT {PAGE}");
    let mut after = 0;
    while let Some(page) = computed_after(connection, &sql, after, |row| {
        let hash: Option<String> = row.try_get_by_index(1)?;
        Ok([hex_sha256(hash.as_deref().unwrap_or_default())])
    })
    .await?
    {
        let update = format!(
            "UPDATE {table} SET password_digest = f.column2 FROM {} WHERE {table}.n = f.column1",
            page.computed
        );
        connection.execute_raw(statement(connection, &update, page.parameters)).await?;
        after = page.last;
    }
    Ok(())
}

fn hex_sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string never fails.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Whether the hash here is of a password that was set here since. `ours` is its digest, `recorded` what the journal
/// has, and `profile_differs` tells whether anything else about the account `o` differs from the old one.
///
/// Setting a password dates the account and refuses the old backend's tokens; replacing a hash at a sign-in does neither.
/// So do other things, from which the security history tells it, as far back as it is kept. An account that came
/// without a password got it here. And where an account is newer for no other reason, it is the password.
pub(super) fn set_here(ours: &str, recorded: &str, profile_differs: &str) -> String {
    let told = "(EXISTS (SELECT 1 FROM auth_events e WHERE e.user_id = o.id AND e.kind LIKE 'password%') \
         OR NOT EXISTS (SELECT 1 FROM auth_events e WHERE e.at <= o.legacy_tokens_refused_at))";
    format!(
        "(o.updated_at <> j.updated_at AND {ours} IS DISTINCT FROM {recorded} AND ({recorded} IS NULL \
         OR {recorded} = '{NONE}' OR (o.legacy_tokens_refused_at IS NOT NULL AND {told}) \
         OR NOT ({profile_differs})))"
    )
}

/// What a run did about passwords that changed over there.
pub(super) struct Changed {
    /// Ids of the accounts whose password was set here as well: ours stayed.
    pub(super) kept: Vec<String>,
    /// Those among them that do not count as changed there for any other reason.
    pub(super) new_conflicts: u64,
}

/// Takes over the staged hashes that changed over there, also of accounts that changed here in other ways; `updated_at`
/// stays, by which a change here is told from none. `changed_passwords` then has all of them, with our former hashes.
pub(super) async fn take_changed(
    connection: &impl ConnectionTrait,
    profile_differs: &str,
) -> Result<Changed, DbErr> {
    digest(connection, "staged_users").await?;
    note_changed(connection).await?;
    // Nobody who works here is locked out because a password is gone over there.
    let set_here = set_here("changed_passwords.password_digest", "j.password_digest", profile_differs);
    execute(
        connection,
        &format!(
            "UPDATE changed_passwords SET set_here = ({set_here} OR (o.updated_at <> j.updated_at \
             AND s.password_hash IS NULL)) FROM users o JOIN adopted_users j ON j.id = o.id \
             JOIN staged_users s ON s.id = o.id WHERE o.id = changed_passwords.id"
        ),
    )
    .await?;
    for sql in TAKE {
        execute(connection, sql).await?;
    }
    let shown = Dialect::of(connection)?.id_text("c.id");
    let kept = format!("SELECT {shown} FROM changed_passwords c WHERE c.set_here ORDER BY 1");
    Ok(Changed { kept: texts(connection, &kept).await?, new_conflicts: count(connection, UNCOUNTED).await? })
}

async fn note_changed(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let dialect = Dialect::of(connection)?;
    // A placeholder that was claimed has nothing to do with the old account any more, and one over there no password.
    let changed = "FROM users o JOIN staged_users s ON s.id = o.id JOIN adopted_users j ON j.id = o.id \
         WHERE s.password_digest <> j.password_digest \
         AND (o.updated_at = j.updated_at OR NOT (j.placeholder OR s.placeholder))";
    if let Some(hold) = dialect.hold(&format!("SELECT o.id {changed}")) {
        execute(connection, &hold).await?;
    }
    let table = "CREATE TEMPORARY TABLE changed_passwords (n {integer}, id {uuid}, password_hash text, \
         password_digest text, set_here {flag}) {on_commit}";
    let rows = format!(
        "INSERT INTO changed_passwords (n, id, password_hash) \
         SELECT row_number() OVER (ORDER BY o.id), o.id, o.password_hash {changed}"
    );
    for sql in [dialect.types(table), rows] {
        execute(connection, &sql).await?;
    }
    digest(connection, "changed_passwords").await?;
    index(connection, "changed_passwords", "id").await
}

const TAKE: [&str; 3] = [
    "UPDATE users SET password_hash = s.password_hash FROM changed_passwords c JOIN staged_users s ON s.id = c.id \
     WHERE users.id = c.id AND NOT c.set_here",
    "UPDATE adopted_users SET password_digest = s.password_digest FROM changed_passwords c \
     JOIN staged_users s ON s.id = c.id WHERE adopted_users.id = c.id AND NOT c.set_here",
    // From now on a change is seen.
    "UPDATE adopted_users SET password_digest = s.password_digest FROM staged_users s \
     WHERE s.id = adopted_users.id AND adopted_users.password_digest IS NULL",
];

/// By hand a password is changed without a date.
const UNCOUNTED: &str = "SELECT count(*) FROM changed_passwords c JOIN adopted_users j ON j.id = c.id \
     JOIN staged_users s ON s.id = c.id WHERE c.set_here AND s.updated_at = j.updated_at";
