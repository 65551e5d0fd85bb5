//! Which environment variable names the database: precedence, warnings, and faults that name their variable.
//!
//! Reading the environment is the caller's: it passes a look-up. The PEM files that a URL names are looked at here.

use super::{DatabaseUrl, DatabaseUrlError, Engine};

/// The variables that may hold the URL; the first that is set wins.
pub const FALLBACK_ORDER: [&str; 3] = ["NEON_DATABASE_URL", "DATABASE_URL", "POSTGRES_URL"];

/// Holds the direct URL of a database whose main URL leads through a pooler.
pub const UNPOOLED_VARIABLE: &str = "DATABASE_URL_UNPOOLED";

/// Holds the URL of a replica of the database, to read from.
pub const READ_VARIABLE: &str = "DATABASE_READ_URL";

/// The example value in the FastAPI backend's settings; it never named a real database and counts as not set.
pub const FASTAPI_PLACEHOLDER: &str = "postgresql://user:password@localhost:5432/todo_db";

/// The URL that won, the variable it came from, and what the operator should know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The variable that was used.
    pub variable: &'static str,
    /// Its value.
    pub url: DatabaseUrl,
    /// One sentence each, without secrets.
    pub warnings: Vec<String>,
}

/// A variable whose value is no usable database URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {fault}")]
pub struct FaultyVariable {
    /// The variable that holds it.
    pub variable: &'static str,
    /// What is wrong with it.
    #[source]
    pub fault: DatabaseUrlError,
}

/// The URL to serve from: [`FALLBACK_ORDER`], where an empty value and [`FASTAPI_PLACEHOLDER`] count as not set.
/// `None` when no variable is set.
///
/// # Errors
/// [`FaultyVariable`] when the variable that wins cannot be read; a later variable is never a way out.
pub fn choose(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Chosen>, FaultyVariable> {
    let mut set =
        FALLBACK_ORDER.into_iter().filter_map(|variable| Some((variable, value_of(&lookup, variable)?)));
    let Some((variable, text)) = set.next() else {
        return Ok(None);
    };
    let url = read(variable, &text)?;
    let mut warnings: Vec<String> = set
        .filter(|(_, other)| DatabaseUrl::parse(other).as_ref() != Ok(&url))
        .map(|(other, _)| format!("{variable} and {other} differ; {variable} is used"))
        .collect();
    warnings.extend(warnings_about(variable, &url));
    Ok(Some(Chosen { variable, url, warnings }))
}

/// The URL to migrate: as [`choose`], but the direct URL of [`UNPOOLED_VARIABLE`] where the main one leads through a
/// pooler or is not set. A direct URL beside a main one that is direct itself is left alone, so that a stale value can
/// never send a migration to a database that nothing serves from.
///
/// # Errors
/// [`FaultyVariable`], as for [`choose`].
pub fn choose_for_migrations(
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Option<Chosen>, FaultyVariable> {
    let served = choose(&lookup)?;
    let Some(text) = value_of(&lookup, UNPOOLED_VARIABLE) else {
        return Ok(served.map(warn_about_pooler));
    };
    let Some(mut served) = served else {
        let url = read(UNPOOLED_VARIABLE, &text)?;
        let warnings = warnings_about(UNPOOLED_VARIABLE, &url);
        return Ok(Some(Chosen { variable: UNPOOLED_VARIABLE, url, warnings }));
    };
    if served.url.is_pooler() {
        let url = read(UNPOOLED_VARIABLE, &text)?;
        served.warnings.extend(warnings_about(UNPOOLED_VARIABLE, &url));
        if database_of(&url) != database_of(&served.url) {
            served
                .warnings
                .push(format!("{UNPOOLED_VARIABLE} names another database than {}", served.variable));
        }
        return Ok(Some(Chosen { variable: UNPOOLED_VARIABLE, url, warnings: served.warnings }));
    }
    if DatabaseUrl::parse(&text).as_ref() != Ok(&served.url) {
        served
            .warnings
            .push(format!("{UNPOOLED_VARIABLE} is not used, because {} leads to no pooler", served.variable));
    }
    Ok(Some(served))
}

/// The URL of the replica that [`READ_VARIABLE`] names, if it is set. Nothing is ever migrated there.
///
/// # Errors
/// [`FaultyVariable`], as for [`choose`].
pub fn choose_replica(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Chosen>, FaultyVariable> {
    let Some(text) = value_of(&lookup, READ_VARIABLE) else {
        return Ok(None);
    };
    let url = read(READ_VARIABLE, &text)?;
    let warnings = warnings_about(READ_VARIABLE, &url);
    Ok(Some(Chosen { variable: READ_VARIABLE, url, warnings }))
}

fn value_of(lookup: &impl Fn(&str) -> Option<String>, variable: &str) -> Option<String> {
    lookup(variable)
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty() && value != FASTAPI_PLACEHOLDER)
}

fn read(variable: &'static str, text: &str) -> Result<DatabaseUrl, FaultyVariable> {
    let url = DatabaseUrl::parse(text).map_err(|fault| FaultyVariable { variable, fault })?;
    url.check_files().map_err(|fault| FaultyVariable { variable, fault })?;
    Ok(url)
}

fn warnings_about(variable: &str, url: &DatabaseUrl) -> Vec<String> {
    let ignored = url.ignored_parameters();
    let mut warnings = Vec::new();
    if !ignored.is_empty() {
        warnings.push(format!("{variable} has parameters without effect: {}", ignored.join(", ")));
    }
    if url.trusts_any_public_certificate() {
        warnings.push(format!(
            "{variable} trusts every public authority for any host (verify-ca without sslrootcert); verify-full is safer"
        ));
    }
    warnings
}

fn warn_about_pooler(mut chosen: Chosen) -> Chosen {
    if chosen.url.is_pooler() {
        let variable = chosen.variable;
        chosen
            .warnings
            .push(format!("{variable} leads through a pooler; set {UNPOOLED_VARIABLE} to migrate directly"));
    }
    chosen
}

fn database_of(url: &DatabaseUrl) -> (Engine, Option<&str>) {
    match url {
        DatabaseUrl::Postgres(postgres) => (Engine::Postgres, Some(postgres.database())),
        DatabaseUrl::Sqlite(_) => (Engine::Sqlite, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Variables = &'static [(&'static str, &'static str)];

    fn from(variables: Variables) -> impl Fn(&str) -> Option<String> {
        |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_first_variable_that_is_set_wins() {
        let cases: [(Variables, Option<&str>, usize); 9] = [
            (&[], None, 0),
            (&[("DATABASE_URL", ""), ("POSTGRES_URL", "  ")], None, 0),
            (&[("DATABASE_URL", FASTAPI_PLACEHOLDER)], None, 0),
            (&[("DATABASE_URL_UNPOOLED", "postgres://u@h/d")], None, 0),
            (&[("POSTGRES_URL", "postgres://u@h/d")], Some("POSTGRES_URL"), 0),
            (
                &[("DATABASE_URL", "postgres://u@h/d"), ("POSTGRES_URL", "postgresql://u@h:5432/d")],
                Some("DATABASE_URL"),
                0,
            ),
            (
                &[("DATABASE_URL", "postgres://u@h/d"), ("NEON_DATABASE_URL", "postgres://u@n/d")],
                Some("NEON_DATABASE_URL"),
                1,
            ),
            (
                &[("DATABASE_URL", "sqlite://x.db"), ("NEON_DATABASE_URL", FASTAPI_PLACEHOLDER)],
                Some("DATABASE_URL"),
                0,
            ),
            (
                &[
                    ("POSTGRES_URL", "x"),
                    ("DATABASE_URL", "y"),
                    ("NEON_DATABASE_URL", "postgres://u@h/d?a=b"),
                ],
                Some("NEON_DATABASE_URL"),
                3,
            ),
        ];
        for (variables, expected, warnings) in cases {
            let chosen = choose(from(variables)).unwrap();
            assert_eq!(chosen.as_ref().map(|chosen| chosen.variable), expected, "{variables:?}");
            assert_eq!(chosen.map_or(0, |chosen| chosen.warnings.len()), warnings, "{variables:?}");
        }
    }

    #[test]
    fn a_fault_names_its_variable_and_not_the_password() {
        let fault = choose(from(&[
            ("NEON_DATABASE_URL", "mysql://u:hunter2@h/d"),
            ("DATABASE_URL", "sqlite://x.db"),
        ]))
        .unwrap_err();
        assert_eq!(fault.variable, "NEON_DATABASE_URL");
        let shown = format!("{fault} {fault:?}");
        assert!(
            shown.starts_with("NEON_DATABASE_URL has an unknown scheme") && !shown.contains("hunter2"),
            "{shown}"
        );
    }

    #[test]
    fn warnings_hold_no_secret() {
        let chosen = choose_for_migrations(from(&[
            ("NEON_DATABASE_URL", "postgres://u:hunter2@a-pooler.x/d?foo=hunter2"),
            ("DATABASE_URL", "postgres://u:hunter2@b/d"),
            ("DATABASE_URL_UNPOOLED", "postgres://u:hunter2@a.x/other"),
        ]));
        let shown = format!("{chosen:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn the_direct_url_is_used_where_the_main_one_leads_through_a_pooler() {
        let cases: [(Variables, Option<&str>, usize); 7] = [
            (&[], None, 0),
            (&[("DATABASE_URL", "postgres://u@a-pooler.x/d")], Some("DATABASE_URL"), 1),
            (
                &[
                    ("DATABASE_URL", "postgres://u@a-pooler.x/d"),
                    ("DATABASE_URL_UNPOOLED", "postgres://u@a.x/d"),
                ],
                Some("DATABASE_URL_UNPOOLED"),
                0,
            ),
            (
                &[
                    ("DATABASE_URL", "postgres://u@a-pooler.x/d"),
                    ("DATABASE_URL_UNPOOLED", "postgres://u@a.x/e"),
                ],
                Some("DATABASE_URL_UNPOOLED"),
                1,
            ),
            (
                &[
                    ("DATABASE_URL", "sqlite://dev.db"),
                    ("DATABASE_URL_UNPOOLED", "postgres://u@production/d"),
                ],
                Some("DATABASE_URL"),
                1,
            ),
            (
                &[("DATABASE_URL", "postgres://u@a/d"), ("DATABASE_URL_UNPOOLED", "postgres://u@a/d")],
                Some("DATABASE_URL"),
                0,
            ),
            (&[("DATABASE_URL_UNPOOLED", "postgres://u@a/d")], Some("DATABASE_URL_UNPOOLED"), 0),
        ];
        for (variables, expected, warnings) in cases {
            let chosen = choose_for_migrations(from(variables)).unwrap();
            assert_eq!(chosen.as_ref().map(|chosen| chosen.variable), expected, "{variables:?}");
            assert_eq!(chosen.map_or(0, |chosen| chosen.warnings.len()), warnings, "{variables:?}");
        }
    }
}
