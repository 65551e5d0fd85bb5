//! How lenient the rules about secrets may be, judged by the environment and by who can reach the
//! server and its data.

use super::database::DatabaseSettings;
use super::environment::Environment;
use super::http::HttpSettings;
use super::reader::Reader;

/// What the rules about secrets go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Development, said so or on a developer's own machine: a missing secret is generated, a weak one
    /// gets a warning.
    Local,
    /// Nobody said which environment this is, but it does not look like a developer's machine: it may
    /// be a deployment that forgot `ENVIRONMENT`, so nothing is generated and nothing weak accepted.
    Exposed {
        /// What does not look like a developer's machine.
        because: String,
    },
    /// Staging or production.
    Strict(Environment),
}

impl Strictness {
    /// Judges, and warns loudly of an environment that nobody named and that may be reachable.
    pub(super) fn judge(
        reader: &mut Reader,
        environment: Environment,
        http: &HttpSettings,
        database: &DatabaseSettings,
    ) -> Self {
        if environment.is_strict() {
            return Self::Strict(environment);
        }
        if reader.set("ENVIRONMENT").is_some() {
            return Self::Local;
        }
        let because = match database.postgres_variable() {
            Some(variable) => format!("{variable} names a PostgreSQL database"),
            None if !http.host.is_loopback() => "HOST is not a loopback address".to_owned(),
            None => return Self::Local,
        };
        let message = format!(
            "IS NOT SET, but {because}: development's rules hold. Set ENVIRONMENT=production on a server, \
             ENVIRONMENT=development on a developer's machine"
        );
        reader.warn("ENVIRONMENT", message);
        Self::Exposed { because }
    }
}
