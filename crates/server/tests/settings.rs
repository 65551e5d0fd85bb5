//! Loading settings from injected sources: what is refused, how it is told, which source wins, and that
//! the documentation agrees with the catalogue. The process environment is never touched.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail by panicking, in its functions as in its body"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use holdfast_application::domain::throttle::{Backoff, Limits};
use holdfast_server::settings::variables::{ALL, Fallback, RELOADED, WITHOUT_EFFECT};
use holdfast_server::settings::{
    Delivery, Environment, Faults, Loaded, LogFormat, LogLevel, Revocation, SecretSource, Settings, Sources,
    load_or_create_secret,
};
use holdfast_web::{Allowance, RateLimit};
use migration::DatabaseUrl;
use proptest::prelude::*;
use tempfile::TempDir;

const STRONG: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdefcafe5eed0ddba11e";
const POSTGRES: &str = "postgresql://app:hunter2@db.example/app?sslmode=require";
const PRODUCTION: [(&str, &str); 7] = [
    ("ENVIRONMENT", "production"),
    ("OPS_ADDRESS", "127.0.0.1:9464"),
    ("JWT_SECRET", STRONG),
    ("DATABASE_URL", POSTGRES),
    ("SMTP_URL", "smtps://app:hunter2@mail.example"),
    ("MAIL_FROM", "no-reply@app.example"),
    ("PUBLIC_URL", "https://app.example"),
];

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn environment(pairs: Pairs) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load_in(directory: &Path, pairs: Pairs) -> Result<Loaded, Faults> {
    Settings::load(&Sources { directory: directory.to_owned(), environment: environment(pairs) })
}

fn load(pairs: Pairs) -> Result<Loaded, Faults> {
    load_in(TempDir::new().unwrap().path(), pairs)
}

fn settings(pairs: Pairs) -> Settings {
    load(pairs).unwrap_or_else(|faults| panic!("{faults}")).settings
}

fn warnings(pairs: Pairs) -> String {
    let loaded = load(pairs).unwrap_or_else(|faults| panic!("{faults}"));
    loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn with<'a>(one: &[(&'a str, &'a str)], other: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [one, other].concat()
}

/// Development: the variable, a value, what is said to be wrong, what is said to be expected.
#[rustfmt::skip]
const MALFORMED: &[(&str, &str, &str, &str)] = &[
    ("ENVIRONMENT", "prod", "\"prod\"", "development, staging, production"),
    ("ENVIRONMENT", "test", "\"test\"", "development, staging, production"),
    ("HOST", "example.com", "\"example.com\" is not an IP address", "IP address or localhost"),
    ("HOST", "127.0.0.1:8000", "holds a port, which belongs in PORT", "IP address"),
    ("HOST", "localhost:8000", "holds a port, which belongs in PORT", "IP address"),
    ("HOST", "256.0.0.1", "is not an IP address", "IP address"),
    ("HOST", "[::1]", "is not an IP address", "IP address"),
    ("HOST", "127.0.0.1\n::1", "line break", "IP address"),
    ("PORT", "http", "\"http\" is not a whole number", "0–65535"),
    ("PORT", "80x", "\"80x\" is not a whole number", "0–65535"),
    ("PORT", "65536", "\"65536\" is out of range", "0–65535"),
    ("PORT", "-1", "\"-1\" is not a whole number", "0–65535"),
    ("PORT", "+80", "\"+80\" is not a whole number", "0–65535"),
    ("PORT", "8 0", "is not a whole number", "0–65535"),
    ("PORT", "8000.0", "is not a whole number", "0–65535"),
    ("PORT", "0x50", "is not a whole number", "0–65535"),
    ("PORT", "٨٠", "is not a whole number", "0–65535"),
    ("PORT", "99999999999999999999999", "is out of range", "0–65535"),
    ("PORT", "80\u{fffd}", "is not valid UTF-8", "0–65535"),
    ("ALLOWED_ORIGINS", "*", "every site", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "http://localhost:3000,*", "every site", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://*.example", "no host or port", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://app.example/", "ends in a slash", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://app.example/path", "has a path", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://app.example/path/", "has a path", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "app.example", "has no scheme", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "null", "has no scheme", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://", "scheme://", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://app.example?x", "no host or port", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://app.example#x", "no host or port", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://app.example:", "no port", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://app.example:99999", "not a valid", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://app.example;https://b.example", "ALLOWED_ORIGINS", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://a.example https://b.example", "ALLOWED_ORIGINS", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "[\"https://a.example\"]", "ALLOWED_ORIGINS", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", "https://u:hunter2@a.example", "names a user", "scheme://host[:port]"),
    ("ALLOWED_ORIGINS", " , ", "lists no origin", "scheme://host[:port]"),
    ("TRUSTED_PROXIES", "proxy.internal", "neither an IP address nor a CIDR", "CIDR"),
    ("TRUSTED_PROXIES", "10.0.0.0/33", "neither an IP address nor a CIDR", "CIDR"),
    ("TRUSTED_PROXIES", "10.0.0.1, 10.0.0", "\"10.0.0\" is neither", "CIDR"),
    ("TRUSTED_PROXIES", "10.0.0.1:80", "neither an IP address nor a CIDR", "CIDR"),
    ("PUBLIC_URL", "api.example", "not an absolute URL", "absolute http:// or https://"),
    ("PUBLIC_URL", "/api", "not an absolute URL", "absolute http:// or https://"),
    ("PUBLIC_URL", "ftp://api.example", "\"ftp\"", "absolute http:// or https://"),
    ("PUBLIC_URL", "https://u:hunter2@api.example", "names a user", "without user"),
    ("PUBLIC_URL", "https://api.example?x=1", "query", "without user, query"),
    ("DRAIN_DELAY", "61", "61 is out of range", "0–60"),
    ("DRAIN_DELAY", "3ms", "\"3ms\" is not a whole number", "seconds"),
    ("DRAIN_DELAY", "1m", "\"1m\" is not a whole number", "seconds"),
    ("DRAIN_DELAY", "s", "is not a whole number", "seconds"),
    ("REQUIRE_IF_MATCH", "always", "\"always\" is neither true nor false", "true, false"),
    ("LOG_LEVEL", "verbose", "\"verbose\"", "trace, debug, info"),
    ("LOG_LEVEL", "info,sqlx=warn", "is not one of its words", "trace, debug, info"),
    ("LOG_FORMAT", "xml", "\"xml\"", "json, text"),
    ("OTEL_SDK_DISABLED", "maybe", "\"maybe\" is neither true nor false", "true, false"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "is not an absolute URL", "absolute http:// or https://"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "has the scheme \"collector\"", "absolute http:// or https://"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:///run/otel.sock", "has the scheme \"unix\"", "absolute http:// or https://"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:hunter2@collector:4318", "belong in OTEL_EXPORTER_OTLP_HEADERS", "without user"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?key=x", "has a query", "without user, query"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://", "is not an absolute URL", "absolute http:// or https://"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "\"grpc\" is not spoken here", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "\"http/json\" is not spoken here", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http", "\"http\" is not one of its words", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,hunter2", "entry 2 has no =", "name=value each"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2 x=1", "entry 1 begins with no name of a header", "name=value each"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "Content-Length=hunter2", "entry 1 names a header that every request to a collector has already", "name=value each"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "=hunter2", "entry 1 begins with no name of a header", "name=value each"),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=hunter2%0Ab", "entry 1 has a value that no header can have", "name=value each"),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=hunter2%ff", "entry 1 has a value that no header can have", "name=value each"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "\"10s\" is not a whole number", "1–600000"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "0 is out of range", "1–600000"),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "600001", "600001 is out of range", "1–600000"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "\"zstd\" is not one of its words", "none, gzip"),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "GZIP", "\"GZIP\" is not one of its words", "none, gzip"),
    ("OTEL_TRACES_EXPORTER", "zipkin", "\"zipkin\" is not one of its words", "otlp, none"),
    ("OTEL_TRACES_EXPORTER", "otlp,console", "is not one of its words", "otlp, none"),
    ("OTEL_TRACES_SAMPLER", "jaeger_remote", "\"jaeger_remote\" is not one of its words", "parentbased_traceidratio"),
    ("OTEL_TRACES_SAMPLER_ARG", "1.5", "\"1.5\" is no number from 0 to 1", "0–1"),
    ("OTEL_TRACES_SAMPLER_ARG", "-0.5", "is no number from 0 to 1", "0–1"),
    ("OTEL_TRACES_SAMPLER_ARG", "10%", "is no number from 0 to 1", "0–1"),
    ("OTEL_TRACES_SAMPLER_ARG", "nan", "is no number from 0 to 1", "0–1"),
    ("OTEL_PROPAGATORS", "tracecontext,w3c", "\"w3c\" is no propagator of the standard", "tracecontext, none"),
    ("OTEL_RESOURCE_ATTRIBUTES", "team=a,region", "entry 2 has no =", "name=value each"),
    ("OTEL_RESOURCE_ATTRIBUTES", "=a", "entry 1 has no name", "name=value each"),
    ("OTEL_RESOURCE_ATTRIBUTES", "a=%ff", "entry 1 is not UTF-8", "name=value each"),
    ("OTEL_SERVICE_NAME", "a\nb", "line break", "any text"),
    ("OTEL_BSP_SCHEDULE_DELAY", "5 s", "is not a whole number", "1–600000"),
    ("OTEL_BSP_EXPORT_TIMEOUT", "0", "0 is out of range", "1–600000"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "1000001", "1000001 is out of range", "1–1000000"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0", "0 is out of range", "1–100000"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2049", "2049 are more than the 2048 that may wait", "at most OTEL_BSP_MAX_QUEUE_SIZE"),
    ("DATABASE_URL", "db.example/app", "is not a URL", "postgresql://"),
    ("DATABASE_URL", "mysql://u:hunter2@db.example/app", "unknown scheme", "postgresql://"),
    ("DATABASE_URL", "postgresql://u:hunter2@db.example:x/app", "DATABASE_URL", "postgresql://"),
    ("DATABASE_URL", "postgresql://u:hunter2@db.example/app?sslmode=maybe", "sslmode", "require"),
    ("NEON_DATABASE_URL", "http://hunter2@db.example", "unknown scheme", "postgresql://"),
    ("DATABASE_URL", "postgresql://u:hunter2@db.example/app?sslmode=verify-full&sslrootcert=/no/such.pem", "a file in sslrootcert", "the path of a PEM file"),
    ("DATABASE_URL", "postgresql://u:hunter2@db.example/app?sslcert=/no/such.pem", "only one of sslcert and sslkey", "both, or neither"),
    ("DATABASE_URL", "postgresql://u:hunter2@db.example/app?sslmode=require&sslrootcert=system", "without a look at the host name", "sslmode=verify-full"),
    ("POSTGRES_URL", "postgresql://u:hunter2@a,b/app", "several hosts", "one"),
    ("DATABASE_POOL_SIZE", "0", "0 is out of range", "1–1000"),
    ("DATABASE_POOL_SIZE", "1001", "1001 is out of range", "1–1000"),
    ("DATABASE_POOL_SIZE", "ten", "\"ten\" is not a whole number", "1–1000"),
    ("DATABASE_STATEMENT_CACHE", "10001", "10001 is out of range", "0–10000"),
    ("DATABASE_WAKE_TIMEOUT", "0", "0 is out of range", "1–60"),
    ("DATABASE_WAKE_TIMEOUT", "61s", "61 is out of range", "1–60"),
    ("MIGRATE_ON_START", "maybe", "\"maybe\" is neither true nor false", "yes, no"),
    ("MIGRATE_ON_START", "2", "\"2\" is neither true nor false", "yes, no"),
    ("ALLOW_SQLITE_IN_PRODUCTION", "y", "\"y\" is neither true nor false", "yes, no"),
    ("JWT_ALGORITHM", "none", "\"none\"", "HS256"),
    ("JWT_ALGORITHM", "hs256", "\"hs256\"", "HS256"),
    ("JWT_ALGORITHM", "HS512", "\"HS512\"", "HS256"),
    ("JWT_ALGORITHM", "ES256", "\"ES256\"", "EdDSA, RS256"),
    ("JWT_ALGORITHM", "EdDSA", "is EdDSA, but JWT_KEY_DIRECTORY is not set", "JWT_KEY_DIRECTORY to name"),
    ("JWT_KEY_DIRECTORY", "no/such/directory", "no/such/directory\" does not exist", "holdfast keys generate"),
    ("ACCESS_TOKEN_MINUTES", "0", "0 is out of range", "1–60"),
    ("ACCESS_TOKEN_MINUTES", "61", "61 is out of range", "1–60"),
    ("ACCESS_TOKEN_MINUTES", "15m", "\"15m\" is not a whole number", "minutes"),
    ("REFRESH_TOKEN_IDLE_DAYS", "0", "0 is out of range", "1–365"),
    ("REFRESH_TOKEN_IDLE_DAYS", "seven", "is not a whole number", "1–365"),
    ("REFRESH_TOKEN_MAX_DAYS", "366", "366 is out of range", "1–365"),
    ("REFRESH_TOKEN_MAX_DAYS", "6", "less than REFRESH_TOKEN_IDLE_DAYS, which is 7", "at least REFRESH_TOKEN_IDLE_DAYS"),
    ("REFRESH_REUSE_SECONDS", "601", "601 is out of range", "0–600"),
    ("JWT_EXPIRATION_DELTA_HOURS", "0", "0 is out of range", "1–720"),
    ("JWT_EXPIRATION_DELTA_HOURS", "721", "721 is out of range", "1–720"),
    ("LEGACY_TOKENS_UNTIL", "2026-12-01", "\"2026-12-01\" is not a date and time with its offset", "RFC 3339"),
    ("LEGACY_TOKENS_UNTIL", "2026-12-01T00:00:00", "is not a date and time with its offset", "RFC 3339"),
    ("LEGACY_TOKENS_UNTIL", "2026-13-01T00:00:00Z", "is not a date and time", "RFC 3339"),
    ("LEGACY_TOKENS_UNTIL", "2026-02-30T00:00:00Z", "is not a date and time", "RFC 3339"),
    ("LEGACY_TOKENS_UNTIL", "1796083200", "is not a date and time", "RFC 3339"),
    ("LEGACY_TOKENS_UNTIL", "tomorrow", "is not a date and time", "RFC 3339"),
    ("LEGACY_TOKENS_UNTIL", "0000-01-01T00:00:00Z", "is not a date and time", "RFC 3339"),
    ("LEGACY_TOKENS_UNTIL", "2026-12-01T00:00:00Z", "there is no BETTER_AUTH_SECRET", "as the FastAPI backend had it"),
    ("REVOCATION", "slow", "\"slow\"", "fast, strict"),
    ("REVOCATION", "true", "\"true\"", "fast, strict"),
    ("HASH_CONCURRENCY", "0", "0 is out of range", "1–256"),
    ("HASH_CONCURRENCY", "257", "257 is out of range", "1–256"),
    ("HASH_CONCURRENCY", "half", "is not a whole number", "1–256"),
    ("RATE_LIMIT", "disabled", "\"disabled\" is neither true nor false", "on, off"),
    ("RATE_LIMIT", "20", "\"20\" is neither true nor false", "on, off"),
    ("RATE_LIMIT_SIGN_IN_BURST", "0", "0 is out of range", "1–1000"),
    ("RATE_LIMIT_SIGN_IN_PER_MINUTE", "off", "\"off\" is not a whole number", "1–1000"),
    ("RATE_LIMIT_SIGN_IN_PER_MINUTE", "10/m", "is not a whole number", "1–1000"),
    ("RATE_LIMIT_REFRESH_PER_MINUTE", "-1", "is not a whole number", "1–1000"),
    ("RATE_LIMIT_NETWORK_FAILURES", "101", "101 is out of range", "1–100"),
    ("RATE_LIMIT_NETWORK_DELAY", "0s", "0 is out of range", "1–3600"),
    ("RATE_LIMIT_ACCOUNT_FAILURES", "99999999999", "is out of range", "1–10000"),
    ("RATE_LIMIT_ACCOUNT_DELAY", "3601", "3601 is out of range", "1–3600"),
    ("RATE_LIMIT_MAX_DELAY", "29", "29 s are less than a first wait of 30 s", "at least RATE_LIMIT_NETWORK_DELAY and"),
    ("RATE_LIMIT_MAX_DELAY", "15m", "\"15m\" is not a whole number", "1–3600"),
    ("AUDIT_RETENTION_DAYS", "30", "30 is out of range", "31–3650"),
    ("AUDIT_RETENTION_DAYS", "ever", "\"ever\" is not a whole number", "31–3650"),
];

/// Production: what is set over a right configuration (empty: missing), the faulty variable as it is
/// shown, what is said to be wrong, what is said to be expected.
#[rustfmt::skip]
const REFUSED_IN_PRODUCTION: &[(&str, &str, &str, &str, &str)] = &[
    ("JWT_SECRET", "", "JWT_SECRET", "is not set, and {environment} needs one", "32 bytes"),
    ("JWT_SECRET", "hunter2hunter3hunter4hunter5abc", "JWT_SECRET", "has 31 bytes", "32 bytes"),
    ("JWT_SECRET", "secret", "JWT_SECRET", "published example", "32 bytes"),
    ("JWT_SECRET", "changeme", "JWT_SECRET", "published example", "32 bytes"),
    ("JWT_SECRET", "DEV-SECRET-change-in-production", "JWT_SECRET", "published example", "32 bytes"),
    ("JWT_SECRET", "your-secret-key-that-is-long-enough-to-pass", "JWT_SECRET", "published example", "32 bytes"),
    ("JWT_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "JWT_SECRET", "repeats one character", "32 bytes"),
    ("JWT_SECRET", "12345678901234567890123456789012345678901234567890", "JWT_SECRET", "repeats", "32 bytes"),
    ("JWT_PREVIOUS_SECRETS", "hunter2", "JWT_PREVIOUS_SECRETS", "entry 1 has 7 bytes", "32 bytes"),
    ("DATABASE_URL", "", "DATABASE_URL", "is not set, and {environment} needs one", "postgres://"),
    ("DATABASE_URL", "postgresql://user:password@localhost:5432/todo_db", "DATABASE_URL", "is not set", "postgres://"),
    ("DATABASE_URL", "postgresql://u:hunter2@db.example/app", "DATABASE_URL", "without TLS", "sslmode=require"),
    ("DATABASE_URL", "postgresql://u:hunter2@db.example/app?sslmode=prefer", "DATABASE_URL", "without TLS", "sslmode=require"),
    ("NEON_DATABASE_URL", "postgresql://u:hunter2@db.example/app?sslmode=disable", "NEON_DATABASE_URL", "without TLS", "sslmode=require"),
    ("DATABASE_URL", "sqlite://data/x.db", "DATABASE_URL", "is SQLite", "ALLOW_SQLITE_IN_PRODUCTION=true"),
    ("RATE_LIMIT", "off", "RATE_LIMIT", "is off in {environment}", "on"),
];

#[test]
fn every_malformed_value_is_told_with_its_variable_fault_and_expectation_and_without_secrets() {
    for (variable, value, problem, expected) in MALFORMED {
        let faults =
            load(&with(&[("JWT_SECRET", STRONG), ("ENVIRONMENT", "development")], &[(variable, value)]))
                .expect_err(&format!("{variable}={value}"));
        assert_one_fault(&faults, variable, problem, expected);
    }
}

#[test]
fn what_production_refuses_is_told_in_the_same_form_and_staging_refuses_it_too() {
    for environment in ["production", "staging"] {
        for (variable, value, shown, problem, expected) in REFUSED_IN_PRODUCTION {
            let pairs = with(&PRODUCTION, &[("ENVIRONMENT", environment), (variable, value)]);
            let faults = load(&pairs).expect_err(&format!("{variable}={value}"));
            // SQLite is refused "in production" in both: staging has production's rules.
            assert_one_fault(&faults, shown, &problem.replace("{environment}", environment), expected);
        }
    }
}

fn assert_one_fault(faults: &Faults, variable: &str, problem: &str, expected: &str) {
    let text = faults.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    let (told, told_expected) = text.split_once("; expected ").unwrap_or_else(|| panic!("{text}"));
    assert!(told.starts_with(&format!("{variable}: ")), "{text}");
    assert!(told.contains(problem), "{text}, not: {problem}");
    assert!(told_expected.contains(expected), "{text}, not: {expected}");
    assert!(!text.contains("hunter2") && !text.contains(STRONG), "{text}");
}

#[test]
fn all_faults_of_one_environment_come_together_in_the_order_of_the_documentation() {
    let faults = load(&[
        ("ENVIRONMENT", "production"),
        ("RATE_LIMIT", "off"),
        ("PORT", "x"),
        ("ALLOWED_ORIGINS", "*,https://a.example/"),
        ("BETTER_AUTH_SECRET", "hunter2"),
        ("REFRESH_TOKEN_IDLE_DAYS", "40"),
        ("REFRESH_REUSE_SECONDS", "9999"),
    ])
    .unwrap_err();
    assert_eq!(faults.as_slice().len(), 8);
    let text = faults.to_string();
    let variables: Vec<_> = text.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    assert_eq!(
        variables,
        [
            "PORT",
            "ALLOWED_ORIGINS",
            "ALLOWED_ORIGINS",
            "DATABASE_URL",
            "JWT_SECRET (taken from BETTER_AUTH_SECRET)",
            "REFRESH_TOKEN_MAX_DAYS",
            "REFRESH_REUSE_SECONDS",
            "RATE_LIMIT",
        ]
    );
    assert!(!text.contains("hunter2"));
}

#[test]
fn nothing_set_gives_the_documented_defaults_and_a_generated_secret() {
    let directory = TempDir::new().unwrap();
    let Loaded { settings, warnings } = load_in(directory.path(), &[]).unwrap();
    assert_eq!(settings.environment, Environment::Development);
    assert!(settings.http.host.is_loopback());
    assert_eq!((settings.telemetry.level, settings.telemetry.format), (LogLevel::Info, LogFormat::Text));
    assert_eq!(settings.database.url.redacted(), "sqlite://data/holdfast.db");
    assert_eq!(settings.auth.access_token_lifetime(), Duration::from_mins(15));
    assert_eq!(settings.auth.session_idle(), Duration::from_hours(7 * 24));
    assert_eq!(settings.auth.session_maximum(), Duration::from_hours(30 * 24));
    assert_eq!(settings.auth.refresh_reuse(), Duration::from_secs(30));
    assert_eq!(settings.auth.compatibility_token_lifetime(), Duration::from_hours(24));
    assert_eq!(settings.database.wake_timeout(), Duration::from_secs(5));
    assert_eq!(settings.http.drain_delay(), Duration::from_secs(3));
    assert!(!settings.http.require_if_match);
    assert!((1..=256).contains(&settings.limits.hash_concurrency));
    assert_eq!(settings.auth.secret, SecretSource::Generated { path: directory.path().join("data/secret") });
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for row in settings.describe().rows() {
        let variable = ALL.iter().find(|variable| variable.name == row.variable).unwrap();
        assert_eq!(row.source, "default", "{}", row.variable);
        match variable.default {
            Fallback::Text(text) => assert_eq!(row.value.as_deref(), Some(text), "{}", row.variable),
            Fallback::Computed(_) => assert!(row.value.is_some(), "{}", row.variable),
            Fallback::Nothing => assert_eq!(row.value, None, "{}", row.variable),
        }
    }
    assert_eq!(settings.describe().rows().len(), ALL.len(), "every variable is described once");
}

#[test]
fn the_limits_of_the_throttle_are_those_that_are_promised_unless_set() {
    let promised = settings(&[]).throttling;
    assert_eq!(promised.limits(), Some(Limits::DEFAULT));
    assert_eq!(promised.buckets(), RateLimit::default());
    let set = settings(&[
        ("RATE_LIMIT_SIGN_IN_BURST", "3"),
        ("RATE_LIMIT_SIGN_IN_PER_MINUTE", "4"),
        ("RATE_LIMIT_REFRESH_PER_MINUTE", "5"),
        ("RATE_LIMIT_NETWORK_FAILURES", "6"),
        ("RATE_LIMIT_NETWORK_DELAY", "7"),
        ("RATE_LIMIT_ACCOUNT_FAILURES", "8"),
        ("RATE_LIMIT_ACCOUNT_DELAY", "9s"),
        ("RATE_LIMIT_MAX_DELAY", "10"),
    ])
    .throttling;
    let backoff = |free, first| Backoff::new(free, Duration::from_secs(first), Duration::from_secs(10));
    assert_eq!(set.limits(), Some(Limits { network: backoff(6, 7), account: backoff(8, 9) }));
    let (sign_in, refresh) = (Allowance::per_minute(3, 4), Allowance::per_minute(5, 5));
    assert_eq!(set.buckets(), RateLimit::On { sign_in, refresh });
    let off = settings(&[("RATE_LIMIT", "off"), ("RATE_LIMIT_NETWORK_FAILURES", "6")]).throttling;
    assert_eq!((off.limits(), off.buckets()), (None, RateLimit::Off));
}

#[test]
fn each_source_goes_over_the_one_before_it() {
    let directory = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write(".env", "PORT=1001\nLOG_LEVEL=debug\nJWT_ISSUER=shared\nDATABASE_POOL_SIZE=11\n");
    write(".env.local", "PORT=1002\nLOG_LEVEL=warn\nJWT_ISSUER=local\n");
    write(".env.staging", "PORT=1003\n");
    write(".env.production", "PORT=1004\n");
    let Loaded { settings, .. } =
        load_in(directory.path(), &[("PORT", "1005"), ("JWT_ISSUER", "  ")]).unwrap();
    assert_eq!(settings.http.port, 1005);
    assert_eq!(settings.telemetry.level, LogLevel::Warn);
    assert_eq!(settings.auth.issuer, "local", "present but empty is missing");
    assert_eq!(settings.database.pool_size, 11);
    let source = |name: &str| {
        settings.describe().rows().iter().find(|row| row.variable == name).unwrap().source.clone()
    };
    assert_eq!(
        ["PORT", "LOG_LEVEL", "DATABASE_POOL_SIZE", "JWT_AUDIENCE"].map(source),
        ["environment", ".env.local", ".env", "default"]
    );
    for (environment, port) in [("staging", 1003), ("production", 1004), ("development", 1002)] {
        let loaded = load_in(directory.path(), &with(&PRODUCTION, &[("ENVIRONMENT", environment)])).unwrap();
        assert_eq!(loaded.settings.http.port, port);
    }
}

#[test]
fn the_environment_may_stand_in_env_and_must_not_be_contradicted_by_the_file_it_picks() {
    let directory = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write(".env", &format!("ENVIRONMENT=Production\nDATABASE_URL={POSTGRES}\n"));
    write(".env.production", &format!("ENVIRONMENT=production\nJWT_SECRET='{STRONG}' # ours\n"));
    let loaded = load_in(directory.path(), &[]).unwrap();
    assert_eq!(loaded.settings.environment, Environment::Production);
    assert!(
        matches!(loaded.settings.auth.secret, SecretSource::Given(secret) if secret.expose() == STRONG.as_bytes())
    );

    write(".env.production", &format!("ENVIRONMENT=development\nJWT_SECRET={STRONG}\n"));
    let faults = load_in(directory.path(), &[]).unwrap_err().to_string();
    assert!(faults.starts_with("ENVIRONMENT: .env.production sets it to \"development\""), "{faults}");
}

#[test]
fn a_file_that_cannot_be_understood_is_a_fault_that_shows_none_of_its_text() {
    let directory = TempDir::new().unwrap();
    fs::write(
        directory.path().join(".env"),
        "hunter2\nPORT=x\nJWT_SECRET=\"hunter2\npostgres://u:hunter2@h/d?a=b\n",
    )
    .unwrap();
    fs::write(directory.path().join(".env.local"), b"PORT=\xff\xfe").unwrap();
    let faults = load_in(directory.path(), &[]).unwrap_err().to_string();
    for expected in [
        ".env: line 1 is not of the form NAME=value; expected a UTF-8 text file",
        ".env: line 3 opens a quote that is never closed",
        ".env: line 4 has no valid name before the =",
        ".env.local: is not UTF-8",
        "PORT: \"x\" is not a whole number",
    ] {
        assert!(faults.contains(expected), "{faults}\nnot: {expected}");
    }
    assert_eq!(faults.lines().count(), 5, "{faults}");
    assert!(!faults.contains("hunter2"), "{faults}");

    fs::remove_file(directory.path().join(".env")).unwrap();
    fs::create_dir(directory.path().join(".env")).unwrap();
    let faults = load_in(directory.path(), &[]).unwrap_err().to_string();
    assert!(faults.starts_with(".env: cannot be read"), "{faults}");
}

#[test]
fn limits_are_exactly_those_of_the_catalogue() {
    let ranged = ALL.iter().filter_map(|variable| {
        let (low, high) = variable.range.split(',').next()?.split_once('–')?;
        Some((variable.name, low.parse::<u64>().ok()?, high.parse::<u64>().ok()?))
    });
    let mut checked = 0;
    for (name, low, high) in ranged {
        let idle = if name == "REFRESH_TOKEN_MAX_DAYS" { "1" } else { "7" };
        let accepted = |value: u64| {
            let text = value.to_string();
            let fixed = [
                ("REFRESH_TOKEN_MAX_DAYS", "365"),
                ("REFRESH_TOKEN_IDLE_DAYS", idle),
                ("RATE_LIMIT_MAX_DELAY", "3600"),
                ("RATE_LIMIT_NETWORK_DELAY", "1"),
                ("RATE_LIMIT_ACCOUNT_DELAY", "1"),
                ("OTEL_BSP_MAX_QUEUE_SIZE", "1000000"),
                ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
            ];
            load(&with(&fixed, &[(name, &text)])).is_ok()
        };
        assert!(accepted(low) && accepted(high) && !accepted(high + 1), "{name}");
        assert!(low == 0 || !accepted(low - 1), "{name}");
        checked += 1;
    }
    assert_eq!(checked, 27);
    for name in ["JWT_ISSUER", "JWT_AUDIENCE"] {
        assert!(load(&[(name, &"ä".repeat(255))]).is_ok());
        let faults = load(&[(name, &"ä".repeat(256))]).unwrap_err().to_string();
        assert!(faults.starts_with(&format!("{name}: a text of 256 characters is out of range")), "{faults}");
    }
}

#[test]
fn every_spelling_that_is_documented_is_accepted() {
    for text in ["true", "TRUE", "1", "Yes", "on"] {
        assert!(settings(&[("MIGRATE_ON_START", text)]).database.migrate_on_start, "{text}");
    }
    for text in ["false", "0", "NO", "Off"] {
        assert!(!settings(&[("RATE_LIMIT", text)]).throttling.on, "{text}");
    }
    for (text, level) in
        [("TRACE", LogLevel::Trace), ("Warning", LogLevel::Warn), ("critical", LogLevel::Error)]
    {
        assert_eq!(settings(&[("LOG_LEVEL", text)]).telemetry.level, level);
    }
    assert_eq!(settings(&[("DRAIN_DELAY", " 7s ")]).http.drain_delay(), Duration::from_secs(7));
    assert_eq!(settings(&[("PORT", "0")]).http.port, 0);
    assert!(settings(&[("HOST", "localhost")]).http.host.is_loopback());
    assert!(settings(&[("HOST", "::1")]).http.host.is_loopback());
    assert_eq!(settings(&[("REVOCATION", "Strict")]).auth.revocation, Revocation::Strict);
    assert_eq!(settings(&[("LOG_FORMAT", "JSON")]).telemetry.format, LogFormat::Json);
    assert_eq!(settings(&PRODUCTION).telemetry.format, LogFormat::Json);
}

#[test]
fn origins_and_networks_are_kept_in_the_form_they_are_compared_in() {
    let http = settings(&[
        (
            "ALLOWED_ORIGINS",
            " HTTPS://App.Example:443 ,http://[::1]:3000,capacitor://localhost,https://app.example,",
        ),
        (
            "TRUSTED_PROXIES",
            "10.1.2.3, 10.9.9.9/8,2001:db8::1, ::ffff:192.0.2.1, ::ffff:198.51.100.7/120,::/0",
        ),
        ("PUBLIC_URL", "https://api.example/todo"),
    ])
    .http;
    assert_eq!(http.allowed_origins, ["https://app.example", "http://[::1]:3000", "capacitor://localhost"]);
    let networks: Vec<_> = http.trusted_proxies.iter().map(ToString::to_string).collect();
    let mapped = ["192.0.2.1/32", "198.51.100.0/24"];
    assert_eq!(networks[..3], ["10.1.2.3/32", "10.0.0.0/8", "2001:db8::1/128"]);
    assert_eq!(networks[3..5], mapped, "IPv4 as it is compared");
    assert_eq!(networks[5..], ["::/0"]);
    assert_eq!(http.public_url.unwrap().as_str(), "https://api.example/todo");
}

#[test]
fn a_right_production_configuration_loads_without_any_warning() {
    assert_eq!(warnings(&PRODUCTION), "");
    let sqlite = [("DATABASE_URL", "sqlite://data/x.db"), ("ALLOW_SQLITE_IN_PRODUCTION", "yes")];
    assert_eq!(warnings(&with(&PRODUCTION, &sqlite)), "");
    let local = [("DATABASE_URL", "postgresql://u@127.0.0.1/app")];
    assert_eq!(warnings(&with(&PRODUCTION, &local)), "");
}

#[test]
fn in_development_a_weak_secret_is_only_warned_of() {
    for secret in ["short", "changeme", "dev-secret-change-in-production"] {
        let told = warnings(&[("ENVIRONMENT", "development"), ("JWT_SECRET", secret)]);
        assert!(told.starts_with("JWT_SECRET: ") && told.contains("only development"), "{told}");
    }
    let told = warnings(&with(&PRODUCTION, &[("JWT_SECRET", &STRONG[..40])]));
    assert_eq!(told, "JWT_SECRET: has fewer than 64 characters, which are advised");
}

#[test]
fn without_an_environment_a_reachable_server_neither_generates_a_secret_nor_takes_a_weak_one() {
    for (name, value, because) in [
        ("HOST", "0.0.0.0", "HOST is not a loopback address"),
        ("POSTGRES_URL", POSTGRES, "POSTGRES_URL names a PostgreSQL database"),
    ] {
        let faults = load(&[(name, value)]).unwrap_err().to_string();
        assert!(
            faults.starts_with("JWT_SECRET: is not set, and none is generated because")
                && faults.contains(because),
            "{faults}"
        );
        assert!(load(&[(name, value), ("JWT_SECRET", "changeme")]).is_err());
        let told = warnings(&[(name, value), ("JWT_SECRET", STRONG)]);
        assert!(told.starts_with("ENVIRONMENT: IS NOT SET") && told.contains(because), "{told}");
        assert!(load(&[(name, value), ("ENVIRONMENT", "development")]).is_ok());
    }
}

#[test]
fn the_fastapi_backends_secret_signs_only_where_ours_is_missing() {
    let given = |settings: Settings| match settings.auth.secret {
        SecretSource::Given(secret) => String::from_utf8(secret.expose().to_vec()).unwrap(),
        SecretSource::Generated { path } => panic!("generated in {}", path.display()),
        SecretSource::Unneeded => panic!("no secret at all"),
    };
    let other = STRONG.replace('0', "9");
    assert_eq!(given(settings(&[("BETTER_AUTH_SECRET", &other)])), other);
    assert_eq!(given(settings(&[("BETTER_AUTH_SECRET", &other), ("JWT_SECRET", STRONG)])), STRONG);
    assert_eq!(warnings(&with(&PRODUCTION, &[("BETTER_AUTH_SECRET", &other)])), "");
    let told = warnings(&[("JWT_ALGORITHM", "RS256"), ("JWT_SECRET", STRONG)]);
    assert!(told.starts_with("JWT_ALGORITHM: is RS256, but JWT_KEY_DIRECTORY is not set"), "{told}");
}

#[test]
fn beside_a_signing_secret_the_fastapi_backends_may_be_short_but_not_known() {
    let legacy = |secret: &str| {
        let pairs = with(&PRODUCTION, &[("BETTER_AUTH_SECRET", secret)]);
        let verifies = settings(&pairs).auth.legacy.secret.map(|secret| secret.expose().to_vec());
        assert!(verifies.is_none_or(|bytes| bytes == secret.as_bytes()));
        (settings(&pairs).auth.legacy.secret.is_some(), warnings(&pairs))
    };
    assert_eq!(legacy(&STRONG.replace('0', "9")), (true, String::new()));
    assert_eq!(legacy(STRONG), (true, String::new()));
    let (accepted, told) = legacy("hunter2");
    assert!(accepted && told.starts_with("BETTER_AUTH_SECRET: has 7 bytes; it verifies tokens of"), "{told}");
    for known in ["secret", "changeme", "dev-secret-change-in-production", "aaaa", "abcabc"] {
        let (accepted, told) = legacy(known);
        assert!(!accepted, "{known}");
        assert!(told.starts_with("BETTER_AUTH_SECRET: ") && told.contains("anybody could forge"), "{told}");
    }
    assert_eq!(legacy(" "), (false, String::new()));
    assert_eq!(settings(&PRODUCTION).auth.legacy.until, None);
}

#[test]
fn where_the_fastapi_backends_secret_signs_it_verifies_its_tokens_too_unless_it_is_known() {
    let other = STRONG.replace('0', "9");
    let signing = [("JWT_SECRET", ""), ("BETTER_AUTH_SECRET", other.as_str())];
    let chosen = settings(&with(&PRODUCTION, &signing)).auth;
    assert!(chosen.legacy.secret.is_some_and(|secret| chosen.secret == SecretSource::Given(secret)));
    // Development lets it sign all the same.
    let weak = [("ENVIRONMENT", "development"), ("BETTER_AUTH_SECRET", "changeme")];
    assert_eq!(settings(&weak).auth.legacy.secret, None);
    let short = [("ENVIRONMENT", "development"), ("BETTER_AUTH_SECRET", "hunter2")];
    assert!(settings(&short).auth.legacy.secret.is_some());
    assert_eq!(settings(&[]).auth.legacy.secret, None);
}

#[test]
fn the_end_of_legacy_tokens_is_a_point_in_time() {
    let until = |text: &str| {
        let pairs = with(&PRODUCTION, &[("BETTER_AUTH_SECRET", STRONG), ("LEGACY_TOKENS_UNTIL", text)]);
        settings(&pairs).auth.legacy.until.unwrap().micros()
    };
    assert_eq!(until("2026-12-01T00:00:00Z"), 1_796_083_200_000_000);
    assert_eq!(until("2026-12-01T01:30:00.000001+01:30"), 1_796_083_200_000_001);
    assert_eq!(until(" 1999-12-31t23:59:59z "), 946_684_799_000_000);
    let missing = [("BETTER_AUTH_SECRET", " "), ("LEGACY_TOKENS_UNTIL", "2026-12-01T00:00:00Z")];
    let faults = load(&with(&PRODUCTION, &missing)).unwrap_err().to_string();
    assert!(
        faults.starts_with("LEGACY_TOKENS_UNTIL: is set, but there is no BETTER_AUTH_SECRET"),
        "{faults}"
    );
    // A known secret is there, although it verifies nothing: a warning is enough.
    let known = [("BETTER_AUTH_SECRET", "changeme"), ("LEGACY_TOKENS_UNTIL", "2026-12-01T00:00:00Z")];
    assert!(warnings(&with(&PRODUCTION, &known)).contains("no token of the FastAPI backend is accepted"));
}

#[test]
fn encryption_keys_are_as_strong_as_secrets_and_one_is_generated_in_local_development_alone() {
    let directory = TempDir::new().unwrap();
    let local = load_in(directory.path(), &[]).unwrap().settings.encryption;
    assert_eq!(local.key, SecretSource::Generated { path: directory.path().join("data/encryption-key") });
    let production = settings(&PRODUCTION).encryption;
    assert_eq!((production.key, production.previous_keys.len()), (SecretSource::Unneeded, 0));

    let (key, old) = (STRONG.replace('0', "6"), STRONG.replace('0', "7"));
    let keys = [("ENCRYPTION_KEY", key.as_str()), ("ENCRYPTION_PREVIOUS_KEYS", old.as_str())];
    let encryption = settings(&with(&PRODUCTION, &keys)).encryption;
    assert!(matches!(encryption.key, SecretSource::Given(given) if given.expose() == key.as_bytes()));
    assert_eq!(encryption.previous_keys[0].expose(), old.as_bytes());

    let weak = [("ENCRYPTION_KEY", "hunter2"), ("ENCRYPTION_PREVIOUS_KEYS", "changeme")];
    let faults = load(&with(&PRODUCTION, &weak)).unwrap_err().to_string();
    assert_eq!(faults.lines().count(), 2, "{faults}");
    assert!(faults.contains("ENCRYPTION_KEY: has 7 bytes"), "{faults}");
    assert!(faults.contains("ENCRYPTION_PREVIOUS_KEYS: entry 1 is, or holds, a published"), "{faults}");

    let same = [("ENCRYPTION_KEY", STRONG), ("JWT_SECRET", STRONG)];
    assert!(warnings(&with(&PRODUCTION, &same)).contains("ENCRYPTION_KEY: is JWT_SECRET as well"));
}

#[test]
fn peppers_are_as_strong_as_secrets_and_each_is_loaded_once() {
    let (one, two) = (STRONG.replace('0', "8"), STRONG.replace('0', "7"));
    let pepper = STRONG.replace('0', "6");
    assert_eq!(settings(&PRODUCTION).passwords.pepper, None);
    let list = format!("{one}, {two},{pepper},{one}");
    let peppered = [("PASSWORD_PEPPER", pepper.as_str()), ("PASSWORD_PREVIOUS_PEPPERS", &list)];
    let loaded = load(&with(&PRODUCTION, &peppered)).unwrap();
    let passwords = loaded.settings.passwords;
    assert_eq!(passwords.pepper.unwrap().expose(), pepper.as_bytes());
    let previous: Vec<_> = passwords.previous_peppers.iter().map(|secret| secret.expose().to_vec()).collect();
    assert_eq!(previous, [one.into_bytes(), two.into_bytes()]);
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);

    let weak = [("PASSWORD_PEPPER", "hunter2"), ("PASSWORD_PREVIOUS_PEPPERS", "changeme")];
    let faults = load(&with(&PRODUCTION, &weak)).unwrap_err().to_string();
    assert_eq!(faults.lines().count(), 2, "{faults}");
    assert!(faults.contains("PASSWORD_PEPPER: has 7 bytes"), "{faults}");
    assert!(faults.contains("PASSWORD_PREVIOUS_PEPPERS: entry 1 is, or holds, a published"), "{faults}");

    let same = [("PASSWORD_PEPPER", STRONG), ("JWT_SECRET", STRONG)];
    assert!(warnings(&with(&PRODUCTION, &same)).contains("PASSWORD_PEPPER: is JWT_SECRET as well"));
}

#[test]
fn previous_secrets_verify_each_once() {
    let (one, two) = (STRONG.replace('0', "8"), STRONG.replace('0', "7"));
    let list = format!("{one}, {two},{STRONG},{one}");
    let loaded = load(&with(&PRODUCTION, &[("JWT_PREVIOUS_SECRETS", &list)])).unwrap();
    let previous: Vec<_> =
        loaded.settings.auth.previous_secrets.iter().map(|secret| secret.expose().to_vec()).collect();
    assert_eq!(previous, [one.into_bytes(), two.into_bytes()]);
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
}

#[test]
fn database_urls_follow_their_precedence_and_migrations_go_around_a_pooler() {
    let database = |pairs: Pairs| settings(&with(&[("ENVIRONMENT", "development")], pairs)).database;
    let pooled = "postgresql://u:hunter2@a-pooler.x/app";
    let chosen = database(&[
        ("POSTGRES_URL", "sqlite://c.db"),
        ("DATABASE_URL", "sqlite://b.db"),
        ("NEON_DATABASE_URL", pooled),
    ]);
    assert_eq!(chosen.url.redacted(), "postgres://a-pooler.x:5432/app");
    let chosen = database(&[
        ("NEON_DATABASE_URL", pooled),
        ("DATABASE_URL_UNPOOLED", "postgresql://u:hunter2@a.x/app"),
    ]);
    assert_eq!(chosen.url.redacted(), "postgres://a-pooler.x:5432/app");
    assert_eq!(chosen.migration_url.redacted(), "postgres://a.x:5432/app");
    let alone = database(&[("DATABASE_URL_UNPOOLED", "postgresql://u:hunter2@a.x/app")]);
    assert_eq!(
        [&alone.url, &alone.migration_url].map(DatabaseUrl::redacted),
        ["sqlite://data/holdfast.db"; 2]
    );
    let told = warnings(&[("NEON_DATABASE_URL", "sqlite://a.db"), ("DATABASE_URL", "sqlite://b.db")]);
    assert!(told.contains("NEON_DATABASE_URL: and DATABASE_URL differ"), "{told}");
}

#[test]
fn a_wrong_direct_url_is_told_together_with_what_is_wrong_with_the_main_one() {
    let faults = load(&with(
        &PRODUCTION,
        &[("DATABASE_URL", "postgresql://u:hunter2@a-pooler.x/app"), ("DATABASE_URL_UNPOOLED", "nonsense")],
    ))
    .unwrap_err()
    .to_string();
    assert!(faults.contains("DATABASE_URL: allows a connection without TLS"), "{faults}");
    assert!(faults.contains("DATABASE_URL_UNPOOLED: is not a URL"), "{faults}");
}

#[test]
fn a_file_of_the_fastapi_backend_is_never_passed_over_in_silence() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("app.db");
    let schema =
        |text: &str| [b"SQLite format 3\0".as_slice(), &[0; 900], text.as_bytes(), &[0; 900]].concat();
    for text in ["CREATE TABLE task (\n\ttitle VARCHAR", "CREATE TABLE \"user\" (\n\temail VARCHAR"] {
        fs::write(&file, schema(text)).unwrap();
        let faults = load_in(directory.path(), &[]).unwrap_err();
        assert_one_fault(
            &faults,
            "DATABASE_URL",
            "./app.db holds the FastAPI backend's tables",
            "DATABASE_URL=sqlite://app.db",
        );
        let placeholder = [("DATABASE_URL", "postgresql://user:password@localhost:5432/todo_db")];
        assert!(load_in(directory.path(), &placeholder).is_err());
        assert!(load_in(directory.path(), &[("DATABASE_URL", "sqlite://app.db")]).is_ok());
    }
    for text in ["CREATE TABLE tasks (", "CREATE TABLE users (", ""] {
        fs::write(&file, schema(text)).unwrap();
        assert!(load_in(directory.path(), &[]).is_ok(), "{text}");
    }
    fs::write(&file, "CREATE TABLE task (").unwrap();
    assert!(load_in(directory.path(), &[]).is_ok());
}

#[test]
fn names_without_effect_are_warned_of_with_the_nearest_known_one() {
    for name in WITHOUT_EFFECT {
        let told = warnings(&[("JWT_SECRET", STRONG), (name, "hunter2")]);
        assert_eq!(told, format!("{name}: is a variable of the FastAPI backend that has no effect here"));
    }
    for (name, known) in [
        ("JWT_SECRETS", "JWT_SECRET"),
        ("DATABASE_POOLSIZE", "DATABASE_POOL_SIZE"),
        ("HASH_CONCURENCY", "HASH_CONCURRENCY"),
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("RATE_LIMITS", "RATE_LIMIT"),
        ("REDIS_ULR", "REDIS_URL"),
    ] {
        let told = warnings(&[("JWT_SECRET", STRONG), (name, "hunter2")]);
        assert!(
            told.starts_with(&format!("{name}: ")) && told.ends_with(&format!("the nearest is {known}")),
            "{told}"
        );
    }
    assert_eq!(warnings(&[("JWT_SECRET", STRONG), ("PATH", "/bin"), ("PORTS", "1"), ("JWT_X", "")]), "");
}

#[test]
fn in_our_files_every_unknown_name_is_warned_of_but_never_what_may_be_a_secret() {
    let directory = TempDir::new().unwrap();
    let text = format!(
        "port=1\nPORTS=2\nMY_APP=3\nZm9vYmFyaHVudGVyMg==\nPORT=4\nPORT=5\nJWT_ISSUER=${{X}}\nJWT_SECRET={STRONG}\n"
    );
    fs::write(directory.path().join(".env"), text).unwrap();
    let loaded = load_in(directory.path(), &[]).unwrap();
    let told: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(loaded.settings.http.port, 5);
    let expected = [
        "port: is not a variable of this server and has no effect (.env line 1); the nearest is PORT",
        "PORTS: is not a variable of this server and has no effect (.env line 2); the nearest is PORT",
        "MY_APP: is not a variable",
        ".env: line 4 sets a name that is not a variable of this server",
        "PORT: is set more than once in .env; line 6 counts",
        "JWT_ISSUER: .env line 7 holds a ${…}",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn the_description_reads_as_text_and_as_json() {
    let described = settings(&with(&PRODUCTION, &[("LOG_LEVEL", "WARNING")]));
    let text = described.describe().to_string();
    assert_eq!(text.lines().count(), ALL.len());
    assert!(
        text.lines().any(|line| line.starts_with("LOG_LEVEL ") && line.ends_with("  warn  (environment)")),
        "{text}"
    );
    let json = serde_json::to_value(described.describe()).unwrap();
    let row = json.as_array().unwrap().iter().find(|row| row["variable"] == "JWT_SECRET").unwrap();
    assert_eq!(
        *row,
        serde_json::json!({"variable": "JWT_SECRET", "value": "[redacted]", "source": "environment"})
    );
    let row = json.as_array().unwrap().iter().find(|row| row["variable"] == "DATABASE_URL").unwrap();
    assert_eq!(row["value"], "postgres://db.example:5432/app");
}

#[test]
fn a_generated_secret_is_kept_readable_by_its_owner_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data/secret");
    let first = load_or_create_secret("JWT_SECRET", &path).unwrap();
    assert_eq!(first.expose().len(), 64);
    assert!(load_or_create_secret("JWT_SECRET", &path).unwrap() == first);
    assert!(
        load(&with(&PRODUCTION, &[("JWT_SECRET", std::str::from_utf8(first.expose()).unwrap())])).is_ok()
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(
        fs::read_dir(directory.path().join("data")).unwrap().count(),
        1,
        "nothing else is left behind"
    );
    for unusable in [b"short".as_slice(), b"", b"\xff\xfe\xff\xfe"] {
        fs::write(&path, unusable).unwrap();
        assert!(
            load_or_create_secret("JWT_SECRET", &path).unwrap_err().to_string().contains("remove the file")
        );
    }
}

#[test]
fn processes_that_start_at_once_agree_on_one_generated_secret() {
    for _ in 0..20 {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("data/secret");
        let start = std::sync::Barrier::new(8);
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        load_or_create_secret("JWT_SECRET", &path).unwrap().expose().to_vec()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(secrets.iter().collect::<BTreeSet<_>>().len(), 1);
    }
}

fn in_the_repository(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn the_example_file_lists_exactly_the_known_variables_with_their_defaults() {
    let text = in_the_repository(".env.example");
    let mut lines = text.lines().peekable();
    let mut listed = Vec::new();
    while let Some(line) = lines.next() {
        let next = lines.peek().and_then(|next| next.strip_prefix('#')).filter(|next| !next.starts_with(' '));
        if let (Some(comment), Some((name, value))) =
            (line.strip_prefix("# "), next.and_then(|next| next.split_once('=')))
        {
            listed.push((comment.to_owned(), name.to_owned(), value.to_owned()));
            lines.next();
        } else {
            assert!(line.is_empty() || line.starts_with("# "), "everything is commented out: {line}");
        }
    }
    let known: Vec<_> = ALL
        .iter()
        .map(|variable| {
            let meaning = variable.meaning;
            let (comment, value) = match variable.default {
                Fallback::Text(text) => (meaning.to_owned(), text),
                Fallback::Computed(rule) => (format!("{meaning} Default: {rule}."), ""),
                Fallback::Nothing => (meaning.to_owned(), ""),
            };
            (comment, variable.name.to_owned(), value.to_owned())
        })
        .collect();
    assert_eq!(listed, known);
}

#[test]
fn the_example_file_with_its_comments_taken_away_still_loads() {
    let directory = TempDir::new().unwrap();
    let text: String = in_the_repository(".env.example")
        .lines()
        .map(|line| {
            line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned() + "\n"
        })
        .collect();
    fs::write(directory.path().join(".env"), text).unwrap();
    let loaded = load_in(directory.path(), &[]).unwrap();
    assert_eq!(loaded.warnings.len(), 1, "only the generated secret: {:?}", loaded.warnings);
}

#[test]
fn the_documentation_has_a_row_for_each_variable() {
    let text = in_the_repository("docs/configuration.md");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let known: Vec<_> = ALL
        .iter()
        .map(|variable| {
            let default = match variable.default {
                Fallback::Text(text) => format!("`{text}`"),
                Fallback::Computed(_) | Fallback::Nothing => variable.default_text().to_owned(),
            };
            format!(
                "| `{}` | {} | {default} | {} | {} | {} |",
                variable.name, variable.kind, variable.range, variable.meaning, variable.since
            )
        })
        .collect();
    assert_eq!(rows, known);
}

#[test]
fn the_documentation_names_what_may_be_in_a_file_and_what_is_reloaded() {
    let text = in_the_repository("docs/configuration.md");
    let section = |title: &str| {
        let rest = text.split(&format!("\n## {title}\n")).nth(1).unwrap();
        rest.split("\n## ").next().unwrap().to_owned()
    };
    let named = |text: &str| {
        let names = text.split('`').skip(1).step_by(2).filter(|name| ALL.iter().any(|it| it.name == *name));
        names.map(ToOwned::to_owned).collect::<BTreeSet<_>>()
    };
    let files = section("Secrets in files");
    let secrets = ALL.iter().filter(|variable| variable.is_secret()).map(|variable| variable.name.to_owned());
    assert_eq!(named(files.split("may be kept").next().unwrap()), secrets.collect());
    let reload = section("Reload");
    let table = reload.lines().filter(|line| line.starts_with("| ")).collect::<String>();
    let reloaded = RELOADED.iter().map(|name| (*name).to_owned()).chain(["PUBLIC_URL".to_owned()]);
    assert_eq!(named(&table), reloaded.collect());
}

#[test]
fn mail_that_is_on_goes_another_way_without_a_restart_and_mail_that_is_off_needs_one() {
    let off: Vec<_> =
        PRODUCTION.into_iter().filter(|(name, _)| !["SMTP_URL", "MAIL_FROM"].contains(name)).collect();
    let [off, on] = [off.as_slice(), &PRODUCTION].map(settings);
    let elsewhere =
        with(&PRODUCTION, &[("SMTP_URL", "smtps://mail.example"), ("PUBLIC_URL", "https://b.example")]);
    let elsewhere = settings(&elsewhere);
    let changes = |before: &Settings, after: &Settings| -> Vec<_> {
        before.changes(after).iter().map(|change| (change.variable, change.reloaded)).collect()
    };
    assert_eq!(changes(&off, &on), [("SMTP_URL", false), ("MAIL_FROM", false)]);
    assert_eq!(changes(&on, &off), [("SMTP_URL", false), ("MAIL_FROM", false)]);
    assert!(changes(&off, &off.renewed(&on)).is_empty() && changes(&on, &on.renewed(&off)).is_empty());
    assert_eq!(changes(&on, &elsewhere), [("PUBLIC_URL", false), ("SMTP_URL", true)]);
    let renewed = on.renewed(&elsewhere);
    assert_eq!(changes(&on, &renewed), [("SMTP_URL", true)]);
    assert_eq!(renewed.mail.site, on.mail.site, "where links lead is decided at the start");
    let Delivery::Smtp(relay) = &renewed.mail.delivery else { panic!("{:?}", renewed.mail) };
    assert_eq!(relay.to_string(), "smtps://mail.example");
}

fn a_secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!$%&*+_=?^~-]{9,80}"
}

fn a_secret_somewhere(secret: &str) -> Vec<(&'static str, String)> {
    vec![
        ("JWT_SECRET", secret.to_owned()),
        ("BETTER_AUTH_SECRET", secret.to_owned()),
        ("JWT_PREVIOUS_SECRETS", format!("{secret},{STRONG},{secret}")),
        ("PASSWORD_PEPPER", secret.to_owned()),
        ("PASSWORD_PREVIOUS_PEPPERS", format!("{STRONG},{secret},{secret}")),
        ("ENCRYPTION_KEY", secret.to_owned()),
        ("ENCRYPTION_PREVIOUS_KEYS", format!("{secret},{STRONG}")),
        ("DATABASE_URL", format!("postgresql://app:{secret}@db.example/app")),
        ("NEON_DATABASE_URL", format!("postgresql://app:{secret}@a-pooler.example/app?sslmode=require")),
        ("POSTGRES_URL", format!("postgres+x://app:{secret}@db.example")),
        ("DATABASE_URL_UNPOOLED", format!("postgresql://app:{secret}@db.example:port/app")),
        (
            "DATABASE_READ_URL",
            format!("postgresql://app:{secret}@replica.example/app?sslmode=require&x={secret}"),
        ),
        ("PGPASSWORD", secret.to_owned()),
        ("JWT_SECRRET", secret.to_owned()),
        ("PUBLIC_URL", format!("https://app:{secret}@api.example")),
        ("SMTP_URL", format!("smtps://app:{secret}@mail.example")),
        ("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization=Bearer%20{secret}")),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", format!("key={secret},{secret}")),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://app:{secret}@collector.example:4318")),
        ("ALLOWED_ORIGINS", format!("https://app:{secret}@api.example")),
    ]
}

proptest! {
    #[test]
    fn neither_fault_nor_warning_nor_description_ever_holds_a_secret(
        secret in a_secret(),
        chosen in proptest::collection::vec(any::<bool>(), 20),
        named in proptest::option::of(prop_oneof![Just("development"), Just("staging"), Just("production")]),
        in_a_file in any::<bool>(),
        quote in prop_oneof![Just(""), Just("'"), Just("\"")],
    ) {
        let directory = TempDir::new().unwrap();
        let mut pairs: Vec<_> = a_secret_somewhere(&secret)
            .into_iter()
            .zip(chosen)
            .filter_map(|(pair, chosen)| chosen.then_some(pair))
            .collect();
        pairs.extend(named.map(|environment| ("ENVIRONMENT", environment.to_owned())));
        if in_a_file {
            let mut lines: Vec<_> =
                pairs.iter().map(|(name, value)| format!("{name}={quote}{value}{quote}")).collect();
            lines.extend([secret.clone(), format!("{secret}==")]);
            fs::write(directory.path().join(".env"), lines.join("\n")).unwrap();
            pairs.clear();
        }
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let told = match load_in(directory.path(), &pairs) {
            Ok(loaded) => {
                let description = loaded.settings.describe();
                let json = serde_json::to_string(description).unwrap();
                format!("{description}{json}{:?}{loaded:?}", loaded.warnings)
            }
            Err(faults) => format!("{faults}{faults:?}"),
        };
        prop_assert!(!told.contains(&secret), "{}", told);
    }
}
