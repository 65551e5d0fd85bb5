//! A fresh database of either engine, and SQL in the dialect that both share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use holdfast_testkit::postgres::{TestDatabase, fresh_database};
use migration::{DatabaseUrl, Engine};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tempfile::TempDir;

/// An empty database that vanishes with this value.
pub(crate) struct Fixture {
    pub(crate) url: DatabaseUrl,
    pub(crate) folder: TempDir,
    _postgres: Option<TestDatabase>,
}

/// Runs an async test on SQLite and on PostgreSQL (where there is one).
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::support::sqlite()).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $name() {
                if let Some(fixture) = crate::support::postgres(concat!("migration: ", stringify!($name))).await {
                    super::$name(fixture).await;
                }
            })+
        }
    };
}
pub(crate) use on_both_engines;

pub(crate) fn sqlite() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/holdfast.db", folder.path().display());
    Fixture { url: DatabaseUrl::parse(&url).unwrap(), folder, _postgres: None }
}

pub(crate) async fn postgres(suite: &str) -> Option<Fixture> {
    let database = fresh_database(suite).await?;
    let folder = tempfile::tempdir().unwrap();
    Some(Fixture { url: DatabaseUrl::parse(database.url()).unwrap(), folder, _postgres: Some(database) })
}

impl Fixture {
    pub(crate) fn engine(&self) -> Engine {
        self.url.engine()
    }

    pub(crate) fn file(&self) -> Option<PathBuf> {
        match &self.url {
            DatabaseUrl::Sqlite(location) => location.path().map(PathBuf::from),
            DatabaseUrl::Postgres(_) => None,
        }
    }

    /// Runs SQL in which `{id:1}` stands for a UUID, `{at:1}` for a time, `{hash}` for a hash, `{digest}` for its digits,
    /// and `{uuid}` and `{time}` for types.
    pub(crate) async fn execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(self.dialect(sql));
        match self.engine() {
            Engine::Postgres => {
                let mut connection = sqlx::PgConnection::connect(&self.url.connect_url()).await?;
                sqlx::raw_sql(sql).execute(&mut connection).await?;
                connection.close().await
            }
            Engine::Sqlite => {
                let mut connection = self.open_file().await?;
                let outcome = sqlx::raw_sql(sql).execute(&mut connection).await;
                connection.close().await?;
                outcome.map(|_| ())
            }
        }
    }

    /// The last one to leave the file copies its log back and syncs it, and holds the file until then. So every connection
    /// here is closed before the next step, and waits for longer than a busy disk takes.
    async fn open_file(&self) -> Result<sqlx::SqliteConnection, sqlx::Error> {
        let options: SqliteConnectOptions = self.url.connect_url().parse()?;
        sqlx::SqliteConnection::connect_with(&options.busy_timeout(Duration::from_mins(1))).await
    }

    /// The first column of every row, which must be text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(self.dialect(sql));
        match self.engine() {
            Engine::Postgres => {
                let mut connection = sqlx::PgConnection::connect(&self.url.connect_url()).await.unwrap();
                let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
            Engine::Sqlite => {
                let mut connection = self.open_file().await.unwrap();
                let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await;
                connection.close().await.unwrap();
                rows.unwrap().iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Every table of the database in order of its name.
    pub(crate) async fn tables(&self) -> Vec<String> {
        self.texts(match self.engine() {
            Engine::Postgres => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            }
            Engine::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1",
        })
        .await
    }

    /// Tables, columns and indexes as the engine describes them.
    pub(crate) async fn schema(&self) -> Vec<String> {
        self.texts(match self.engine() {
            Engine::Postgres => {
                "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' \
                     || coalesce(collation_name, '') FROM information_schema.columns WHERE table_schema = 'public' \
                 UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
                 UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint \
                     WHERE connamespace = 'public'::regnamespace ORDER BY 1"
            }
            Engine::Sqlite => "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1",
        })
        .await
    }

    /// A text that changes with every value in the table.
    pub(crate) async fn checksum(&self, table: &str) -> String {
        let sql = match self.engine() {
            Engine::Postgres => {
                format!(
                    "SELECT count(*) || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
                )
            }
            Engine::Sqlite => {
                let columns = self
                    .texts(&format!("SELECT name FROM pragma_table_info('{}')", table.trim_matches('"')))
                    .await;
                let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
                let row = quoted.join(" || ',' || ");
                format!(
                    "SELECT count(*) || coalesce(group_concat(r, '|'), '') FROM (SELECT {row} AS r FROM {table} ORDER BY 1)"
                )
            }
        };
        self.texts(&sql).await.remove(0)
    }

    /// For each column, a text that changes with every value in it and with the row that it is in.
    pub(crate) async fn column_checksums(&self, table: &str) -> BTreeMap<String, String> {
        let columns = match self.engine() {
            Engine::Postgres => format!(
                "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}'"
            ),
            Engine::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
        };
        let mut checksums = BTreeMap::new();
        let columns = self.texts(&columns).await;
        let keys = ["id", "user_id", "owner_id", "principal", "name"];
        let key = keys.into_iter().find(|key| columns.iter().any(|column| column == key)).unwrap();
        for column in columns {
            let value = match self.engine() {
                Engine::Postgres => format!("{key}::text || coalesce({column}::text, 'NULL')"),
                Engine::Sqlite => format!("quote({key}) || quote({column})"),
            };
            let values = self.texts(&format!("SELECT {value} FROM {table} ORDER BY 1")).await;
            checksums.insert(column, values.join("|"));
        }
        checksums
    }

    fn dialect(&self, sql: &str) -> String {
        let (uuid, time, blob) = match self.engine() {
            Engine::Postgres => ("uuid", "timestamptz", r"'\x"),
            Engine::Sqlite => ("BLOB", "INTEGER", "x'"),
        };
        let digits = "0f".repeat(32);
        let hash = format!("{blob}{digits}'");
        let mut sql = sql.replace("{uuid}", uuid).replace("{time}", time).replace("{hash}", &hash);
        sql = sql.replace("{digest}", &digits);
        for number in 0..10 {
            let (id, at) = match self.engine() {
                Engine::Postgres => (
                    format!("'{number:08}-0000-7000-8000-000000000000'"),
                    format!("to_timestamp({number}.000001)"),
                ),
                Engine::Sqlite => {
                    (format!("x'{number:08}000070008000000000000000'"), format!("{number}000001"))
                }
            };
            sql = sql.replace(&format!("{{id:{number}}}"), &id).replace(&format!("{{at:{number}}}"), &at);
        }
        sql
    }
}

/// Asks again and again, until the answer is yes; no is a failure after two minutes, however slow the machine.
pub(crate) async fn until(mut question: impl AsyncFnMut() -> bool) {
    let answer = async {
        while !question().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), answer).await.expect("it never came to that");
}

/// How many migrations there are.
pub(crate) fn migration_count() -> usize {
    migration::Migrator::planned().len()
}

/// One row in every table that people's data is in, parents first: user 1 with a session, a task, an event, a link,
/// a token that was signed out, a link in a mail, a request that was carried out, a second factor and a recovery code, and
/// user 2 with nothing.
pub(crate) const ROWS: [(&str, &str); 15] = [
    (
        "users",
        "INSERT INTO users (id, email, email_folded, email_claim, name, password_hash, role, is_active, email_verified, \
             image, banned_at, ban_reason, ban_expires_at, created_at, updated_at, last_sign_in_at) VALUES \
         ({id:1}, 'Ärger@x.de', 'ärger@x.de', 'ärger@x.de', 'Ä', '$argon2id$', 'admin', TRUE, FALSE, NULL, {at:5}, \
             'spam', {at:9}, {at:1}, {at:2}, NULL), \
         ({id:2}, 'ÄRGER@x.de', 'ärger@x.de', NULL, NULL, NULL, 'user', FALSE, TRUE, 'i', NULL, NULL, NULL, {at:3}, \
             {at:4}, {at:5})",
    ),
    (
        "sessions",
        "INSERT INTO sessions (user_id, id, current_jti, previous_jti, generation, key_id, rotated_at, \
             window_started_at, window_rotations, created_at, last_used_at, idle_expires_at, absolute_expires_at, \
             revoked_at, revoked_reason, user_agent, ip_prefix, device) VALUES \
         ({id:1}, {id:3}, {id:4}, {id:5}, 2, 'k1', {at:2}, {at:2}, 1, {at:1}, {at:3}, {at:8}, {at:9}, NULL, NULL, \
             'curl', '192.0.2.0/24', NULL)",
    ),
    (
        "tasks",
        "INSERT INTO tasks (owner_id, id, title, title_sort, description, search_text, due_at, priority, is_completed, \
             revision, created_at, updated_at) VALUES \
         ({id:1}, {id:6}, 'Ölwechsel', 'Ölwechsel', NULL, 'ölwechsel', {at:7}, 3, FALSE, 1, {at:1}, {at:2}), \
         ({id:1}, {id:7}, '', '', 'text', ' text', NULL, 0, TRUE, 9007199254740993, {at:1}, {at:2})",
    ),
    (
        "auth_events",
        "INSERT INTO auth_events (user_id, id, kind, at, session_id, ip_prefix, user_agent) VALUES \
         ({id:9}, {id:8}, 'sign_out', {at:4}, {id:3}, '2001:db8::/48', 'curl')",
    ),
    (
        "linked_accounts",
        "INSERT INTO linked_accounts (user_id, id, provider_id, account_id, created_at, updated_at) VALUES \
         ({id:1}, 'l1', 'github', '4711', {at:1}, {at:2})",
    ),
    (
        "denied_tokens",
        "INSERT INTO denied_tokens (user_id, token_hash, expires_at) VALUES ({id:1}, {hash}, {at:9})",
    ),
    (
        "throttles",
        "INSERT INTO throttles (principal, network, failures, since, blocked_until, succeeded_at, expires_at) VALUES \
         ({id:1}, '192.0.2.0/24', 3, 1000001, 2000001, NULL, 9000001), ({id:9}, '*', 0, 1, 1, 1, 9007199254740993)",
    ),
    (
        "one_time_tokens",
        "INSERT INTO one_time_tokens (user_id, id, purpose, token_hash, email, created_at, expires_at, used_at) VALUES \
         ({id:1}, {id:8}, 'change_email', {hash}, 'Ärger@y.de', {at:3}, {at:6}, NULL)",
    ),
    (
        "personal_tokens",
        "INSERT INTO personal_tokens (user_id, id, name, scopes, token_hash, created_at, expires_at, last_used_at) VALUES \
         ({id:1}, {id:8}, 'Ölwechsel', 'tasks:read', {hash}, {at:1}, {at:9}, NULL), \
         ({id:2}, {id:8}, 'b', 'tasks:read tasks:write', {hash}, {at:1}, {at:9}, {at:2})",
    ),
    (
        "idempotency_keys",
        "INSERT INTO idempotency_keys (owner_id, key, fingerprint, status, location, etag, body, created_at) VALUES \
         ({id:1}, 'k', {hash}, 201, '/tasks/6', NULL, {hash}, {at:1})",
    ),
    (
        "second_factors",
        "INSERT INTO second_factors (user_id, key_id, ciphertext, created_at, confirmed_at, last_step) VALUES \
         ({id:1}, 'k1', {hash}, {at:1}, {at:2}, 9007199254740993)",
    ),
    ("recovery_codes", "INSERT INTO recovery_codes (user_id, code_hash) VALUES ({id:1}, {hash})"),
    ("leases", "INSERT INTO leases (name, holder, expires_at) VALUES ('sweep', {id:1}, {at:9})"),
    (
        "adopted_users",
        "INSERT INTO adopted_users (id, placeholder, updated_at, password_digest, clashing_email) VALUES \
         ({id:1}, FALSE, {at:1}, '{digest}', 'ärger@y'), ({id:2}, TRUE, {at:4}, NULL, NULL)",
    ),
    (
        "adopted_tasks",
        "INSERT INTO adopted_tasks (owner_id, id, revision, updated_at) VALUES ({id:1}, {id:6}, 9007199254740993, {at:2})",
    ),
];

/// The record of an adoption. While it is there, what it stands for is not given up without the old tables.
pub(crate) const ADOPTION: (&str, &str) = (
    "adoptions",
    "INSERT INTO adoptions (id, form, adopted_at, delta_at, users, tasks, links, placeholders) VALUES \
     (1, 'b', {at:1}, {at:2}, 3, 4, 5, 6)",
);
