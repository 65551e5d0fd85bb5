//! The catalogue of every variable the server knows: name, kind, default, range, meaning, and since when.
//! `.env.example` and `docs/configuration.md` are compared with it by a test. How a value is parsed
//! and judged lives in the sections.

/// Where a value comes from when nobody sets the variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// This text, parsed like any other value.
    Text(&'static str),
    /// Worked out at start, by the rule told here.
    Computed(&'static str),
    /// Nothing: the variable is optional, or required where its section says so.
    Nothing,
}

/// One variable of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The exact, case-sensitive name.
    pub name: &'static str,
    /// The kind of value, as the documentation names it.
    pub kind: &'static str,
    /// What holds when it is not set.
    pub default: Fallback,
    /// The values that are accepted.
    pub range: &'static str,
    /// What it does, in one line.
    pub meaning: &'static str,
    /// The first version that knows it.
    pub since: &'static str,
}

/// The version of everything that says nothing else.
const FIRST: &str = "0.1.0";

impl Variable {
    /// The default as the documentation shows it.
    #[must_use]
    pub fn default_text(&self) -> &'static str {
        match self.default {
            Fallback::Text(text) | Fallback::Computed(text) => text,
            Fallback::Nothing => "none",
        }
    }

    /// Whether its value must never be shown. It may then be kept in a file of its own, which [`FILE_SUFFIX`] names.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, "secret" | "list of secrets" | "database URL" | "Redis URL" | "SMTP URL")
    }

    /// What a fault says is expected.
    pub(super) fn expected(&self) -> String {
        let Self { kind, range, .. } = self;
        format!("{kind} ({range})")
    }
}

/// The variable of that exact name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Variable> {
    ALL.iter().find(|variable| variable.name == name)
}

/// Behind the name of a secret variable: the path of a file that holds its value.
pub const FILE_SUFFIX: &str = "_FILE";

/// The secret variable whose file has this name.
#[must_use]
pub fn of_file(name: &str) -> Option<&'static Variable> {
    find(name.strip_suffix(FILE_SUFFIX)?).filter(|variable| variable.is_secret())
}

/// Where the variable, or the one whose file it names, stands in the documentation; what is no variable stands before all.
pub(super) fn position(name: &str) -> Option<usize> {
    let documented = of_file(name).map_or(name, |variable| variable.name);
    ALL.iter().position(|variable| variable.name == documented)
}

const fn variable(
    name: &'static str,
    kind: &'static str,
    default: Fallback,
    range: &'static str,
    meaning: &'static str,
) -> Variable {
    Variable { name, kind, default, range, meaning, since: FIRST }
}

use Fallback::{Computed, Nothing, Text};

const TRUE_OR_FALSE: &str = "true, false, 1, 0, yes, no, on, off";
const DATABASE_URL: &str =
    "postgres://, postgresql://, postgresql+asyncpg://, postgresql+psycopg2:// or sqlite://";
const STRONG: &str = "at least 32 bytes, not a known or repeated text; 64 characters or more advised";

/// Every variable that has an effect, in the order of the documentation.
#[rustfmt::skip]
pub const ALL: &[Variable] = &[
    variable("ENVIRONMENT", "word", Text("development"), "development, staging, production",
        "Which rules hold; staging has production's."),
    variable("HOST", "address", Text("127.0.0.1"), "an IP address or localhost",
        "The address to listen on; localhost is 127.0.0.1."),
    variable("PORT", "whole number", Text("8000"), "0–65535",
        "The port to listen on; 0 takes any free one."),
    variable("TLS_CERTIFICATE", "path", Nothing, "a PEM file with the server's certificate first, then the intermediate ones; together with TLS_PRIVATE_KEY",
        "The certificate that the listener speaks HTTPS with, read again when it changes; without one it speaks clear text, for a proxy in front."),
    variable("TLS_PRIVATE_KEY", "path", Nothing, "a PEM file with the private key of TLS_CERTIFICATE, not encrypted, readable by its owner alone",
        "The key of that certificate."),
    variable("ALLOWED_ORIGINS", "list of origins", Text("http://localhost:3000,http://127.0.0.1:3000"), "scheme://host[:port] each, exact, no *",
        "The browser origins that may call the API with credentials."),
    variable("TRUSTED_PROXIES", "list of networks", Nothing, "IP addresses or CIDR networks",
        "The proxies whose X-Forwarded-For is believed."),
    variable("PUBLIC_URL", "URL", Nothing, "absolute http:// or https:// without user, query or fragment",
        "The address of the front end, where links in mails lead; where it is not set, the first of ALLOWED_ORIGINS."),
    variable("OPS_ADDRESS", "address", Nothing, "an IP address or localhost, a colon and a port, as 127.0.0.1:9464; not HOST and PORT",
        "Where /metrics and /health/config are served, and nowhere else; not set, they stand beside the API in local development, and nowhere in staging and production."),
    variable("DRAIN_DELAY", "seconds", Text("3"), "0–60",
        "How long the listener still accepts after SIGTERM; 3 and 3s are the same."),
    variable("REQUIRE_IF_MATCH", "boolean", Text("false"), TRUE_OR_FALSE,
        "Whether changing or deleting a task on /api/v1 without If-Match is refused (428)."),
    variable("LOG_LEVEL", "word", Text("info"), "trace, debug, info, warn, warning, error, critical",
        "The least severe log line that is written, in any case."),
    variable("LOG_FORMAT", "word", Computed("json in staging and production, text in development"), "json, text",
        "How log lines look."),
    variable("OTEL_SDK_DISABLED", "boolean", Text("false"), TRUE_OR_FALSE,
        "Whether nothing is exported, whatever else is set; log lines have the trace of their caller all the same."),
    variable("OTEL_EXPORTER_OTLP_ENDPOINT", "URL", Nothing, "absolute http:// or https:// without user, query or fragment; v1/traces is added",
        "The collector that spans are sent to; without it, and without the next one, nothing is recorded."),
    variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "URL", Nothing, "absolute http:// or https:// without user, query or fragment; taken as it stands",
        "The same for traces alone; goes before OTEL_EXPORTER_OTLP_ENDPOINT."),
    variable("OTEL_EXPORTER_OTLP_PROTOCOL", "word", Text("http/protobuf"), "http/protobuf; a collector takes it on port 4318",
        "What is spoken with the collector."),
    variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "word", Nothing, "http/protobuf; a collector takes it on port 4318",
        "The same for traces alone."),
    variable("OTEL_EXPORTER_OTLP_HEADERS", "secret", Nothing, "name=value each, separated by commas, values percent-encoded",
        "Headers for the collector, as authorization=Bearer%20TOKEN."),
    variable("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "secret", Nothing, "name=value each, separated by commas, values percent-encoded",
        "The same for traces alone, in place of OTEL_EXPORTER_OTLP_HEADERS."),
    variable("OTEL_EXPORTER_OTLP_TIMEOUT", "milliseconds", Text("10000"), "1–600000",
        "How long one request to the collector may take."),
    variable("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "milliseconds", Nothing, "1–600000",
        "The same for traces alone."),
    variable("OTEL_EXPORTER_OTLP_COMPRESSION", "word", Text("none"), "none, gzip",
        "How requests to the collector are compressed."),
    variable("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "word", Nothing, "none, gzip",
        "The same for traces alone."),
    variable("OTEL_TRACES_EXPORTER", "word", Text("otlp"), "otlp, none",
        "How spans are exported where there is an address to send them to."),
    variable("OTEL_TRACES_SAMPLER", "word", Text("parentbased_always_on"), "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio",
        "Which requests are recorded; those that are parentbased leave it to the caller where a trusted proxy tells one."),
    variable("OTEL_TRACES_SAMPLER_ARG", "number", Text("1"), "0–1",
        "Which part of the traces the traceidratio samplers record."),
    variable("OTEL_PROPAGATORS", "list of words", Text("tracecontext,baggage"), "tracecontext, none; baggage, b3, b3multi, jaeger, xray and ottrace have no effect",
        "With tracecontext the trace that a trusted proxy tells in traceparent is believed."),
    variable("OTEL_SERVICE_NAME", "text", Computed("service.name of OTEL_RESOURCE_ATTRIBUTES, or holdfast"), "any text",
        "The name of this service in traces."),
    variable("OTEL_RESOURCE_ATTRIBUTES", "list of attributes", Nothing, "name=value each, percent-encoded",
        "What else is told of this service in traces."),
    variable("OTEL_BSP_SCHEDULE_DELAY", "milliseconds", Text("5000"), "1–600000",
        "How long a span waits for others at most before it is sent."),
    variable("OTEL_BSP_EXPORT_TIMEOUT", "milliseconds", Text("30000"), "1–600000",
        "How long the spans of a batch are tried to be sent; then they are dropped."),
    variable("OTEL_BSP_MAX_QUEUE_SIZE", "whole number", Text("2048"), "1–1000000",
        "How many spans may wait; further ones are dropped."),
    variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "whole number", Text("512"), "1–100000, not above OTEL_BSP_MAX_QUEUE_SIZE",
        "How many spans are sent in one request."),
    variable("NEON_DATABASE_URL", "database URL", Nothing, DATABASE_URL,
        "The database; goes before DATABASE_URL."),
    variable("DATABASE_URL", "database URL", Computed("sqlite://data/holdfast.db in development"), DATABASE_URL,
        "The database; required in staging and production."),
    variable("POSTGRES_URL", "database URL", Nothing, DATABASE_URL,
        "The database, when neither of the two above is set."),
    variable("DATABASE_URL_UNPOOLED", "database URL", Nothing, DATABASE_URL,
        "The same database without a pooler in between, for migrations."),
    variable("DATABASE_READ_URL", "database URL", Nothing, "postgres://, postgresql://, postgresql+asyncpg:// or postgresql+psycopg2://; a streaming replica of the database",
        "A replica that lists of tasks are read from while it has everything that anybody was told; the primary answers otherwise."),
    variable("DATABASE_POOL_SIZE", "whole number", Text("10"), "1–1000",
        "How many connections one instance holds at most."),
    variable("DATABASE_STATEMENT_CACHE", "whole number", Text("100"), "0–10000",
        "Prepared statements kept per connection; 0 behind a pooler older than PgBouncer 1.21."),
    variable("DATABASE_WAKE_TIMEOUT", "seconds", Text("5"), "1–60",
        "How long connecting may take in all while there is no live connection (a sleeping Neon database)."),
    variable("MIGRATE_ON_START", "boolean", Text("false"), TRUE_OR_FALSE,
        "Whether serve applies pending migrations on PostgreSQL, too, and adopts a FastAPI database."),
    variable("ALLOW_SQLITE_IN_PRODUCTION", "boolean", Text("false"), TRUE_OR_FALSE,
        "Whether a SQLite file is accepted in staging and production."),
    variable("JWT_SECRET", "secret", Computed("generated into data/secret in local development"), STRONG,
        "Signs tokens with HS256, and verifies what it signed; required in staging and production, unless a key pair signs."),
    variable("JWT_PREVIOUS_SECRETS", "list of secrets", Nothing, STRONG,
        "Earlier secrets whose tokens are still accepted, so that a rotation signs nobody out."),
    variable("BETTER_AUTH_SECRET", "secret", Nothing, "as JWT_SECRET where it signs; beside a JWT_SECRET of any length, but not known or repeated",
        "The FastAPI backend's secret: verifies the tokens that it issued; signs when JWT_SECRET is not set."),
    variable("JWT_ALGORITHM", "word", Text("HS256"), "HS256, EdDSA, RS256",
        "What signs new tokens: the secret (HS256) or a key of JWT_KEY_DIRECTORY. RS256 without a directory is read as HS256, with a warning."),
    variable("JWT_KEY_DIRECTORY", "path", Nothing, "a directory of *.pem files, private ones readable by their owner alone",
        "The key pairs of tokens, as `holdfast keys` makes them; every one of them verifies, and JWT_ALGORITHM says whether one signs."),
    variable("JWT_ISSUER", "text", Text("holdfast"), "1–255 characters",
        "The iss claim of every token, compared exactly."),
    variable("JWT_AUDIENCE", "text", Text("holdfast"), "1–255 characters",
        "The aud claim of every token, compared exactly."),
    variable("ACCESS_TOKEN_MINUTES", "minutes", Text("15"), "1–60",
        "How long an access token lives."),
    variable("REFRESH_TOKEN_IDLE_DAYS", "days", Text("7"), "1–365",
        "After how long without a refresh a session ends."),
    variable("REFRESH_TOKEN_MAX_DAYS", "days", Text("30"), "1–365, not below REFRESH_TOKEN_IDLE_DAYS",
        "After how long a session ends in any case."),
    variable("REFRESH_REUSE_SECONDS", "seconds", Text("30"), "0–600",
        "How long the token before the current one still gets the same successor."),
    variable("JWT_EXPIRATION_DELTA_HOURS", "hours", Text("24"), "1–720",
        "How long data.token of sign-up and sign-in lives, for clients that never refresh."),
    variable("LEGACY_TOKENS_UNTIL", "date and time", Computed("JWT_EXPIRATION_DELTA_HOURS after the adoption"), "RFC 3339, as 2026-12-01T00:00:00Z; needs a BETTER_AUTH_SECRET",
        "Until when tokens that the FastAPI backend issued are accepted; a time in the past switches them off."),
    variable("REVOCATION", "word", Text("fast"), "fast, strict",
        "How tokens of ended sessions are refused: fast by what the instance remembers, within 2 s on the others; strict by reading the session with each request."),
    variable("HASH_CONCURRENCY", "whole number", Computed("half the cores, at least 1"), "1–256",
        "How many passwords are hashed at the same time."),
    variable("PASSWORD_PEPPER", "secret", Nothing, STRONG,
        "Goes into every password hash, so that a stolen database alone cannot be searched for passwords. Lost, nobody can sign in: keep it where backups are not."),
    variable("PASSWORD_PREVIOUS_PEPPERS", "list of secrets", Nothing, STRONG,
        "Earlier peppers, whose hashes still count and are replaced at the next sign-in."),
    variable("ENCRYPTION_KEY", "secret", Computed("generated into data/encryption-key in local development"), STRONG,
        "Encrypts the secrets of second factors; where it is not set, nobody can enrol one. Lost, no code of those who have one is accepted: keep it where backups are not."),
    variable("ENCRYPTION_PREVIOUS_KEYS", "list of secrets", Nothing, STRONG,
        "Earlier keys, whose secrets still count and are encrypted anew when a code is next used."),
    variable("RATE_LIMIT", "boolean", Text("on"), TRUE_OR_FALSE,
        "Throttling; off is for load tests and refused in staging and production."),
    variable("RATE_LIMIT_SIGN_IN_BURST", "whole number", Text("20"), "1–1000",
        "How many requests at once a client address may make to sign in, sign up and confirm with a password."),
    variable("RATE_LIMIT_SIGN_IN_PER_MINUTE", "whole number", Text("10"), "1–1000",
        "How many of them it gets back a minute."),
    variable("RATE_LIMIT_REFRESH_PER_MINUTE", "whole number", Text("60"), "1–1000",
        "How many refreshes a client address may make a minute, and at once."),
    variable("RATE_LIMIT_NETWORK_FAILURES", "whole number", Text("5"), "1–100",
        "How many failures against an account from one network cost nothing."),
    variable("RATE_LIMIT_NETWORK_DELAY", "seconds", Text("1"), "1–3600",
        "The wait after the last of those; it doubles with every further failure."),
    variable("RATE_LIMIT_ACCOUNT_FAILURES", "whole number", Text("100"), "1–10000",
        "How many failures a day against an account from all networks that are not known to it cost nothing."),
    variable("RATE_LIMIT_ACCOUNT_DELAY", "seconds", Text("30"), "1–3600",
        "The wait after the last of those; it doubles with every further failure."),
    variable("RATE_LIMIT_MAX_DELAY", "seconds", Text("900"), "1–3600, not below the two delays",
        "The longest wait: no account is ever locked."),
    variable("REDIS_URL", "Redis URL", Nothing, "redis://, rediss:// or redis+unix://, user and password percent-encoded",
        "A Redis or Valkey server on which limits by client address are counted for all instances; without one each counts for itself."),
    variable("SMTP_URL", "SMTP URL", Computed("mail is written into data/mail in local development, and off elsewhere"), "smtps://user:password@host:465, or smtp://user:password@host:587?tls=required",
        "The relay that sends mail; user and password percent-encoded."),
    variable("MAIL_FROM", "mail address", Computed("Holdfast <holdfast@localhost> in local development"), "name@example.com or Name <name@example.com>",
        "Who mail comes from; required with SMTP_URL."),
    variable("AUDIT_RETENTION_DAYS", "days", Text("365"), "31–3650",
        "How long entries of the security history are kept."),
];

/// What a running server takes over when it is told to reload. Everything else needs a restart.
pub const RELOADED: &[&str] = &[
    "ALLOWED_ORIGINS",
    "TRUSTED_PROXIES",
    "LOG_LEVEL",
    "JWT_SECRET",
    "JWT_PREVIOUS_SECRETS",
    "BETTER_AUTH_SECRET",
    "JWT_ALGORITHM",
    "JWT_KEY_DIRECTORY",
    "LEGACY_TOKENS_UNTIL",
    "PASSWORD_PEPPER",
    "PASSWORD_PREVIOUS_PEPPERS",
    "ENCRYPTION_KEY",
    "ENCRYPTION_PREVIOUS_KEYS",
    "SMTP_URL",
    "MAIL_FROM",
    "RATE_LIMIT",
    "RATE_LIMIT_SIGN_IN_BURST",
    "RATE_LIMIT_SIGN_IN_PER_MINUTE",
    "RATE_LIMIT_REFRESH_PER_MINUTE",
    "RATE_LIMIT_NETWORK_FAILURES",
    "RATE_LIMIT_NETWORK_DELAY",
    "RATE_LIMIT_ACCOUNT_FAILURES",
    "RATE_LIMIT_ACCOUNT_DELAY",
    "RATE_LIMIT_MAX_DELAY",
];

/// What the FastAPI backend read, or listed without reading, and this server has no use for.
pub const WITHOUT_EFFECT: &[&str] = &[
    "PGHOST",
    "PGHOST_UNPOOLED",
    "PGUSER",
    "PGPASSWORD",
    "PGDATABASE",
    "POSTGRES_URL_NON_POOLING",
    "POSTGRES_USER",
    "POSTGRES_HOST",
    "POSTGRES_PASSWORD",
    "POSTGRES_DATABASE",
    "POSTGRES_URL_NO_SSL",
    "POSTGRES_PRISMA_URL",
    "NEXT_PUBLIC_STACK_PROJECT_ID",
    "NEXT_PUBLIC_STACK_PUBLISHABLE_CLIENT_KEY",
    "STACK_SECRET_SERVER_KEY",
    "JWT",
    "DATABASE_URL_SYNC",
    "DATABASE_MAX_OVERFLOW",
    "BETTER_AUTH_URL",
    "DEBUG",
    "API_V1_PREFIX",
];
