//! Which database is served and how connections to it are kept. The URL forms and their precedence
//! are the migration crate's; connecting is the infrastructure crate's.

use std::path::Path;
use std::time::Duration;

use migration::database_url::{
    self, Chosen, DEVELOPMENT_DEFAULT, DatabaseUrl, Engine, FALLBACK_ORDER, FASTAPI_PLACEHOLDER,
    FaultyVariable, READ_VARIABLE, UNPOOLED_VARIABLE,
};
use migration::fastapi_file;
use validator::Validate;

use super::describe::Effective;
use super::environment::Environment;
use super::read_url;
use super::reader::Reader;

/// The database and the connections to it.
#[derive(Debug, Clone, Validate)]
pub struct DatabaseSettings {
    /// What is served.
    pub url: DatabaseUrl,
    /// What migrations run on: the same database, without a pooler in between where one is known.
    pub migration_url: DatabaseUrl,
    /// A replica that lists may be read from.
    pub read_url: Option<DatabaseUrl>,
    /// Connections at most, and as many to the replica, 1–1000.
    #[validate(range(min = 1, max = 1000, code = "DATABASE_POOL_SIZE"))]
    pub pool_size: u32,
    /// Prepared statements per connection, 0–10000.
    #[validate(range(max = 10_000, code = "DATABASE_STATEMENT_CACHE"))]
    pub statement_cache: u32,
    /// Seconds, 1–60.
    #[validate(range(min = 1, max = 60, code = "DATABASE_WAKE_TIMEOUT"))]
    pub wake_timeout_seconds: u32,
    /// Whether `serve` migrates and adopts on PostgreSQL, too.
    pub migrate_on_start: bool,
    /// Whether SQLite is accepted under production's rules.
    pub allow_sqlite_in_production: bool,
    url_variable: &'static str,
    migration_url_variable: &'static str,
}

impl DatabaseSettings {
    pub(super) fn read(reader: &mut Reader, directory: &Path, environment: Environment) -> Self {
        let allow_sqlite_in_production = reader.boolean("ALLOW_SQLITE_IN_PRODUCTION");
        let chosen = urls(reader, directory, environment);
        if let Some((served, migrated)) = &chosen {
            let other = (served.0 != migrated.0).then_some(migrated);
            for (variable, url) in std::iter::once(served).chain(other) {
                if is_in_memory(url) {
                    let problem = "is a database in memory, which would be gone with its connection";
                    reader.fault_expecting(variable, problem, "a file, as in sqlite://data/holdfast.db");
                } else if environment.is_strict()
                    && let Some(text) = url.production_fault(allow_sqlite_in_production)
                {
                    report(reader, variable, text);
                }
            }
        }
        let read_url = read_url::read(reader, chosen.as_ref().map(|(served, _)| served), environment);
        let default = || ("DATABASE_URL", development_default());
        let ((url_variable, url), (migration_url_variable, migration_url)) =
            chosen.unwrap_or_else(|| (default(), default()));
        let section = Self {
            url,
            migration_url,
            read_url,
            pool_size: reader.number("DATABASE_POOL_SIZE"),
            statement_cache: reader.number("DATABASE_STATEMENT_CACHE"),
            wake_timeout_seconds: reader.seconds("DATABASE_WAKE_TIMEOUT"),
            migrate_on_start: reader.boolean("MIGRATE_ON_START"),
            allow_sqlite_in_production,
            url_variable,
            migration_url_variable,
        };
        reader.check(&section);
        section
    }

    /// How long connecting may take in all while there is no live connection.
    pub fn wake_timeout(&self) -> Duration {
        Duration::from_secs(self.wake_timeout_seconds.into())
    }

    /// The variable that names a PostgreSQL database, if one does.
    pub(super) fn postgres_variable(&self) -> Option<&'static str> {
        match self.url.engine() {
            Engine::Postgres => Some(self.url_variable),
            Engine::Sqlite => None,
        }
    }

    pub(super) fn effective(&self) -> Effective {
        let Self {
            url,
            migration_url,
            read_url,
            pool_size,
            statement_cache,
            wake_timeout_seconds,
            migrate_on_start,
            allow_sqlite_in_production,
            url_variable,
            migration_url_variable,
        } = self;
        let served = |name| (*url_variable == name).then(|| url.redacted());
        let unpooled = (*migration_url_variable == UNPOOLED_VARIABLE).then(|| migration_url.redacted());
        let mut rows: Effective = FALLBACK_ORDER.into_iter().map(|name| (name, served(name))).collect();
        rows.extend([
            (UNPOOLED_VARIABLE, unpooled),
            (READ_VARIABLE, read_url.as_ref().map(DatabaseUrl::redacted)),
            ("DATABASE_POOL_SIZE", Some(pool_size.to_string())),
            ("DATABASE_STATEMENT_CACHE", Some(statement_cache.to_string())),
            ("DATABASE_WAKE_TIMEOUT", Some(wake_timeout_seconds.to_string())),
            ("MIGRATE_ON_START", Some(migrate_on_start.to_string())),
            ("ALLOW_SQLITE_IN_PRODUCTION", Some(allow_sqlite_in_production.to_string())),
        ]);
        rows
    }
}

pub(super) type Named = (&'static str, DatabaseUrl);

/// The URL to serve and the one to migrate, each with its variable; `None` where none is set, or where
/// one is wrong.
fn urls(reader: &mut Reader, directory: &Path, environment: Environment) -> Option<(Named, Named)> {
    for name in FALLBACK_ORDER {
        if reader.set(name).is_some_and(|entry| entry.value == FASTAPI_PLACEHOLDER) {
            reader.warn(name, "holds the FastAPI backend's placeholder and counts as not set");
        }
    }
    let lookup = |reader: &Reader, name: &str| reader.set(name).map(|entry| entry.value.clone());
    let served = match database_url::choose(|name| lookup(reader, name)) {
        Ok(Some(Chosen { variable, url, warnings: _ })) => (variable, url),
        Ok(None) => {
            nothing_set(reader, directory, environment);
            return None;
        }
        Err(faulty) => {
            report_faulty(reader, &faulty);
            return None;
        }
    };
    // This choice repeats the warnings of the one above.
    match database_url::choose_for_migrations(|name| lookup(reader, name)) {
        Ok(Some(Chosen { variable, url, warnings })) => {
            pass_on(reader, warnings);
            Some((served, (variable, url)))
        }
        Ok(None) => Some((served.clone(), served)),
        Err(faulty) => {
            report_faulty(reader, &faulty);
            Some((served.clone(), served))
        }
    }
}

fn is_in_memory(url: &DatabaseUrl) -> bool {
    match url {
        DatabaseUrl::Postgres(_) => false,
        DatabaseUrl::Sqlite(location) => location.path().is_none(),
    }
}

#[expect(clippy::expect_used, reason = "a constant, parsed in every test that loads settings")]
fn development_default() -> DatabaseUrl {
    DatabaseUrl::parse(DEVELOPMENT_DEFAULT).expect("the development default is a database URL")
}

/// Each warning begins with the variable it is about.
pub(super) fn pass_on(reader: &mut Reader, warnings: Vec<String>) {
    for warning in warnings {
        match warning.split_once(' ') {
            Some((variable, message)) => reader.warn(variable, message),
            None => reader.warn("DATABASE_URL", warning),
        }
    }
}

pub(super) fn report_faulty(reader: &mut Reader, FaultyVariable { variable, fault }: &FaultyVariable) {
    report(reader, variable, &fault.to_string());
}

/// The migration crate tells a fault and its expectation in one sentence.
pub(super) fn report(reader: &mut Reader, variable: &str, text: &str) {
    match text.split_once("; expected ") {
        Some((problem, expected)) => reader.fault_expecting(variable, problem, expected),
        None => reader.fault(variable, text),
    }
}

/// No URL: a fault under production's rules, and wherever the FastAPI backend left its own file, so that
/// nobody finds an empty account.
fn nothing_set(reader: &mut Reader, directory: &Path, environment: Environment) {
    const NAME: &str = "DATABASE_URL";
    if reader.set(UNPOOLED_VARIABLE).is_some() {
        reader.warn(UNPOOLED_VARIABLE, "has no effect alone: it goes with DATABASE_URL");
    }
    if FALLBACK_ORDER.into_iter().any(|name| reader.is_unread(name)) {
        return;
    }
    match fastapi_file::has_its_tables(&directory.join(fastapi_file::FILE_NAME)) {
        Ok(true) => reader.fault_expecting(
            NAME,
            "is not set, and ./app.db holds the FastAPI backend's tables",
            "DATABASE_URL=sqlite://app.db to go on with them, or the URL of another database",
        ),
        Ok(false) if environment.is_strict() => {
            reader.fault(NAME, format!("is not set, and {} needs one", environment.as_str()));
        }
        Ok(false) => {}
        Err(error) => {
            let problem = format!("is not set, and ./app.db cannot be read ({})", error.kind());
            reader.fault(NAME, problem);
        }
    }
}
