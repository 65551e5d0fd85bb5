//! The FastAPI backend's databases, made by SQL of our own from the record of its tables: each published form on each
//! engine, with every odd row that has been seen or can be.

use std::collections::BTreeMap;

use migration::{Engine, Form};

use crate::support::{Fixture, postgres, sqlite};

/// Each published shape of its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    A,
    /// By an older library, which left out the lengths.
    AWithoutLengths,
    /// `task` alone.
    Oldest,
    B,
}

/// A database of the FastAPI backend.
pub(crate) struct Old {
    pub(crate) fixture: Fixture,
    pub(crate) shape: Shape,
}

/// Runs an async test on every shape and engine (PostgreSQL where there is one).
macro_rules! on_every_form {
    ($($name:ident),+ $(,)?) => {
        $crate::fastapi::on_every_form!(@ a_on_sqlite sqlite A $($name)+);
        $crate::fastapi::on_every_form!(@ oldest_on_sqlite sqlite Oldest $($name)+);
        $crate::fastapi::on_every_form!(@ b_on_sqlite sqlite B $($name)+);
        $crate::fastapi::on_every_form!(@ a_on_postgres postgres A $($name)+);
        $crate::fastapi::on_every_form!(@ a_without_lengths_on_postgres postgres AWithoutLengths $($name)+);
        $crate::fastapi::on_every_form!(@ oldest_on_postgres postgres Oldest $($name)+);
        $crate::fastapi::on_every_form!(@ b_on_postgres postgres B $($name)+);
    };
    (@ $module:ident $engine:ident $shape:ident $($name:ident)+) => {
        mod $module {
            $(#[tokio::test]
            async fn $name() {
                if let Some(old) = crate::fastapi::Old::$engine(crate::fastapi::Shape::$shape).await {
                    super::$name(old).await;
                }
            })+
        }
    };
}
pub(crate) use on_every_form;

/// The same on the two forms that have accounts.
macro_rules! on_both_forms {
    ($($name:ident),+ $(,)?) => {
        $crate::fastapi::on_every_form!(@ accounts_of_a_on_sqlite sqlite A $($name)+);
        $crate::fastapi::on_every_form!(@ accounts_of_b_on_sqlite sqlite B $($name)+);
        $crate::fastapi::on_every_form!(@ accounts_of_a_on_postgres postgres A $($name)+);
        $crate::fastapi::on_every_form!(@ accounts_of_b_on_postgres postgres B $($name)+);
    };
}
pub(crate) use on_both_forms;

pub(crate) const ANN: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const TWIN: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const ODD: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const NAMELESS: &str = "44444444-4444-4444-8444-44444444abcd";
/// Owns tasks, and has no account.
pub(crate) const ORPHAN: &str = "99999999-9999-4999-8999-99999999abcd";
pub(crate) const BCRYPT: &str = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
/// What a sign-in here makes of any of them.
pub(crate) const UPGRADED: &str = "$argon2id$v=19$upgraded";
pub(crate) const SALTED: &str = "73616c74:8b3f0c0b3e1b9f5d6a7c8e9f00112233445566778899aabbccddeeff00112233";

/// The very first and the very last moment that the backend could store, and some between, with their microseconds.
pub(crate) const FIRST: (&str, i64) = ("0001-01-01 00:00:00.000000", -62_135_596_800_000_000);
pub(crate) const LAST: (&str, i64) = ("9999-12-31 23:59:59.999999", 253_402_300_799_999_999);
pub(crate) const BEFORE_1970: (&str, i64) = ("1969-12-31 23:59:59.999999", -1);
pub(crate) const SPRING: (&str, i64) = ("2024-03-31 02:30:00.000001", 1_711_852_200_000_001);
pub(crate) const SUMMER: (&str, i64) = ("2025-07-01 12:00:00.120000", 1_751_371_200_120_000);

/// A task: id, owner, title and description as SQL, due, rank, completed, created, updated.
pub(crate) type Task<'a> =
    (&'a str, &'a str, &'a str, &'a str, Option<(&'a str, i64)>, usize, bool, (&'a str, i64), (&'a str, i64));

pub(crate) const TASKS: [Task<'static>; 7] = [
    ("a0000000-0000-4000-8000-000000000001", ANN, "'Milch ÖL'", "NULL", None, 0, false, SPRING, SUMMER),
    ("a0000000-0000-4000-8000-000000000002", ANN, "''", "''", Some(FIRST), 1, true, FIRST, FIRST),
    ("a0000000-0000-4000-8000-000000000003", ANN, "'   '", "'ΟΔΟΣ'", Some(LAST), 2, false, LAST, LAST),
    (
        "a0000000-0000-4000-8000-000000000004",
        TWIN,
        "'%_\\''; --'",
        "' x '",
        Some(BEFORE_1970),
        3,
        true,
        BEFORE_1970,
        SUMMER,
    ),
    ("a0000000-0000-4000-8000-000000000005", ORPHAN, "'lost'", "NULL", None, 3, false, SPRING, SPRING),
    (
        "a0000000-0000-4000-8000-000000000006",
        ORPHAN,
        "'lost as well'",
        "'d'",
        Some(SPRING),
        0,
        true,
        SUMMER,
        SUMMER,
    ),
    ("a0000000-0000-4000-8000-00000000abcd", NAMELESS, "'last'", "NULL", None, 2, false, SUMMER, SUMMER),
];

impl Old {
    pub(crate) async fn sqlite(shape: Shape) -> Option<Self> {
        Some(Self::fill(sqlite(), shape).await)
    }

    pub(crate) async fn postgres(shape: Shape) -> Option<Self> {
        Some(Self::fill(postgres("migration: adoption").await?, shape).await)
    }

    async fn fill(fixture: Fixture, shape: Shape) -> Self {
        let old = Self { fixture, shape };
        old.create_tables().await;
        old.insert_people().await;
        for task in TASKS {
            old.insert_task(task).await;
        }
        if old.fixture.engine() == Engine::Sqlite {
            let (id, owner) = (old.id("a0000000-0000-4000-8000-00000000000a"), old.id(ORPHAN));
            let priority = old.priority(3);
            old.execute(&format!(
                "INSERT INTO task (id, user_id, title, description, due_datetime, priority, is_completed, created_at, \
                     updated_at) VALUES ({id}, {owner}, 'nul' || char(0) || 'Led', char(0), '2024-02-29 23:59:59', {priority}, \
                     1, '2024-02-29 23:59:59', '2024-02-29 23:59:59.5')"
            ))
            .await;
        }
        if shape != Shape::A {
            let owner = if old.has_users() { ANN } else { ORPHAN };
            let (id, owner) = (old.id("a0000000-0000-4000-8000-00000000000b"), old.id(owner));
            let (priority, at) = (old.priority(1), old.time(SPRING));
            let title = "Ü".repeat(300);
            old.execute(&format!(
                "INSERT INTO task (id, user_id, title, priority, is_completed, created_at, updated_at) \
                     VALUES ({id}, {owner}, '{title}', {priority}, FALSE, {at}, {at})"
            ))
            .await;
        }
        old
    }

    pub(crate) fn form(&self) -> Form {
        match self.shape {
            Shape::A | Shape::AWithoutLengths => Form::A,
            Shape::Oldest => Form::ATasksOnly,
            Shape::B => Form::B,
        }
    }

    /// B's foreign keys are enforced on PostgreSQL.
    pub(crate) fn lets_orphans_in(&self) -> bool {
        self.shape != Shape::B || self.fixture.engine() == Engine::Sqlite
    }

    pub(crate) fn has_users(&self) -> bool {
        self.shape != Shape::Oldest
    }

    pub(crate) async fn execute(&self, sql: &str) {
        // Its foreign keys on SQLite are declared and not enforced.
        let sql = match self.fixture.engine() {
            Engine::Sqlite => format!("PRAGMA foreign_keys = OFF; {sql}"),
            Engine::Postgres => sql.to_owned(),
        };
        self.fixture.execute(&sql).await.unwrap();
    }

    /// An id as this form spells it.
    pub(crate) fn id(&self, id: &str) -> String {
        if self.shape == Shape::B || self.fixture.engine() == Engine::Sqlite {
            format!("'{}'", id.replace('-', ""))
        } else {
            format!("'{id}'")
        }
    }

    /// A time as this form stores it.
    pub(crate) fn time(&self, (time, _): (&str, i64)) -> String {
        match (self.shape, self.fixture.engine()) {
            (Shape::B, Engine::Postgres) => format!("'{time}+00'"),
            _ => format!("'{time}'"),
        }
    }

    pub(crate) fn priority(&self, rank: usize) -> String {
        let name =
            ["urgent_important", "not_urgent_important", "urgent_not_important", "not_urgent_not_important"]
                [rank];
        if self.shape == Shape::B { format!("'{name}'") } else { format!("'{}'", name.to_uppercase()) }
    }

    pub(crate) async fn insert_task(&self, task: Task<'_>) {
        let (id, owner, title, description, due, rank, completed, created, updated) = task;
        if owner == ORPHAN && !self.lets_orphans_in() {
            return;
        }
        let due = due.map_or("NULL".to_owned(), |due| self.time(due));
        let title = title.replace("\\'", "'");
        self.execute(&format!(
            "INSERT INTO task (title, description, due_datetime, priority, is_completed, id, user_id, created_at, updated_at) \
                 VALUES ({title}, {description}, {due}, {}, {completed}, {}, {}, {}, {})",
            self.priority(rank),
            self.id(id),
            self.id(owner),
            self.time(created),
            self.time(updated),
        ))
        .await;
    }

    /// A new account of the old backend.
    pub(crate) async fn insert_person(&self, id: &str, email: &str) {
        let (id, at) = (self.id(id), self.time(SUMMER));
        let columns = if self.shape == Shape::B {
            format!(
                "(id, email, email_verified, role, banned, created_at, updated_at) \
                     VALUES ({id}, '{email}', FALSE, 'user', FALSE, {at}, {at})"
            )
        } else {
            format!(
                "(id, email, is_active, hashed_password, created_at, updated_at) \
                     VALUES ({id}, '{email}', TRUE, 'h', {at}, {at})"
            )
        };
        self.execute(&format!("INSERT INTO \"user\" {columns}")).await;
    }

    async fn create_tables(&self) {
        if let Some(file) = self.fixture.file() {
            migration::create_sqlite_file(&file).unwrap();
        }
        let sql = match (self.fixture.engine(), self.shape) {
            (Engine::Sqlite, Shape::B) => B_ON_SQLITE.to_owned(),
            (Engine::Sqlite, Shape::Oldest) => A_TASK_ON_SQLITE.to_owned(),
            (Engine::Sqlite, _) => format!("{A_TASK_ON_SQLITE} {A_USER_ON_SQLITE}"),
            (Engine::Postgres, Shape::B) => B_ON_POSTGRES.to_owned(),
            (Engine::Postgres, Shape::A) => format!("{A_TASK_ON_POSTGRES} {A_USER_ON_POSTGRES}"),
            (Engine::Postgres, Shape::AWithoutLengths) => {
                format!("{A_TASK_ON_POSTGRES} {A_USER_ON_POSTGRES}").replace("(255)", "").replace("(100)", "")
            }
            (Engine::Postgres, Shape::Oldest) => A_TASK_ON_POSTGRES.replace("(255)", ""),
        };
        self.execute(&format!("{sql} CREATE TABLE unrelated (a integer); INSERT INTO unrelated VALUES (1)"))
            .await;
    }

    async fn insert_people(&self) {
        match self.form() {
            Form::ATasksOnly => {}
            Form::A => {
                let name = if self.shape == Shape::A { "N".repeat(100) } else { "N".repeat(150) };
                for (id, email, name, active, created) in [
                    (ANN, "Ann@Exämple.org", "'Ann'", "TRUE", SPRING),
                    (TWIN, "ann@exÄmple.org", "NULL", "TRUE", SUMMER),
                    (ODD, "", &format!("'{name}'"), "FALSE", FIRST),
                    (NAMELESS, "no address", "''", "TRUE", LAST),
                ] {
                    let (id, at, updated) = (self.id(id), self.time(created), self.time(LAST));
                    self.execute(&format!(
                        "INSERT INTO \"user\" (email, name, is_active, id, hashed_password, created_at, updated_at) \
                             VALUES ('{email}', {name}, {active}, {id}, '{BCRYPT}', {at}, {updated})"
                    ))
                    .await;
                }
            }
            Form::B => self.insert_people_of_b().await,
        }
    }

    async fn insert_people_of_b(&self) {
        let (spring, summer, last) = (self.time(SPRING), self.time(SUMMER), self.time(LAST));
        let [ann, twin, odd, nameless] = [ANN, TWIN, ODD, NAMELESS].map(|id| self.id(id));
        let columns = "id, email, email_verified, name, image, role, banned, ban_reason, ban_expires, created_at, updated_at";
        self.execute(&format!(
            "INSERT INTO \"user\" ({columns}) VALUES \
             ({ann}, 'Ann@Exämple.org', TRUE, 'Ann', 'https://x/a.png', 'admin', FALSE, NULL, NULL, {spring}, {last}), \
             ({twin}, 'ann@exÄmple.org', FALSE, NULL, NULL, 'user', TRUE, 'spam', {last}, {summer}, {summer}), \
             ({odd}, 'odd@x', FALSE, '{}', NULL, 'user', TRUE, NULL, NULL, {summer}, {summer}), \
             ({nameless}, 'oauth@x', FALSE, '', NULL, 'user', FALSE, 'was lifted', NULL, {summer}, {summer}); \
             INSERT INTO account (id, user_id, account_id, provider_id, access_token, password, created_at, updated_at) VALUES \
             ('acc1', {ann}, {ann}, 'credential', NULL, '{BCRYPT}', {spring}, {spring}), \
             ('acc2', {twin}, {twin}, 'credential', NULL, '{SALTED}', {spring}, {spring}), \
             ('acc3', {odd}, {odd}, 'credential', NULL, '{BCRYPT}', {spring}, {spring}), \
             ('acc4', {ann}, '4711', 'github', 'gho_secret', NULL, {spring}, {summer}), \
             ('acc5', {nameless}, '4712', 'google', 'ya29_secret', NULL, {spring}, {spring}); \
             INSERT INTO session (id, user_id, token, expires_at) VALUES ('s1', {ann}, 'session-secret', {last}); \
             INSERT INTO verification (id, identifier, value, expires_at) VALUES ('v1', 'ann', 'verify-secret', {last})",
            "N".repeat(150)
        ))
        .await;
    }

    /// Every row of the old tables, with the type and the bytes of each value.
    pub(crate) async fn old_state(&self) -> Vec<String> {
        let mut state = Vec::new();
        let tables: &[&str] = match self.form() {
            Form::A => &["user", "task", "unrelated"],
            Form::ATasksOnly => &["task", "unrelated"],
            Form::B => &["user", "task", "account", "session", "verification", "unrelated"],
        };
        for table in tables {
            let sql = match self.fixture.engine() {
                Engine::Postgres => format!("SELECT '{table} ' || t::text FROM \"{table}\" t ORDER BY 1"),
                Engine::Sqlite => {
                    let columns =
                        self.fixture.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
                    let bytes: Vec<String> = columns
                        .iter()
                        .map(|column| {
                            format!("typeof({column}) || coalesce(hex(CAST({column} AS BLOB)), '')")
                        })
                        .collect();
                    format!("SELECT '{table} ' || {} FROM \"{table}\" ORDER BY 1", bytes.join(" || ' ' || "))
                }
            };
            state.extend(self.fixture.texts(&sql).await);
        }
        state
    }

    /// For each column of an old table, the type and the bytes of its value in each row.
    pub(crate) async fn old_columns(&self, table: &str) -> BTreeMap<String, Vec<String>> {
        let names = match self.fixture.engine() {
            Engine::Postgres => format!(
                "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}'"
            ),
            Engine::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
        };
        let mut columns = BTreeMap::new();
        for name in self.fixture.texts(&names).await {
            let value = match self.fixture.engine() {
                Engine::Postgres => format!("coalesce(\"{name}\"::text, 'NULL')"),
                Engine::Sqlite => format!("typeof({name}) || coalesce(hex(CAST({name} AS BLOB)), '')"),
            };
            let sql = format!("SELECT {value} FROM \"{table}\" ORDER BY id");
            columns.insert(name, self.fixture.texts(&sql).await);
        }
        columns
    }

    /// What the old backend verifies a password with.
    pub(crate) async fn old_password(&self, id: &str) -> Vec<String> {
        let id = self.id(id);
        let sql = match self.shape {
            Shape::B => format!(
                "SELECT coalesce(password, 'none') FROM account WHERE user_id = {id} AND provider_id = 'credential' ORDER BY id"
            ),
            _ => format!("SELECT hashed_password FROM \"user\" WHERE id = {id}"),
        };
        self.fixture.texts(&sql).await
    }

    /// As an operator does it, without moving any time.
    pub(crate) async fn set_old_password(&self, id: &str, hash: &str) {
        let id = self.id(id);
        self.execute(&match self.shape {
            Shape::B => format!(
                "UPDATE account SET password = '{hash}' WHERE user_id = {id} AND provider_id = 'credential'"
            ),
            _ => format!("UPDATE \"user\" SET hashed_password = '{hash}' WHERE id = {id}"),
        })
        .await;
    }

    /// A sign-in here with a password, which becomes Argon2id.
    pub(crate) async fn sign_in_with_password(&self, id: &str) {
        let user = self.our_id(id);
        self.fixture
            .execute(&format!(
                "UPDATE users SET password_hash = '{UPGRADED}', last_sign_in_at = {{at:8}} WHERE id = {user}; \
                 DELETE FROM sessions WHERE user_id = {user}; \
                 INSERT INTO sessions (user_id, id, current_jti, generation, key_id, rotated_at, window_started_at, \
                     window_rotations, created_at, last_used_at, idle_expires_at, absolute_expires_at) VALUES \
                 ({user}, {{id:3}}, {{id:4}}, 1, 'k', {{at:1}}, {{at:1}}, 0, {{at:1}}, {{at:1}}, {{at:8}}, {{at:9}})"
            ))
            .await
            .unwrap();
    }

    /// The password hash here.
    pub(crate) async fn our_password(&self, id: &str) -> String {
        let sql = format!("SELECT coalesce(password_hash, 'none') FROM users WHERE id = {}", self.our_id(id));
        self.fixture.texts(&sql).await.remove(0)
    }

    /// The microseconds of a time of ours.
    pub(crate) fn micros(&self, column: &str) -> String {
        match self.fixture.engine() {
            Engine::Postgres => {
                format!("coalesce((extract(epoch FROM {column}) * 1000000)::bigint::text, 'NULL')")
            }
            Engine::Sqlite => format!("coalesce(CAST({column} AS TEXT), 'NULL')"),
        }
    }

    /// An id of ours without hyphens.
    pub(crate) fn hex(&self, column: &str) -> String {
        match self.fixture.engine() {
            Engine::Postgres => format!("replace({column}::text, '-', '')"),
            Engine::Sqlite => format!("lower(hex({column}))"),
        }
    }

    /// An id as a literal of ours.
    pub(crate) fn our_id(&self, id: &str) -> String {
        match self.fixture.engine() {
            Engine::Postgres => format!("'{id}'::uuid"),
            Engine::Sqlite => format!("x'{}'", id.replace('-', "")),
        }
    }
}

const A_TASK_ON_POSTGRES: &str = "CREATE TYPE priorityenum AS ENUM \
     ('URGENT_IMPORTANT', 'NOT_URGENT_IMPORTANT', 'URGENT_NOT_IMPORTANT', 'NOT_URGENT_NOT_IMPORTANT'); \
     CREATE TABLE task (title varchar(255) NOT NULL, description varchar, due_datetime timestamp, \
     priority priorityenum NOT NULL, is_completed boolean NOT NULL, id uuid NOT NULL, user_id uuid NOT NULL, \
     created_at timestamp NOT NULL, updated_at timestamp NOT NULL, PRIMARY KEY (id)); \
     CREATE INDEX ix_task_user_id ON task (user_id);";
const A_USER_ON_POSTGRES: &str = "CREATE TABLE \"user\" (email varchar NOT NULL, name varchar(100), \
     is_active boolean NOT NULL, id uuid NOT NULL, hashed_password varchar NOT NULL, created_at timestamp NOT NULL, \
     updated_at timestamp NOT NULL, PRIMARY KEY (id)); CREATE UNIQUE INDEX ix_user_email ON \"user\" (email);";
const A_TASK_ON_SQLITE: &str = "CREATE TABLE task (title VARCHAR(255) NOT NULL, description VARCHAR, \
     due_datetime DATETIME, priority VARCHAR(24) NOT NULL, is_completed BOOLEAN NOT NULL, id CHAR(32) NOT NULL, \
     user_id CHAR(32) NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, PRIMARY KEY (id)); \
     CREATE INDEX ix_task_user_id ON task (user_id);";
const A_USER_ON_SQLITE: &str = "CREATE TABLE \"user\" (email VARCHAR NOT NULL, name VARCHAR(100), \
     is_active BOOLEAN NOT NULL, id CHAR(32) NOT NULL, hashed_password VARCHAR NOT NULL, created_at DATETIME NOT NULL, \
     updated_at DATETIME NOT NULL, PRIMARY KEY (id)); CREATE UNIQUE INDEX ix_user_email ON \"user\" (email);";
const B_ON_POSTGRES: &str = "CREATE TABLE \"user\" (id text PRIMARY KEY, email text NOT NULL, \
     email_verified boolean NOT NULL, name text, image text, role text NOT NULL, banned boolean NOT NULL, \
     ban_reason text, ban_expires timestamptz, created_at timestamptz NOT NULL DEFAULT now(), \
     updated_at timestamptz NOT NULL DEFAULT now()); CREATE UNIQUE INDEX ix_user_email ON \"user\" (email); \
     CREATE TABLE account (id text PRIMARY KEY, user_id text NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE, \
     account_id text NOT NULL, provider_id text NOT NULL, access_token text, refresh_token text, password text, \
     created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), \
     CONSTRAINT uq_account_provider UNIQUE (provider_id, account_id)); \
     CREATE TABLE session (id text PRIMARY KEY, user_id text NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE, \
     token text NOT NULL UNIQUE, expires_at timestamptz NOT NULL); \
     CREATE TABLE verification (id text PRIMARY KEY, identifier text NOT NULL, value text NOT NULL, \
     expires_at timestamptz NOT NULL); \
     CREATE TABLE task (id text PRIMARY KEY, user_id text NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE, \
     title text NOT NULL, description text, due_datetime timestamptz, priority text NOT NULL, is_completed boolean NOT NULL, \
     created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()); \
     CREATE INDEX ix_task_user_id ON task (user_id);";
const B_ON_SQLITE: &str = "CREATE TABLE \"user\" (id TEXT NOT NULL PRIMARY KEY, email TEXT NOT NULL, \
     email_verified BOOLEAN NOT NULL, name TEXT, image TEXT, role TEXT NOT NULL, banned BOOLEAN NOT NULL, ban_reason TEXT, \
     ban_expires DATETIME, created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, \
     updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL); CREATE UNIQUE INDEX ix_user_email ON \"user\" (email); \
     CREATE TABLE account (id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE, \
     account_id TEXT NOT NULL, provider_id TEXT NOT NULL, access_token TEXT, refresh_token TEXT, password TEXT, \
     created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, \
     UNIQUE (provider_id, account_id)); \
     CREATE TABLE session (id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL REFERENCES \"user\" (id), \
     token TEXT NOT NULL UNIQUE, expires_at DATETIME NOT NULL); \
     CREATE TABLE verification (id TEXT NOT NULL PRIMARY KEY, identifier TEXT NOT NULL, value TEXT NOT NULL, \
     expires_at DATETIME NOT NULL); \
     CREATE TABLE task (id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE, \
     title TEXT NOT NULL, description TEXT, due_datetime DATETIME, priority TEXT NOT NULL, is_completed BOOLEAN NOT NULL, \
     created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL); \
     CREATE INDEX ix_task_user_id ON task (user_id);";
