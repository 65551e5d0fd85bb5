//! Tables of URLs as they are found in the field, and what each must mean.

use super::super::{DatabaseUrl, DatabaseUrlError};
use super::SslMode;

fn parsed(text: &str) -> DatabaseUrl {
    DatabaseUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_scheme_is_normalised_for_sqlx() {
    for (text, expected) in [
        ("postgres://u:p@h/d", "postgres://u:p@h:5432/d?sslmode=prefer"),
        ("postgresql://u:p@h:6000/d", "postgres://u:p@h:6000/d?sslmode=prefer"),
        ("postgresql+asyncpg://u:p@h/d?ssl=require", "postgres://u:p@h:5432/d?sslmode=require"),
        ("postgresql+psycopg2://u:p@h/d", "postgres://u:p@h:5432/d?sslmode=prefer"),
        ("POSTGRESQL://u:p@h/d", "postgres://u:p@h:5432/d?sslmode=prefer"),
        ("  postgres://u@h/d\n", "postgres://u@h:5432/d?sslmode=prefer"),
        ("postgres://u:p%40ss%2F@h/d", "postgres://u:p%40ss%2F@h:5432/d?sslmode=prefer"),
        ("postgres://u:p@ss@h/d", "postgres://u:p%40ss@h:5432/d?sslmode=prefer"),
        ("postgres://u@h", "postgres://u@h:5432/u?sslmode=prefer"),
        ("postgres:///d", "postgres://localhost:5432/d?sslmode=prefer"),
        ("postgres://:6000/d", "postgres://localhost:6000/d?sslmode=prefer"),
        ("postgres://u:p@/d", "postgres://u:p@localhost:5432/d?sslmode=prefer"),
        ("postgres://u:p@/d?host=/var/run", "postgres://u:p@%2Fvar%2Frun:5432/d?sslmode=disable"),
        ("postgres://u:p@:6000?dbname=d&host=h", "postgres://u:p@h:6000/d?sslmode=prefer"),
        ("postgres://u@[::1]:5433/d", "postgres://u@[::1]:5433/d?sslmode=prefer&host=%3A%3A1"),
        ("postgres://u@%2Fvar%2Frun/d", "postgres://u@%2Fvar%2Frun:5432/d?sslmode=disable"),
        ("postgres:///d?host=/var/run&user=u&port=7", "postgres://u@%2Fvar%2Frun:7/d?sslmode=disable"),
        (
            "postgresql://u:p@ep-x.eu.aws.neon.tech/d?sslmode=require&channel_binding=require",
            "postgres://u:p@ep-x.eu.aws.neon.tech:5432/d?sslmode=require",
        ),
        ("postgres://u@h/d?channel_binding=require", "postgres://u@h:5432/d?sslmode=require"),
        ("postgres://u@h/d?channel_binding=prefer", "postgres://u@h:5432/d?sslmode=prefer"),
        ("postgres://u@h/d?sslmode=disable", "postgres://u@h:5432/d?sslmode=disable"),
        ("postgres://u@h/d?sslmode=allow", "postgres://u@h:5432/d?sslmode=prefer"),
        ("postgres://u@h/d?sslrootcert=system", "postgres://u@h:5432/d?sslmode=verify-full"),
        (
            "postgres://u@h/d?sslmode=require&sslrootcert=/ca.pem",
            "postgres://u@h:5432/d?sslmode=verify-ca&sslrootcert=%2Fca.pem",
        ),
        (
            "postgres://u@h/d?channel_binding=require&sslrootcert=/ca.pem",
            "postgres://u@h:5432/d?sslmode=verify-ca&sslrootcert=%2Fca.pem",
        ),
        ("postgres://u@h/d?sslrootcert=&sslcert=", "postgres://u@h:5432/d?sslmode=prefer"),
        (
            "postgres://u@h/d?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=3",
            "postgres://u@h:5432/d?sslmode=verify-full&sslrootcert=%2Fca.pem",
        ),
    ] {
        assert_eq!(parsed(text).connect_url(), expected, "{text}");
    }
}

#[test]
fn sqlx_reads_the_connect_url() {
    for text in [
        "postgres://u:p%40s%2Fs%25@h/d",
        "postgres://u@[::1]:5433/d%20e",
        "postgres://u@%2Fvar%2Frun/d?application_name=x&options[search_path]=s",
    ] {
        let url = parsed(text).connect_url();
        assert!(url.parse::<sqlx::postgres::PgConnectOptions>().is_ok(), "{text}");
        assert_eq!(parsed(&url).connect_url(), url, "{text}");
    }
}

#[test]
fn faults_are_named_without_repeating_the_url() {
    for (text, expected) in [
        ("", DatabaseUrlError::NotAUrl),
        ("todo.db", DatabaseUrlError::NotAUrl),
        ("postgres:u:hunter2@h/d", DatabaseUrlError::NotAUrl),
        ("mysql://u:hunter2@h/d", DatabaseUrlError::UnknownScheme),
        ("postgres+mystery://u:hunter2@h/d", DatabaseUrlError::UnknownScheme),
        ("postgres://u:hunter2/x@h/d", DatabaseUrlError::Malformed),
        ("postgres://u:1234/hunter2@h/d", DatabaseUrlError::Malformed),
        ("postgres://u:1234?hunter2@h/d", DatabaseUrlError::Malformed),
        ("postgres://u:1234#hunter2@h/d", DatabaseUrlError::Malformed),
        ("postgres://u:hunter2@h:99999/d", DatabaseUrlError::Malformed),
        ("postgres://u:hunter2@h1,h2/d", DatabaseUrlError::SeveralHosts),
        ("postgres://h", DatabaseUrlError::NoDatabase),
        ("postgres://u:hunter2@h/d?sslmode=maybe", DatabaseUrlError::UnknownSslMode),
        ("postgres://u:hunter2@h/d?port=x", DatabaseUrlError::BadPort),
        ("postgres://u:hunter2@h/d?sslcert=/c.pem", DatabaseUrlError::HalfClientCertificate),
        ("postgres://u:hunter2@h/d?sslkey=/c.key", DatabaseUrlError::HalfClientCertificate),
        (
            "postgres://u:hunter2@h/d?sslmode=verify-ca&sslrootcert=system",
            DatabaseUrlError::SystemRootsWithoutName,
        ),
        (
            "postgres://u:hunter2@h/d?sslmode=disable&channel_binding=require",
            DatabaseUrlError::ChannelBindingWithoutTls,
        ),
    ] {
        let error = DatabaseUrl::parse(text).expect_err(text);
        assert_eq!(error, expected, "{text}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}");
    }
}

#[test]
fn a_host_is_local_only_when_the_packets_stay_on_this_machine() {
    for (host, local) in [
        ("localhost", true),
        ("LOCALHOST.", true),
        ("db.localhost", true),
        ("127.0.0.1", true),
        ("127.8.9.10", true),
        ("[::1]", true),
        ("[::ffff:127.0.0.1]", true),
        ("%2Ftmp", true),
        ("localhost.example.com", false),
        ("127.0.0.1.example.com", false),
        ("10.0.0.1", false),
        ("0.0.0.0", false),
        ("db", false),
    ] {
        assert_eq!(parsed(&format!("postgres://u@{host}/d")).is_local(), local, "{host}");
    }
}

#[test]
fn a_pooler_is_recognised_by_its_first_label_or_by_its_own_word() {
    for (text, pooler) in [
        ("postgres://u@ep-cool-pooler.eu-central-1.aws.neon.tech/d", true),
        ("postgres://u@ep-cool.eu-central-1.aws.neon.tech/d", false),
        ("postgres://u@ep.x-pooler.tech/d", false),
        ("postgres://u-pooler@h/d", false),
        ("postgres://u@h:6543/d?pgbouncer=true", true),
        ("sqlite://x-pooler.db", false),
    ] {
        assert_eq!(parsed(text).is_pooler(), pooler, "{text}");
    }
}

#[test]
fn neither_debug_nor_the_redacted_form_shows_user_or_password() {
    for text in [
        "postgres://somebody:hunter2@h/d",
        "postgres://h/d?user=somebody&password=hunter2",
        "postgres://somebody:hunter2@[::1]/d?options=hunter2",
    ] {
        let url = parsed(text);
        let shown = format!("{url:?} {url:#?} {}", url.redacted());
        assert!(!shown.contains("hunter2") && !shown.contains("somebody"), "{shown}");
        assert!(shown.contains("5432/d"), "{shown}");
    }
}

#[test]
fn parameters_without_effect_are_listed_by_name() {
    let url = parsed("postgres://u@h/d?connect_timeout=3&sslmode=require&target_session_attrs=any");
    assert_eq!(url.ignored_parameters(), ["connect_timeout", "target_session_attrs"]);
}

#[test]
fn a_certificate_that_is_not_where_the_url_says_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let certificate = file("ca.pem", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n");
    let key = file("key.pem", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n");
    let missing = folder.path().join("missing.pem").display().to_string();
    let here = folder.path().display().to_string();
    for (parameters, faulty) in [
        (format!("sslrootcert={certificate}"), None),
        (format!("sslrootcert={missing}"), Some("sslrootcert")),
        (format!("sslrootcert={here}"), Some("sslrootcert")),
        (format!("sslrootcert={key}"), Some("sslrootcert")),
        ("sslrootcert=system".to_owned(), None),
        (format!("sslcert={certificate}&sslkey={key}"), None),
        (format!("sslcert={certificate}&sslkey={certificate}"), Some("sslkey")),
        (format!("sslcert={missing}&sslkey={key}"), Some("sslcert")),
        ("sslrootcert=-----BEGIN%20CERTIFICATE-----%0Ax%0A-----END%20CERTIFICATE-----".to_owned(), None),
    ] {
        let checked = parsed(&format!("postgres://u:hunter2@h/d?{parameters}")).check_files();
        assert_eq!(checked, faulty.map_or(Ok(()), |name| Err(DatabaseUrlError::UnreadablePem(name))));
        assert!(!format!("{checked:?}").contains("hunter2"));
    }
}

#[test]
fn production_wants_tls_to_another_machine() {
    for (text, allow_sqlite, refused) in [
        ("postgres://u@db.example.com/d", false, true),
        ("postgres://u@db.example.com/d?sslmode=require", false, false),
        ("postgres://u@db.example.com/d?sslmode=allow", false, true),
        ("postgres://u@127.0.0.1/d", false, false),
        ("sqlite://x.db", false, true),
        ("sqlite://x.db", true, false),
    ] {
        assert_eq!(parsed(text).production_fault(allow_sqlite).is_some(), refused, "{text}");
    }
    assert_eq!(parsed("postgres://u@h/d?sslmode=verify-ca").sslmode(), Some(SslMode::VerifyCa));
}
