//! SQLite locations, in the spellings of sqlx (`sqlite:///abs`, `sqlite://rel`) and of `SQLAlchemy` (`sqlite:///./rel`).
//!
//! Creating the file is not done here.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::DatabaseUrlError;

/// What would end the path of a URL early, or be decoded by its reader.
const PATH_ESCAPES: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'?');

/// Where an embedded database lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqliteLocation {
    /// A file, absolute or relative to the working directory.
    File(PathBuf),
    /// Lost when its last connection closes; for tests only.
    Memory,
}

impl SqliteLocation {
    /// `rest` is what follows `sqlite:`. As in sqlx three slashes begin an absolute path, except that `sqlite:///./x`
    /// and `sqlite:///../x`, which cannot be meant as absolute, are relative as in `SQLAlchemy`.
    pub(super) fn parse(rest: &str) -> Result<Self, DatabaseUrlError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if opens_in_memory(path, query)? {
            return Ok(Self::Memory);
        }
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.starts_with("/./") || path.starts_with("/../") {
            return Self::file(&path[1..]);
        }
        Self::file(path)
    }

    /// `SQLAlchemy`'s rule for URLs that name a Python driver: three slashes are relative, four are absolute.
    pub(super) fn parse_sqlalchemy(rest: &str) -> Result<Self, DatabaseUrlError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if opens_in_memory(path, query)? {
            return Ok(Self::Memory);
        }
        let path = path.strip_prefix("//").unwrap_or(path);
        Self::file(path.strip_prefix('/').unwrap_or(path))
    }

    fn file(path: &str) -> Result<Self, DatabaseUrlError> {
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| DatabaseUrlError::NotAUrl)?;
        // Four slashes, `SQLAlchemy`'s absolute form, leave two.
        let decoded = match decoded.strip_prefix("//") {
            Some(absolute) => format!("/{}", absolute.trim_start_matches('/')),
            None => decoded.into_owned(),
        };
        if decoded.is_empty() || decoded.ends_with('/') {
            return Err(DatabaseUrlError::NoFile);
        }
        Ok(Self::File(PathBuf::from(decoded)))
    }

    /// The file; `None` for a database in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory => None,
        }
    }

    pub(super) fn connect_url(&self) -> String {
        match self {
            Self::File(path) => {
                let path = path.to_string_lossy();
                format!("sqlite://{}?mode=rwc", utf8_percent_encode(&path, PATH_ESCAPES))
            }
            Self::Memory => "sqlite::memory:".to_owned(),
        }
    }
}

impl fmt::Display for SqliteLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "sqlite://{}", path.display()),
            Self::Memory => formatter.write_str("sqlite::memory:"),
        }
    }
}

fn opens_in_memory(path: &str, query: &str) -> Result<bool, DatabaseUrlError> {
    let mode = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "mode");
    match mode.as_ref().map(|(_, value)| value.as_ref()) {
        Some("memory") => Ok(true),
        Some("ro") => Err(DatabaseUrlError::ReadOnly),
        _ => Ok(matches!(path, ":memory:" | "//" | "//:memory:" | "///:memory:")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::DatabaseUrl;
    use super::*;

    #[test]
    fn every_spelling_of_a_file_leads_to_the_same_place_as_in_the_library_it_comes_from() {
        for (text, expected) in [
            ("sqlite://data/holdfast.db", "data/holdfast.db"),
            ("sqlite://./data/holdfast.db", "./data/holdfast.db"),
            ("sqlite:data/holdfast.db", "data/holdfast.db"),
            ("sqlite:/var/lib/holdfast.db", "/var/lib/holdfast.db"),
            ("sqlite:///var/lib/holdfast.db", "/var/lib/holdfast.db"),
            ("sqlite:////var/lib/holdfast.db", "/var/lib/holdfast.db"),
            ("sqlite:///./app.db", "./app.db"),
            ("sqlite:///../app.db", "../app.db"),
            ("sqlite+aiosqlite:///./app.db", "./app.db"),
            ("sqlite+aiosqlite:///app.db", "app.db"),
            ("sqlite+aiosqlite:////srv/app.db", "/srv/app.db"),
            ("sqlite+pysqlite:///app.db", "app.db"),
            ("SQLite://data/x.db?mode=rwc&cache=private", "data/x.db"),
            ("sqlite://a%20b/c%3Fd.db", "a b/c?d.db"),
        ] {
            let expected = DatabaseUrl::Sqlite(SqliteLocation::File(expected.into()));
            assert_eq!(DatabaseUrl::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_database_in_memory_is_recognised_in_every_spelling() {
        for text in [
            "sqlite::memory:",
            "sqlite://",
            "sqlite://:memory:",
            "sqlite:///:memory:",
            "sqlite+aiosqlite:///:memory:",
            "sqlite://x?mode=memory&cache=shared",
        ] {
            assert_eq!(DatabaseUrl::parse(text), Ok(DatabaseUrl::Sqlite(SqliteLocation::Memory)), "{text}");
        }
    }

    #[test]
    fn locations_that_cannot_work_are_refused() {
        for (text, expected) in [
            ("sqlite:", DatabaseUrlError::NoFile),
            ("sqlite:///", DatabaseUrlError::NoFile),
            ("sqlite://data/", DatabaseUrlError::NoFile),
            ("sqlite://x.db?mode=ro", DatabaseUrlError::ReadOnly),
            ("sqlite://%FF.db", DatabaseUrlError::NotAUrl),
        ] {
            assert_eq!(DatabaseUrl::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn the_connect_url_survives_another_reading() {
        for text in ["sqlite://data/holdfast.db", "sqlite:///srv/a b?c#d%.db", "sqlite::memory:"] {
            let first = DatabaseUrl::parse(&text.replace('%', "%25").replace('?', "%3F")).unwrap();
            assert_eq!(DatabaseUrl::parse(&first.connect_url()), Ok(first), "{text}");
        }
    }
}
