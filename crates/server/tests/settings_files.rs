//! Secrets in files of their own: what is taken from them, which source wins, and what is told of them. What is refused is a table
//! of its own, in `malformed`.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail by panicking, in its functions as in its body"
)]

use std::{fs, os::unix::fs::PermissionsExt};

use holdfast_server::settings::{Loaded, SecretSource, Settings, Sources};
use tempfile::TempDir;

const ONE: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdefcafe5eed0ddba11e";
const OTHER: &str = "9f1e2d3c4b5a69788796a5b4c3d2e1f90123456789abcdefcafe5eed0ddba119";

struct Place(TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self(TempDir::new().unwrap());
        for (name, text) in files {
            let path = place.0.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        place
    }

    fn load(&self, pairs: &[(&str, &str)]) -> Loaded {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources { directory: self.0.path().to_owned(), environment: pairs.collect() };
        Settings::load(&sources).unwrap_or_else(|faults| panic!("{faults}"))
    }
}

fn secret(settings: &Settings) -> String {
    match &settings.auth.secret {
        SecretSource::Given(secret) => String::from_utf8(secret.expose().to_vec()).unwrap(),
        SecretSource::Generated { .. } | SecretSource::Unneeded => panic!("no secret was given"),
    }
}

fn source(settings: &Settings, variable: &str) -> String {
    let row = settings.describe().rows().iter().find(|row| row.variable == variable).unwrap();
    assert!(!row.value.as_deref().unwrap_or_default().contains(ONE), "{row:?}");
    row.source.clone()
}

#[test]
fn a_file_stands_for_its_variable_whatever_line_break_ends_it() {
    for text in [ONE.to_owned(), format!("{ONE}\n"), format!("{ONE}\r\n")] {
        let place = Place::new(&[("jwt", &text)]);
        let Loaded { settings, warnings } = place.load(&[("JWT_SECRET_FILE", "jwt")]);
        assert_eq!(
            (secret(&settings), source(&settings, "JWT_SECRET")),
            (ONE.to_owned(), "file jwt".to_owned())
        );
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let place =
        Place::new(&[("old", &format!("{ONE},{OTHER}\n")), ("url", "sqlite://kept.db\n"), ("now", ONE)]);
    let absolute = place.0.path().join("now");
    let pairs = [
        ("PASSWORD_PEPPER_FILE", absolute.to_str().unwrap()),
        ("JWT_PREVIOUS_SECRETS_FILE", "./old"),
        ("POSTGRES_URL_FILE", "./url"),
    ];
    let settings = place.load(&pairs).settings;
    assert_eq!(settings.auth.previous_secrets.len(), 2);
    assert_eq!(settings.passwords.pepper.as_ref().unwrap().expose(), ONE.as_bytes());
    assert_eq!(source(&settings, "PASSWORD_PEPPER"), format!("file {}", absolute.display()));
    assert_eq!(settings.database.url.redacted(), "sqlite://kept.db");
}

#[test]
fn of_two_sources_the_higher_one_holds_whichever_way_it_says_it() {
    let place = Place::new(&[
        (".env", "JWT_SECRET_FILE=./jwt\n"),
        (".env.local", "MAIL_FROM=a@example.com\n"),
        ("jwt", ONE),
    ]);
    assert_eq!(source(&place.load(&[]).settings, "JWT_SECRET"), "file ./jwt");
    let settings = place.load(&[("JWT_SECRET", OTHER)]).settings;
    assert_eq!(
        (secret(&settings), source(&settings, "JWT_SECRET")),
        (OTHER.to_owned(), "environment".to_owned())
    );
    // Present but empty is missing.
    assert_eq!(secret(&place.load(&[("JWT_SECRET", " "), ("JWT_SECRET_FILE", "")]).settings), ONE);

    let place = Place::new(&[(".env", &format!("JWT_SECRET={OTHER}\n")), ("jwt", ONE)]);
    assert_eq!(secret(&place.load(&[("JWT_SECRET_FILE", "jwt")]).settings), ONE);
    // A file that is not used need not be there.
    let place = Place::new(&[(".env", "JWT_SECRET_FILE=./no-such\n")]);
    assert_eq!(secret(&place.load(&[("JWT_SECRET", OTHER)]).settings), OTHER);
}

#[test]
fn a_file_that_everybody_may_read_is_warned_of_in_production_and_others_have_no_such_file() {
    let place = Place::new(&[("jwt", ONE)]);
    let path = place.0.path().join("jwt");
    let told = |mode: u32, environment: &str| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let pairs = [
            ("ENVIRONMENT", environment),
            ("JWT_SECRET_FILE", "jwt"),
            ("DATABASE_URL", "sqlite://x.db"),
            ("ALLOW_SQLITE_IN_PRODUCTION", "true"),
        ];
        let warnings = place.load(&pairs).warnings.into_iter();
        let warnings = warnings.filter(|warning| warning.variable.contains("JWT_SECRET"));
        warnings.map(|warning| warning.to_string()).collect::<Vec<_>>()
    };
    for mode in [0o400, 0o600, 0o440, 0o640] {
        assert_eq!(told(mode, "production"), Vec::<String>::new(), "{mode:o}");
    }
    for environment in ["production", "staging"] {
        let warnings = told(0o644, environment);
        let expected =
            "JWT_SECRET_FILE: \"jwt\" may be read or written by everybody on this machine (mode 0644)";
        assert!(warnings.len() == 1 && warnings[0].starts_with(expected), "{warnings:?}");
    }
    assert_eq!(told(0o644, "development"), Vec::<String>::new());

    let warnings = place.load(&[("JWT_SECRET_FILE", "jwt"), ("JWT_ISSUER_FILE", "jwt")]).warnings;
    assert!(warnings.iter().any(|warning| warning.variable == "JWT_ISSUER_FILE"), "{warnings:?}");
}
