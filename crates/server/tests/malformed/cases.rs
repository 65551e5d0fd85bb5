//! The table. One line of told faults for each fault, in the order of the documentation.

use holdfast_testkit::keys::{ED25519, RSA_1024};

use super::case::Case;

const WEAK: &str = "32 bytes";
const ONE_LINE: &str = "holds a line break or another control character";
const SECRET_FILE: &str =
    "the path of a UTF-8 text file of at most 64 KiB that holds JWT_SECRET and nothing else";
const ENV_FILE: &str = "a UTF-8 text file of NAME=value lines";
const ORIGIN: &str = "scheme://host[:port]";
const POSTGRES: &str = "postgresql://";

pub(crate) fn all() -> Vec<Case> {
    [
        numbers(),
        words(),
        addresses(),
        databases(),
        redis(),
        secrets(),
        secret_files(),
        key_directories(),
        env_files(),
        together(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn numbers() -> Vec<Case> {
    let dev = Case::development;
    vec![
        dev("a word for a port").set("PORT", "http").told(
            "PORT",
            "\"http\" is not a whole number",
            "0–65535",
        ),
        dev("a port below zero").set("PORT", "-1").told("PORT", "\"-1\" is not a whole number", "0–65535"),
        dev("a port with a sign").set("PORT", "+80").told("PORT", "is not a whole number", "0–65535"),
        dev("a port beyond 16 bits").set("PORT", "65536").told(
            "PORT",
            "\"65536\" is out of range",
            "0–65535",
        ),
        dev("a port in other digits").set("PORT", "８０").told("PORT", "is not a whole number", "0–65535"),
        dev("a port that is no UTF-8").set_bytes("PORT", b"80\xff").told(
            "PORT",
            "is not valid UTF-8",
            "0–65535",
        ),
        dev("a port over two lines").set("PORT", "80\n81").told("PORT", ONE_LINE, "0–65535"),
        dev("a huge port").set("PORT", &"9".repeat(100_000)).told(
            "PORT",
            "9999…\" is out of range",
            "0–65535",
        ),
        dev("a pool of none").set("DATABASE_POOL_SIZE", "0").told(
            "DATABASE_POOL_SIZE",
            "0 is out of range",
            "1–1000",
        ),
        dev("a pool with a separator").set("DATABASE_POOL_SIZE", "1_000").told(
            "DATABASE_POOL_SIZE",
            "\"1_000\" is not a whole number",
            "1–1000",
        ),
        dev("milliseconds").set("DRAIN_DELAY", "500ms").told(
            "DRAIN_DELAY",
            "\"500ms\" is not a whole number",
            "seconds",
        ),
        dev("minutes for seconds").set("DRAIN_DELAY", "1m").told(
            "DRAIN_DELAY",
            "is not a whole number",
            "seconds",
        ),
        dev("a fraction").set("DRAIN_DELAY", "1.5").told(
            "DRAIN_DELAY",
            "\"1.5\" is not a whole number",
            "0–60",
        ),
        dev("minutes with their unit").set("ACCESS_TOKEN_MINUTES", "15m").told(
            "ACCESS_TOKEN_MINUTES",
            "\"15m\" is not a whole number",
            "1–60",
        ),
        dev("an idle session that outlives itself").set("REFRESH_TOKEN_IDLE_DAYS", "31").told(
            "REFRESH_TOKEN_MAX_DAYS",
            "30 days are less than REFRESH_TOKEN_IDLE_DAYS, which is 31",
            "at least REFRESH_TOKEN_IDLE_DAYS",
        ),
        dev("a limit with its unit").set("RATE_LIMIT_SIGN_IN_PER_MINUTE", "10/m").told(
            "RATE_LIMIT_SIGN_IN_PER_MINUTE",
            "\"10/m\" is not a whole number",
            "1–1000",
        ),
        dev("a wait below the first one").set("RATE_LIMIT_MAX_DELAY", "10").told(
            "RATE_LIMIT_MAX_DELAY",
            "10 s are less than a first wait of 30 s",
            "at least RATE_LIMIT_NETWORK_DELAY",
        ),
    ]
}

fn words() -> Vec<Case> {
    let dev = Case::development;
    vec![
        dev("an unknown environment").set("ENVIRONMENT", "prod").told(
            "ENVIRONMENT",
            "\"prod\"",
            "production",
        ),
        dev("two environments").set("ENVIRONMENT", "development production").told(
            "ENVIRONMENT",
            "is not one of its words",
            "staging",
        ),
        dev("an unknown level").set("LOG_LEVEL", "verbose").told(
            "LOG_LEVEL",
            "\"verbose\"",
            "trace, debug, info",
        ),
        dev("an unknown format").set("LOG_FORMAT", "yaml").told("LOG_FORMAT", "\"yaml\"", "json, text"),
        dev("a protocol that is not spoken").set("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").told(
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "\"grpc\" is not spoken here",
            "http/protobuf",
        ),
        dev("a sampler of another program")
            .set("OTEL_TRACES_SAMPLER", "xray")
            .set("OTEL_TRACES_SAMPLER_ARG", "1:2")
            .told("OTEL_TRACES_SAMPLER", "\"xray\"", "parentbased_always_on")
            .told("OTEL_TRACES_SAMPLER_ARG", "\"1:2\"", "0–1"),
        dev("headers for the collector without names")
            .set("OTEL_EXPORTER_OTLP_HEADERS", "Bearer hunter2-token")
            .told("OTEL_EXPORTER_OTLP_HEADERS", "entry 1 has no =", "name=value"),
        dev("a collector with a password in its address")
            .set("OTEL_EXPORTER_OTLP_ENDPOINT", "https://app:hunter2@collector.example")
            .told("OTEL_EXPORTER_OTLP_ENDPOINT", "names a user or a password", "without user"),
        dev("neither true nor false").set("MIGRATE_ON_START", "maybe").told(
            "MIGRATE_ON_START",
            "\"maybe\" is neither true nor false",
            "true, false",
        ),
        dev("a number for a switch").set("REQUIRE_IF_MATCH", "2").told(
            "REQUIRE_IF_MATCH",
            "\"2\" is neither true nor false",
            "true, false",
        ),
        dev("no algorithm").set("JWT_ALGORITHM", "none").told(
            "JWT_ALGORITHM",
            "\"none\"",
            "HS256, EdDSA, RS256",
        ),
        dev("an issuer without end").set("JWT_ISSUER", &"i".repeat(256)).told(
            "JWT_ISSUER",
            "a text of 256 characters is out of range",
            "1–255 characters",
        ),
        dev("a day for a point in time")
            .set("BETTER_AUTH_SECRET", "hunter2-the-fastapi-backends-secret")
            .set("JWT_SECRET", "hunter2-0f1e2d3c4b5a69788796a5b4c3d2e1f0")
            .set("LEGACY_TOKENS_UNTIL", "2026-12-01")
            .told("LEGACY_TOKENS_UNTIL", "is not a date and time with its offset", "RFC 3339"),
        dev("a sender without an address").set("MAIL_FROM", "Holdfast").told(
            "MAIL_FROM",
            "\"Holdfast\"",
            "name@example.com",
        ),
        Case::production("mail from nobody").set("MAIL_FROM", " ").told(
            "MAIL_FROM",
            "is not set",
            "name@example.com",
        ),
        Case::production("a relay by HTTP")
            .set("SMTP_URL", "https://app:hunter2@mail.example")
            .told("SMTP_URL", "", "smtps://"),
        Case::production("mail in clear text").set("SMTP_URL", "smtp://app:hunter2@mail.example").told(
            "SMTP_URL",
            "in clear text to another machine",
            "tls=required",
        ),
    ]
}

fn addresses() -> Vec<Case> {
    let dev = Case::development;
    vec![
        dev("a name for an address").set("HOST", "example.com").told(
            "HOST",
            "is not an IP address",
            "localhost",
        ),
        dev("a port in the address").set("HOST", "127.0.0.1:80").told(
            "HOST",
            "holds a port",
            "an IP address",
        ),
        dev("a blank in the address").set("HOST", "127.0.0.1 ::1").told(
            "HOST",
            "is not an IP address",
            "an IP address",
        ),
        dev("every origin").set("ALLOWED_ORIGINS", "*").told("ALLOWED_ORIGINS", "every site", ORIGIN),
        dev("an origin with a path").set("ALLOWED_ORIGINS", "https://a.example/app").told(
            "ALLOWED_ORIGINS",
            "has a path",
            ORIGIN,
        ),
        dev("an origin without a scheme").set("ALLOWED_ORIGINS", "a.example").told(
            "ALLOWED_ORIGINS",
            "has no scheme",
            ORIGIN,
        ),
        dev("an origin with a password").set("ALLOWED_ORIGINS", "https://u:hunter2@a.example").told(
            "ALLOWED_ORIGINS",
            "names a user",
            ORIGIN,
        ),
        dev("no origin in a list").set("ALLOWED_ORIGINS", ",").told(
            "ALLOWED_ORIGINS",
            "lists no origin",
            ORIGIN,
        ),
        dev("a name for a network").set("TRUSTED_PROXIES", "proxy.internal").told(
            "TRUSTED_PROXIES",
            "neither an IP address nor a CIDR",
            "CIDR networks",
        ),
        dev("a network of too many bits").set("TRUSTED_PROXIES", "10.0.0.0/33").told(
            "TRUSTED_PROXIES",
            "neither",
            "CIDR networks",
        ),
        dev("a front end without a scheme").set("PUBLIC_URL", "app.example").told(
            "PUBLIC_URL",
            "is not an absolute URL",
            "absolute",
        ),
        dev("a front end with a password").set("PUBLIC_URL", "https://u:hunter2@app.example").told(
            "PUBLIC_URL",
            "names a user or a password",
            "without user",
        ),
    ]
}

fn redis() -> Vec<Case> {
    let url = |name, url| Case::development(name).set("REDIS_URL", url);
    let not_one = |name, text| url(name, text).told("REDIS_URL", "is not a URL of Redis", "rediss://");
    vec![
        not_one("a host alone", "cache.example:6379"),
        not_one("Redis by HTTP", "https://app:hunter2@cache.example"),
        not_one("nowhere", "redis://:hunter2@"),
        not_one("everywhere", "redis://:hunter2@0.0.0.0:6379"),
        not_one("a word for the port of Redis", "redis://:hunter2@cache.example:redis"),
        not_one("a word for a number", "rediss://:hunter2@cache.example/cache"),
        not_one("a blank in a host", "rediss://:hunter2@cache example"),
        not_one("a socket of nothing", "redis+unix://hunter2"),
        url("a number below zero", "redis://:hunter2@localhost/-1").told(
            "REDIS_URL",
            "names no database",
            "redis://",
        ),
        url("a password as a parameter", "rediss://cache.example?password=hunter2").told(
            "REDIS_URL",
            "a parameter that is not known",
            "percent-encoded",
        ),
        url("a certificate that is not looked at", "rediss://:hunter2@cache.example/#insecure").told(
            "REDIS_URL",
            "verification of the certificate off",
            "rediss://",
        ),
        Case::production("Redis in clear text").set("REDIS_URL", "redis://:hunter2@cache.example").told(
            "REDIS_URL",
            "to another machine in clear text, in production",
            "rediss://",
        ),
        Case::production("Redis in a file that is not there").set("REDIS_URL_FILE", "/no/such").told(
            "REDIS_URL_FILE",
            "\"/no/such\" does not exist",
            "holds REDIS_URL and nothing else",
        ),
    ]
}

fn databases() -> Vec<Case> {
    let (dev, production) = (Case::development, Case::production);
    let url = |name, url| dev(name).set("DATABASE_URL", url);
    vec![
        url("no scheme", "app:hunter2@db.example/app").told("DATABASE_URL", "", POSTGRES),
        url("another database", "mysql://app:hunter2@db.example/app").told(
            "DATABASE_URL",
            "unknown scheme",
            POSTGRES,
        ),
        url("a URL of Java", "jdbc:postgresql://db.example/app?password=hunter2").told(
            "DATABASE_URL",
            "",
            POSTGRES,
        ),
        url("quotes around it", "\"postgresql://app:hunter2@db.example/app\"").told(
            "DATABASE_URL",
            "",
            POSTGRES,
        ),
        url("a word for the port", "postgresql://app:hunter2@db.example:x/app").told(
            "DATABASE_URL",
            "",
            POSTGRES,
        ),
        url("a port beyond 16 bits", "postgresql://app:hunter2@db.example:70000/app").told(
            "DATABASE_URL",
            "",
            POSTGRES,
        ),
        url("a slash in the password", "postgresql://app:hunter2/x@db.example/app").told(
            "DATABASE_URL",
            "",
            POSTGRES,
        ),
        url("several hosts", "postgresql://app:hunter2@a,b/app").told("DATABASE_URL", "several hosts", "one"),
        url("an unknown sslmode", "postgresql://app:hunter2@db.example/app?sslmode=maybe").told(
            "DATABASE_URL",
            "sslmode",
            "require",
        ),
        url("SQLite without a file", "sqlite://").told(
            "DATABASE_URL",
            "in memory",
            "sqlite://data/holdfast.db",
        ),
        url("a database in memory", "sqlite::memory:").told(
            "DATABASE_URL",
            "in memory",
            "sqlite://data/holdfast.db",
        ),
        url("a huge one", &format!("postgresql://app:hunter2@db.example/{}?sslmode=x", "a".repeat(100_000)))
            .told("DATABASE_URL", "sslmode", ""),
        dev("the first counts, and it is wrong")
            .set("NEON_DATABASE_URL", "http://hunter2@db.example")
            .set("DATABASE_URL", "sqlite://app.db")
            .told("NEON_DATABASE_URL", "unknown scheme", POSTGRES),
        production("no database").unset("DATABASE_URL").told(
            "DATABASE_URL",
            "is not set, and production needs one",
            "postgres://",
        ),
        production("present but empty").set("DATABASE_URL", " \t ").told(
            "DATABASE_URL",
            "is not set",
            "postgres://",
        ),
        production("without TLS").set("DATABASE_URL", "postgresql://app:hunter2@db.example/app").told(
            "DATABASE_URL",
            "without TLS",
            "sslmode=require",
        ),
        production("SQLite").set("DATABASE_URL", "sqlite://data/app.db").told(
            "DATABASE_URL",
            "is SQLite",
            "ALLOW_SQLITE_IN_PRODUCTION=true",
        ),
        production("the placeholder")
            .set("DATABASE_URL", "postgresql://user:password@localhost:5432/todo_db")
            .told("DATABASE_URL", "is not set", "postgres://"),
        production("a certificate that is not there")
            .set(
                "DATABASE_URL",
                "postgresql://app:hunter2@db.example/app?sslmode=verify-full&sslrootcert=/no/such.pem",
            )
            .told("DATABASE_URL", "a file in sslrootcert", "a PEM file"),
        production("a wrong direct URL")
            .set("DATABASE_URL", "postgresql://app:hunter2@a-pooler.example/app?sslmode=require")
            .set("DATABASE_URL_UNPOOLED", "hunter2")
            .told("DATABASE_URL_UNPOOLED", "is not a URL", POSTGRES),
    ]
}

fn secrets() -> Vec<Case> {
    let production = Case::production;
    let secret = |name, secret| production(name).set("JWT_SECRET", secret);
    vec![
        production("no secret").unset("JWT_SECRET").told(
            "JWT_SECRET",
            "is not set, and production needs one",
            WEAK,
        ),
        secret("an empty one", "").told("JWT_SECRET", "is not set", WEAK),
        secret("white space alone", " \t\u{a0}").told("JWT_SECRET", "is not set", WEAK),
        secret("a short one", "hunter2").told("JWT_SECRET", "has 7 bytes", WEAK),
        secret("a published one", "dev-secret-change-in-production").told(
            "JWT_SECRET",
            "published example",
            WEAK,
        ),
        secret("a repeated one", &"hunter2".repeat(9)).told("JWT_SECRET", "repeats", WEAK),
        secret("a repeated huge one", &"x".repeat(100_000)).told("JWT_SECRET", "repeats", WEAK),
        secret("one over two lines", "hunter2-0f1e2d3c4b5a6978\n8796a5b4c3d2e1f00123456789abcdef").told(
            "JWT_SECRET",
            ONE_LINE,
            WEAK,
        ),
        production("one that is no UTF-8")
            .set_bytes("JWT_SECRET", b"hunter2-0f1e2d3c4b5a69788796a5b4c3d2e1f0\xfe\xff")
            .told("JWT_SECRET", "is not valid UTF-8", WEAK),
        production("a weak stand-in").unset("JWT_SECRET").set("BETTER_AUTH_SECRET", "hunter2").told(
            "JWT_SECRET (taken from BETTER_AUTH_SECRET)",
            "has 7 bytes",
            WEAK,
        ),
        production("a weak one among earlier ones")
            .set("JWT_PREVIOUS_SECRETS", "hunter2-aa1e2d3c4b5a69788796a5b4c3d2e1f0,hunter2")
            .told("JWT_PREVIOUS_SECRETS", "entry 2 has 7 bytes", WEAK),
        production("a weak pepper").set("PASSWORD_PEPPER", "hunter2").told(
            "PASSWORD_PEPPER",
            "has 7 bytes",
            WEAK,
        ),
        production("a weak encryption key").set("ENCRYPTION_KEY", "changeme-hunter2").told(
            "ENCRYPTION_KEY",
            "published example",
            WEAK,
        ),
        Case::development("reachable, and nobody said that it is development")
            .unset("ENVIRONMENT")
            .set("HOST", "0.0.0.0")
            .told("JWT_SECRET", "none is generated because ENVIRONMENT is not set", WEAK),
    ]
}

fn secret_files() -> Vec<Case> {
    let by_file = |name| Case::production(name).unset("JWT_SECRET").set("JWT_SECRET_FILE", "./jwt");
    let told = |case: Case, problem| case.told("JWT_SECRET_FILE", problem, SECRET_FILE);
    vec![
        told(by_file("a secret's file that is not there"), "\"./jwt\" does not exist"),
        told(by_file("a directory for a secret").directory("jwt"), "is a directory"),
        told(
            by_file("a pipe or device for a secret").set("JWT_SECRET_FILE", "/dev/null"),
            "is not a regular file",
        ),
        told(by_file("a file that cannot be read").link("jwt", "/proc/self/mem"), "cannot be read"),
        told(by_file("an empty file").file("jwt", ""), "is empty"),
        told(by_file("a line break for a secret").file("jwt", "\r\n"), "is empty"),
        told(by_file("a huge file").file("jwt", "hunter2".repeat(10_000)), "is larger than 64 KiB"),
        told(by_file("a file that is no text").file("jwt", b"hunter2\xff\xfe"), "is not valid UTF-8"),
        told(by_file("a file of two lines").file("jwt", "hunter2\nhunter2\n"), ONE_LINE),
        told(by_file("a file with a NUL").file("jwt", "hunter2-0f1e2d3c4b5a69788796a5b4c3d2\0"), ONE_LINE),
        told(
            by_file("a blank at the end").file("jwt", "hunter2-0f1e2d3c4b5a69788796a5b4c3d2 \n"),
            "white space",
        ),
        told(
            by_file("a mark of byte order").file("jwt", "\u{feff}hunter2-0f1e2d3c4b5a69788796a5b4\n"),
            "byte order mark",
        ),
        told(
            by_file("the secret for its path")
                .set("JWT_SECRET_FILE", "hunter2-0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
            "its path (not shown: it does not begin with / or ./, and may be the secret itself) does not exist",
        ),
        by_file("a weak secret in a file").file("jwt", "hunter2\n").told("JWT_SECRET", "has 7 bytes", WEAK),
        Case::production("both")
            .set("JWT_SECRET_FILE", "./jwt")
            .file("jwt", "hunter2-aa1e2d3c4b5a69788796a5b4c3d2e1f0")
            .told(
                "JWT_SECRET_FILE",
                "is set, and so is JWT_SECRET, both by the same source (environment)",
                "one of",
            ),
        Case::production("both in a file")
            .unset("SMTP_URL")
            .file(".env", "SMTP_URL=smtps://app:hunter2@mail.example\nSMTP_URL_FILE=./smtp\n")
            .told("SMTP_URL_FILE", "is set, and so is SMTP_URL, both by the same source (.env)", "one of"),
        Case::production("a database's file that is not there")
            .unset("DATABASE_URL")
            .set("NEON_DATABASE_URL_FILE", "/no/such")
            .told(
                "NEON_DATABASE_URL_FILE",
                "\"/no/such\" does not exist",
                "holds NEON_DATABASE_URL and nothing else",
            ),
        Case::production("the URL for its path")
            .unset("DATABASE_URL")
            .set("DATABASE_URL_FILE", "postgresql://app:hunter2@db.example/app")
            .told("DATABASE_URL_FILE", "may be the secret itself", "holds DATABASE_URL and nothing else"),
        Case::production("a wrong URL in a file")
            .unset("DATABASE_URL")
            .set("DATABASE_URL_FILE", "./url")
            .file("url", "mysql://app:hunter2@db.example/app\n")
            .told("DATABASE_URL", "unknown scheme", POSTGRES),
        Case::production("a weak one in a file of earlier ones")
            .set("PASSWORD_PREVIOUS_PEPPERS_FILE", "./peppers")
            .file("peppers", "hunter2-aa1e2d3c4b5a69788796a5b4c3d2e1f0,hunter2")
            .told("PASSWORD_PREVIOUS_PEPPERS", "entry 2 has 7 bytes", WEAK),
    ]
}

fn key_directories() -> Vec<Case> {
    let keys = |name| Case::production(name).set("JWT_ALGORITHM", "EdDSA").set("JWT_KEY_DIRECTORY", "keys");
    vec![
        Case::production("a key pair without a directory").set("JWT_ALGORITHM", "EdDSA").told(
            "JWT_ALGORITHM",
            "is EdDSA, but JWT_KEY_DIRECTORY is not set",
            "to name a directory with its keys",
        ),
        keys("a directory that is not there").told(
            "JWT_KEY_DIRECTORY",
            "keys\" does not exist",
            "holdfast keys generate",
        ),
        keys("a file for a directory").file("keys", ED25519).told("JWT_KEY_DIRECTORY", "keys", ""),
        keys("a directory without keys").directory("keys").told(
            "JWT_KEY_DIRECTORY",
            "holds no *.pem file",
            "at least one key",
        ),
        keys("a key that others may read").file_of_mode("keys/a.pem", ED25519, 0o644).told(
            "JWT_KEY_DIRECTORY",
            "0644",
            "chmod 600",
        ),
        keys("a key that is none").file("keys/a.pem", "hunter2").told("JWT_KEY_DIRECTORY", "a.pem", ""),
        keys("a key too short").file("keys/a.pem", RSA_1024).told("JWT_KEY_DIRECTORY", "1024 bits", ""),
    ]
}

fn env_files() -> Vec<Case> {
    let env = |name, bytes: &[u8]| Case::development(name).file(".env", bytes);
    vec![
        Case::development("a directory for a file").directory(".env").told(
            ".env",
            "cannot be read",
            ENV_FILE,
        ),
        Case::development("a file that cannot be read").link(".env", "/proc/self/mem").told(
            ".env",
            "cannot be read",
            ENV_FILE,
        ),
        env("a file that is no UTF-8", b"JWT_SECRET=hunter2\xff\n").told(".env", "is not UTF-8", ENV_FILE),
        env("a file in UTF-16", b"\xff\xfeP\0O\0R\0T\0=\08\0").told(".env", "is not UTF-8", ENV_FILE),
        env("a quote that is never closed", b"LOG_LEVEL=debug\nJWT_SECRET=\"hunter2\nPORT=80\n").told(
            ".env",
            "line 2 opens a quote that is never closed",
            ENV_FILE,
        ),
        env("text behind the quote", b"JWT_SECRET='hunter2' hunter2\n").told(
            ".env",
            "line 1 has text after the closing quote",
            ENV_FILE,
        ),
        env("a line without a sign", b"PORT=80\nhunter2\n").told(
            ".env",
            "line 2 is not of the form NAME=value",
            ENV_FILE,
        ),
        env("a line without a name", b"=hunter2\n").told(".env", "line 1 has no valid name", ENV_FILE),
        env("a NUL in a value", b"JWT_AUDIENCE=a\0\n").told("JWT_AUDIENCE", ONE_LINE, "1–255"),
        env(
            "lines of Windows, after a mark of byte order",
            b"\xef\xbb\xbfDATABASE_POOL_SIZE=x\r\nLOG_LEVEL=debug\r\n",
        )
        .told("DATABASE_POOL_SIZE", "\"x\" is not a whole number", "1–1000"),
        env("the last of two counts", b"DATABASE_POOL_SIZE=7\nDATABASE_POOL_SIZE=x\n").told(
            "DATABASE_POOL_SIZE",
            "\"x\" is not a whole number",
            "1–1000",
        ),
        env("a quoted value over two lines", b"JWT_ISSUER='a\nb'\n").told("JWT_ISSUER", ONE_LINE, "1–255"),
        Case::production("a file of another environment")
            .file(".env.production", "ENVIRONMENT=staging\n")
            .told("ENVIRONMENT", ".env.production sets it to \"staging\"", "production"),
    ]
}

fn together() -> Vec<Case> {
    vec![
        Case::production("throttling off").set("RATE_LIMIT", "off").told(
            "RATE_LIMIT",
            "is off in production",
            "on",
        ),
        Case::production("staging has production's rules")
            .set("ENVIRONMENT", "staging")
            .set("RATE_LIMIT", "off")
            .told("RATE_LIMIT", "is off in staging", "on"),
        Case::production("everything at once")
            .set("PORT", "-1")
            .set("ALLOWED_ORIGINS", "*,https://a.example/x")
            .set("LOG_LEVEL", "loud")
            .unset("DATABASE_URL")
            .set("JWT_SECRET", "hunter2")
            .set("PASSWORD_PEPPER_FILE", "./no-such")
            .set("RATE_LIMIT", "off")
            .unset("PUBLIC_URL")
            .file(".env", "hunter2\nACCESS_TOKEN_MINUTES=0\n")
            .told(".env", "line 1 is not of the form NAME=value", ENV_FILE)
            .told("PORT", "\"-1\" is not a whole number", "0–65535")
            .told("ALLOWED_ORIGINS", "every site", ORIGIN)
            .told("ALLOWED_ORIGINS", "has a path", ORIGIN)
            .told("PUBLIC_URL", "is not set", "absolute")
            .told("LOG_LEVEL", "\"loud\"", "trace")
            .told("DATABASE_URL", "is not set, and production needs one", "postgres://")
            .told("JWT_SECRET", "has 7 bytes", WEAK)
            .told("ACCESS_TOKEN_MINUTES", "0 is out of range", "1–60")
            .told(
                "PASSWORD_PEPPER_FILE",
                "\"./no-such\" does not exist",
                "holds PASSWORD_PEPPER and nothing else",
            )
            .told("RATE_LIMIT", "is off in production", "on"),
    ]
}
