//! `DATABASE_READ_URL`: what it may be beside the URL of the database, and how the rest is told.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail by panicking, in its functions as in its body"
)]

use std::collections::BTreeMap;

use holdfast_server::settings::{Faults, Loaded, Settings, Sources};
use migration::DatabaseUrl;
use tempfile::TempDir;

const PRIMARY: &str = "postgresql://app:hunter2@db.example/app?sslmode=require";
const REPLICA: &str = "postgresql://app:hunter2@replica.example/app?sslmode=require";

fn load(pairs: &[(&str, &str)]) -> Result<Loaded, Faults> {
    let directory = TempDir::new().unwrap().path().to_owned();
    let environment: BTreeMap<_, _> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::load(&Sources { directory, environment })
}

/// Beside this database: the URL that takes effect, and the warnings about it.
fn beside(database: &str, replica: &str) -> (Option<String>, Vec<String>) {
    let Loaded { settings, warnings } =
        load(&[("ENVIRONMENT", "development"), ("DATABASE_URL", database), ("DATABASE_READ_URL", replica)])
            .unwrap_or_else(|faults| panic!("{faults}"));
    let shown = settings.describe().to_string();
    let row = shown.lines().find(|line| line.starts_with("DATABASE_READ_URL ")).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    let url = settings.database.read_url.as_ref().map(DatabaseUrl::redacted);
    assert_eq!(row.split_whitespace().nth(1), Some(url.as_deref().unwrap_or("-")));
    let about_it = |warning: &String| warning.starts_with("DATABASE_READ_URL");
    (url, warnings.iter().map(ToString::to_string).filter(about_it).collect())
}

#[test]
fn a_replica_of_the_same_database_is_taken_without_a_word() {
    assert_eq!(beside(PRIMARY, REPLICA), (Some("postgres://replica.example:5432/app".to_owned()), vec![]));
    assert_eq!(beside(PRIMARY, ""), (None, vec![]));
}

#[test]
fn what_is_taken_and_may_be_a_mistake_is_told() {
    let (url, warnings) = beside(PRIMARY, PRIMARY);
    assert_eq!(url, None);
    assert!(warnings.len() == 1 && warnings[0].contains("is the same as DATABASE_URL, and has no effect"));
    let (url, warnings) = beside(PRIMARY, "postgresql://app:hunter2@replica.example/other?sslmode=require");
    assert!(url.is_some());
    assert!(warnings.len() == 1 && warnings[0].contains("names another database than DATABASE_URL"));
}

#[test]
fn what_cannot_be_a_replica_is_a_fault() {
    let sqlite = "sqlite://data/app.db";
    let clear_text = "postgresql://app:hunter2@replica.example/app";
    let cases: [(&str, Option<&str>, &str, &str); 7] = [
        (
            "development",
            Some(sqlite),
            REPLICA,
            "and DATABASE_URL leads to a SQLite file, which has no replicas",
        ),
        ("development", None, REPLICA, "and the database is a SQLite file, which has no replicas"),
        ("development", Some(PRIMARY), sqlite, "leads to a SQLite file, which is nobody's replica"),
        ("development", Some(sqlite), sqlite, "leads to a SQLite file, which is nobody's replica"),
        ("development", Some(PRIMARY), "nonsense", "is not a URL"),
        ("production", Some(PRIMARY), clear_text, "allows a connection without TLS"),
        ("staging", Some(PRIMARY), clear_text, "allows a connection without TLS"),
    ];
    for (environment, database, replica, problem) in cases {
        let database = database.map(|url| ("DATABASE_URL", url));
        let pairs: Vec<_> = [("ENVIRONMENT", environment), ("DATABASE_READ_URL", replica)]
            .into_iter()
            .chain(database)
            .collect();
        let faults = load(&pairs).unwrap_err().to_string();
        let about_it: Vec<_> = faults.lines().filter(|line| line.contains("DATABASE_READ_URL: ")).collect();
        assert!(about_it.len() == 1 && about_it[0].contains(problem), "{faults}");
        assert!(!faults.contains("hunter2"), "{faults}");
    }
}

#[test]
fn a_fault_of_the_main_url_is_told_once() {
    for (environment, database) in [("development", "nonsense"), ("production", "")] {
        let pairs =
            [("ENVIRONMENT", environment), ("DATABASE_URL", database), ("DATABASE_READ_URL", REPLICA)];
        let faults = load(&pairs).unwrap_err().to_string();
        assert!(faults.contains("DATABASE_URL: "), "{faults}");
        assert!(!faults.contains("DATABASE_READ_URL: "), "{faults}");
    }
}
