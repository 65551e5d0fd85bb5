//! The settings of key pairs: what is read, which key signs, and how each fault is told, with all others and before
//! anything is opened.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::{fs, time::Duration};

use holdfast_infrastructure::tokens::{Key, PairAlgorithm};
use holdfast_server::settings::{Faults, KeyCommandSettings, Loaded, SecretSource, Settings, Sources};
use holdfast_testkit::keys::{ED25519, ED25519_PUBLIC, OTHER_ED25519, RSA, RSA_1024, RSA_PKCS1};
use tempfile::TempDir;

const STRONG: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdefcafe5eed0ddba11e";
const PRODUCTION: [(&str, &str); 3] = [
    ("ENVIRONMENT", "production"),
    ("JWT_SECRET", STRONG),
    ("DATABASE_URL", "postgresql://app:hunter2@db.example/app?sslmode=require"),
];

/// A working directory with a key directory in it.
struct Place(TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::create_dir(place.0.path().join("keys")).unwrap();
        for (name, text) in files {
            place.put(name, text, 0o600);
        }
        place
    }

    fn put(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.path().join("keys").join(name);
        fs::write(&path, text).unwrap();
        set_mode(&path, mode);
    }

    fn sources(&self, pairs: &[(&str, &str)]) -> Sources {
        Sources {
            directory: self.0.path().to_owned(),
            environment: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    /// In production, with the key directory and these variables.
    fn load(&self, pairs: &[(&str, &str)]) -> Result<Loaded, Faults> {
        let usual = [PRODUCTION.as_slice(), &[("JWT_KEY_DIRECTORY", "keys")], pairs].concat();
        Settings::load(&self.sources(&usual))
    }

    fn settings(&self, pairs: &[(&str, &str)]) -> Settings {
        let loaded = self.load(pairs).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(warnings(&loaded), [""; 0]);
        loaded.settings
    }
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &std::path::Path, _: u32) {}

/// Those about tokens.
fn warnings(loaded: &Loaded) -> Vec<String> {
    let all = loaded.warnings.iter().map(ToString::to_string);
    all.filter(|warning| warning.starts_with("JWT_") || warning.starts_with("BETTER_AUTH_")).collect()
}

fn id(pem: &str) -> String {
    Key::from_pem(pem.as_bytes()).unwrap().0.id().to_owned()
}

/// The key that signs, and those that verify besides.
fn keys(settings: &Settings) -> (Option<String>, Vec<String>) {
    let ids = |key: &std::sync::Arc<Key>| key.id().to_owned();
    let keys = &settings.auth.keys;
    (keys.signing.as_ref().map(ids), keys.verifying.iter().map(ids).collect())
}

#[test]
fn the_algorithm_picks_the_key_that_signs_and_all_others_verify() {
    let place = Place::new(&[("a.pem", ED25519), ("b.pem", RSA)]);
    for (algorithm, signing, verifying) in [
        ("HS256", None, vec![id(ED25519), id(RSA)]),
        ("", None, vec![id(ED25519), id(RSA)]),
        ("EdDSA", Some(id(ED25519)), vec![id(RSA)]),
        ("RS256", Some(id(RSA)), vec![id(ED25519)]),
    ] {
        let settings = place.settings(&[("JWT_ALGORITHM", algorithm)]);
        assert_eq!(keys(&settings), (signing, verifying), "{algorithm}");
        let text = settings.describe().to_string();
        let shown = if algorithm.is_empty() { "HS256" } else { algorithm };
        assert!(
            text.lines().any(|line| line.starts_with("JWT_ALGORITHM ") && line.contains(shown)),
            "{text}"
        );
        assert!(text.lines().any(|line| line.starts_with("JWT_KEY_DIRECTORY ") && line.contains("keys")));
    }
    let order = format!("{}\n{}\n", id(OTHER_ED25519), id(ED25519));
    let place = Place::new(&[("a.pem", ED25519), ("b.pem", OTHER_ED25519), ("signing-order", &order)]);
    let settings = place.settings(&[("JWT_ALGORITHM", "EdDSA")]);
    assert_eq!(keys(&settings), (Some(id(OTHER_ED25519)), vec![id(ED25519)]));
}

#[test]
fn without_a_directory_rs256_is_hs256_with_a_warning_and_eddsa_a_fault() {
    let place = Place::new(&[]);
    let without = |algorithm| place.load(&[("JWT_KEY_DIRECTORY", " "), ("JWT_ALGORITHM", algorithm)]);
    let loaded = without("RS256").unwrap();
    assert_eq!(keys(&loaded.settings), (None, Vec::new()));
    assert_eq!(
        warnings(&loaded),
        ["JWT_ALGORITHM: is RS256, but JWT_KEY_DIRECTORY is not set: tokens are signed with HS256"]
    );
    let rows = loaded.settings.describe().rows();
    assert!(rows.iter().any(|row| row.value.as_deref() == Some("HS256")), "{rows:?}");
    let faults = without("EdDSA").unwrap_err().to_string();
    assert_eq!(
        faults,
        "JWT_ALGORITHM: is EdDSA, but JWT_KEY_DIRECTORY is not set; \
         expected JWT_KEY_DIRECTORY to name a directory with its keys"
    );
}

#[test]
fn each_fault_of_the_keys_is_told_with_its_variable_and_what_is_expected() {
    let order = format!("{}\n", id(RSA));
    for (algorithm, files, variable, problem, expected) in [
        ("HS256", vec![], "JWT_KEY_DIRECTORY", "holds no *.pem file", "holdfast keys generate"),
        ("EdDSA", vec![("a.pem", "x")], "JWT_KEY_DIRECTORY", "\"a.pem\" is no PEM file", "PKCS#8"),
        ("RS256", vec![("a.pem", RSA_PKCS1)], "JWT_KEY_DIRECTORY", "than PKCS#8", "openssl pkcs8"),
        ("RS256", vec![("a.pem", RSA_1024)], "JWT_KEY_DIRECTORY", "an RSA key of 1024 bits", "2048 to 8192"),
        (
            "EdDSA",
            vec![("a.pem", ED25519), ("b.pem", ED25519_PUBLIC)],
            "JWT_KEY_DIRECTORY",
            "\"a.pem\" and \"b.pem\" hold the same key",
            "each key once",
        ),
        (
            "EdDSA",
            vec![("a.pem", ED25519), ("signing-order", &order)],
            "JWT_KEY_DIRECTORY",
            "line 1 of \"signing-order\" names a key that is not there",
            "kid",
        ),
        (
            "EdDSA",
            vec![("a.pem", RSA)],
            "JWT_ALGORITHM",
            "is EdDSA, but the key directory holds no private EdDSA key",
            "holdfast keys generate --algorithm EdDSA",
        ),
        (
            "EdDSA",
            vec![("a.pem", ED25519_PUBLIC)],
            "JWT_ALGORITHM",
            "holds no private EdDSA key",
            "holdfast keys generate",
        ),
        (
            "EdDSA",
            vec![("a.pem", ED25519), ("b.pem", OTHER_ED25519)],
            "JWT_ALGORITHM",
            "holds several private EdDSA keys",
            "holdfast keys rotate KID",
        ),
    ] {
        let place = Place::new(&files);
        // Without a secret either: what is wrong with a key must not raise a second fault about the secret.
        let secret = if algorithm == "HS256" { STRONG } else { "" };
        let faults = place.load(&[("JWT_ALGORITHM", algorithm), ("JWT_SECRET", secret)]).unwrap_err();
        let text = faults.to_string();
        let (told, told_expected) = text.split_once("; expected ").unwrap_or_else(|| panic!("{text}"));
        assert_eq!(faults.as_slice().len(), 1, "{text}");
        assert!(
            told.starts_with(&format!("{variable}: ")) && told.contains(problem),
            "{text}, not: {problem}"
        );
        assert!(told_expected.contains(expected), "{text}, not: {expected}");
    }
}

#[test]
#[cfg(unix)]
fn a_private_key_that_others_may_read_stops_the_start() {
    let place = Place::new(&[]);
    place.put("a.pem", ED25519, 0o644);
    let faults = place.load(&[("JWT_ALGORITHM", "EdDSA")]).unwrap_err().to_string();
    assert!(faults.starts_with("JWT_KEY_DIRECTORY: "), "{faults}");
    assert!(faults.contains("\"a.pem\" may be read or written by others (mode 0644)"), "{faults}");
    assert!(faults.contains("expected private keys that their owner alone can read (chmod 600)"), "{faults}");
}

#[test]
fn all_faults_of_keys_and_other_settings_come_together_and_show_no_key() {
    let place =
        Place::new(&[("a.pem", "hunter2"), ("b.pem", RSA_1024), ("c.pem", ED25519), ("d.pem", ED25519)]);
    let faults = place.load(&[("PORT", "x"), ("JWT_ALGORITHM", "EdDSA"), ("RATE_LIMIT", "off")]).unwrap_err();
    let text = faults.to_string();
    let variables: Vec<_> = text.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    assert_eq!(
        variables,
        ["PORT", "JWT_KEY_DIRECTORY", "JWT_KEY_DIRECTORY", "JWT_KEY_DIRECTORY", "RATE_LIMIT"],
        "{text}"
    );
    assert!(!text.contains("hunter2") && !text.contains("MC4C") && !text.contains("MII"), "{text}");
    let place = Place::new(&[("a.pem", ED25519), ("b.pem", RSA)]);
    let settings = place.settings(&[("JWT_ALGORITHM", "EdDSA")]);
    let shown = format!("{settings:?} {}", settings.describe());
    // Where a private key stood as bytes or as text, one of these would be there.
    assert!(
        !shown.contains("MC4C") && !shown.contains("48, 46, 2, 1") && !shown.contains("nWGxne"),
        "{shown}"
    );
}

#[test]
fn where_a_key_pair_signs_the_secret_may_be_missing_but_not_weak() {
    let place = Place::new(&[("a.pem", ED25519)]);
    let secret = |pairs: &[(&str, &str)]| {
        let pairs = [&[("JWT_ALGORITHM", "EdDSA")], pairs].concat();
        place.load(&pairs).map(|loaded| loaded.settings.auth.secret)
    };
    assert_eq!(secret(&[("JWT_SECRET", "")]).unwrap(), SecretSource::Unneeded);
    let without = place.load(&[("JWT_ALGORITHM", "EdDSA"), ("JWT_SECRET", "")]).unwrap().settings;
    let rows = without.describe().rows();
    assert!(rows.iter().any(|row| row.variable == "JWT_SECRET" && row.value.is_none()), "{rows:?}");
    assert!(matches!(secret(&[]).unwrap(), SecretSource::Given(_)));
    assert!(secret(&[("JWT_SECRET", "hunter2")]).unwrap_err().to_string().contains("has 7 bytes"));
    // A developer who changes over is not signed out either.
    let local = [("JWT_SECRET", ""), ("ENVIRONMENT", "development")];
    assert!(matches!(secret(&local).unwrap(), SecretSource::Generated { .. }));
    // With HS256 the keys are there, and nothing signs.
    let faults = place.load(&[("JWT_SECRET", "")]).unwrap_err().to_string();
    assert!(faults.starts_with("JWT_SECRET: is not set, and production needs one"), "{faults}");
}

#[test]
fn where_a_key_pair_signs_a_weak_secret_of_the_fastapi_backend_verifies_its_tokens_alone() {
    let place = Place::new(&[("a.pem", ED25519)]);
    let load = |secret| {
        let pairs = [("JWT_ALGORITHM", "EdDSA"), ("JWT_SECRET", ""), ("BETTER_AUTH_SECRET", secret)];
        let loaded = place.load(&pairs).unwrap();
        (warnings(&loaded).len(), loaded.settings.auth)
    };
    let (warnings, auth) = load("hunter2");
    assert_eq!((auth.secret, auth.legacy.secret.is_some(), warnings), (SecretSource::Unneeded, true, 1));
    let (warnings, auth) = load(STRONG);
    assert!(matches!(auth.secret, SecretSource::Given(_)) && auth.legacy.secret.is_some());
    assert_eq!(warnings, 0);
}

#[test]
fn changing_keys_needs_no_other_setting_to_be_right() {
    let place = Place::new(&[]);
    let settings = KeyCommandSettings::load(&place.sources(&[
        ("ENVIRONMENT", "production"),
        ("PORT", "x"),
        ("JWT_ALGORITHM", "EdDSA"),
        ("JWT_KEY_DIRECTORY", "keys"),
        ("REFRESH_TOKEN_IDLE_DAYS", "3"),
        ("REFRESH_REUSE_SECONDS", "60"),
    ]));
    assert_eq!(settings.directory, Some(place.0.path().join("keys")));
    assert_eq!(settings.algorithm, Some(PairAlgorithm::EdDsa));
    assert_eq!(settings.longest_token, Duration::from_hours(72));
    assert_eq!(settings.reuse, Duration::from_mins(1));
    let wrong =
        [("REFRESH_TOKEN_IDLE_DAYS", "x"), ("JWT_EXPIRATION_DELTA_HOURS", "200"), ("JWT_ALGORITHM", "x")];
    let settings = KeyCommandSettings::load(&place.sources(&wrong));
    assert_eq!((settings.directory, settings.algorithm), (None, None));
    assert_eq!(settings.longest_token, Duration::from_hours(200));
    assert_eq!(settings.reuse, Duration::from_secs(30));
    let file = place.0.path().join(".env");
    fs::write(file, "JWT_KEY_DIRECTORY=/etc/holdfast/keys\nJWT_ALGORITHM=RS256\n").unwrap();
    let settings = KeyCommandSettings::load(&place.sources(&[]));
    assert_eq!(settings.directory.unwrap().to_str(), Some("/etc/holdfast/keys"));
    assert_eq!(settings.algorithm, Some(PairAlgorithm::Rs256));
}
