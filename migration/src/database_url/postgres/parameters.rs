//! What the query string of a PostgreSQL URL says, sorted into what we act on, what sqlx acts on, and the rest.

use url::Url;

use super::super::DatabaseUrlError;
use super::tls::{FILES, SYSTEM_ROOTS, SslMode};

/// Parameters that sqlx acts on itself; `host`, `port`, `user` and `dbname` are folded into the URL instead.
const PASSED_ON: [&str; 2] = ["application_name", "options"];

/// The parameters of one URL.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) sslmode: Option<SslMode>,
    /// `channel_binding=require`. sqlx has no channel binding: it is kept as far as TLS goes.
    pub(super) channel_binding: bool,
    /// `sslrootcert=system`: the public authorities, which are trusted anyway.
    pub(super) system_roots: bool,
    pub(super) pooler_declared: bool,
    pub(super) passed_on: Vec<(String, String)>,
    pub(super) ignored: Vec<String>,
}

impl Parameters {
    pub(super) fn read(url: &Url) -> Result<Self, DatabaseUrlError> {
        let mut read = Self::default();
        for (name, value) in url.query_pairs() {
            let text = || (!value.is_empty()).then(|| value.clone().into_owned());
            match name.as_ref() {
                "user" => read.user = text(),
                "password" => read.password = text(),
                "host" | "hostaddr" => read.host = text(),
                "dbname" => read.database = text(),
                "port" => read.port = Some(value.parse().map_err(|_| DatabaseUrlError::BadPort)?),
                "sslmode" | "ssl" => read.sslmode = Some(SslMode::parse(&value)?),
                "channel_binding" => read.channel_binding = value == "require",
                "sslrootcert" if value == SYSTEM_ROOTS => read.system_roots = true,
                "pgbouncer" => read.pooler_declared = value == "true",
                known if passes_on(known) => {
                    // libpq's rule: an empty value is none.
                    read.passed_on.extend(text().map(|value| (known.to_owned(), value)));
                }
                unknown => read.ignored.push(unknown.to_owned()),
            }
        }
        Ok(read)
    }

    /// Whether a parameter for sqlx is there.
    pub(super) fn passes(&self, name: &str) -> bool {
        self.passed_on.iter().any(|(known, _)| known == name)
    }
}

fn passes_on(name: &str) -> bool {
    PASSED_ON.contains(&name) || FILES.iter().any(|(file, _)| *file == name) || name.starts_with("options[")
}
