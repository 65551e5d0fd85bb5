//! PostgreSQL URLs: host, TLS mode, and the parameters that survive the way to sqlx.
//!
//! Nothing is taken from libpq's `PGHOST`, `PGDATABASE` or `PGSSLMODE`: Neon's template sets them, and a URL must mean
//! the same thing with and without them.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::DatabaseUrlError;

/// Parameters that sqlx acts on itself; `host`, `port`, `user` and `dbname` are folded into the URL instead.
const PASSED_ON: [&str; 5] = ["sslrootcert", "sslcert", "sslkey", "application_name", "options"];

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How TLS is used; the names and meanings are libpq's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS only when the server refuses a plain connection.
    Allow,
    /// TLS when the server has it; the default.
    Prefer,
    /// Always TLS, whoever the server is.
    Require,
    /// Always TLS, and a certificate of a trusted authority.
    VerifyCa,
    /// As `VerifyCa`, and the certificate names the host.
    VerifyFull,
}

impl SslMode {
    /// Also reads asyncpg's `ssl=true` and `ssl=false`.
    fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "disable" | "false" | "off" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" | "true" | "on" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err(DatabaseUrlError::UnknownSslMode),
        })
    }

    /// The spelling of libpq's `sslmode`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// Whether a connection without TLS is refused by the client.
    #[must_use]
    pub fn requires_tls(self) -> bool {
        matches!(self, Self::Require | Self::VerifyCa | Self::VerifyFull)
    }
}

/// The server's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostgresHost {
    /// A host name or address; IPv6 without brackets.
    Network(String),
    /// The directory of a Unix socket.
    Socket(String),
}

impl PostgresHost {
    fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        let decoded = percent_decode_str(text).decode_utf8().map_err(|_| DatabaseUrlError::Malformed)?;
        if decoded.contains(',') {
            return Err(DatabaseUrlError::SeveralHosts);
        }
        if decoded.starts_with('/') {
            return Ok(Self::Socket(decoded.into_owned()));
        }
        let bare = decoded.trim_start_matches('[').trim_end_matches(']');
        Ok(Self::Network(bare.to_owned()))
    }

    /// A Unix socket, a loopback address, or `localhost` and the names below it (RFC 6761).
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Network(name) => {
                if let Ok(address) = name.parse::<IpAddr>() {
                    return address.to_canonical().is_loopback();
                }
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

/// A parsed PostgreSQL URL; `Debug` shows it without user, password and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    user: Option<String>,
    password: Option<String>,
    host: PostgresHost,
    port: u16,
    database: String,
    sslmode: SslMode,
    pooler_declared: bool,
    parameters: Vec<(String, String)>,
    ignored: Vec<String>,
}

impl PostgresUrl {
    /// `rest` is what follows the scheme and its colon.
    pub(super) fn parse(rest: &str) -> Result<Self, DatabaseUrlError> {
        let authority = rest.strip_prefix("//").ok_or(DatabaseUrlError::NotAUrl)?;
        if authority.split(['/', '?']).next().is_some_and(|part| part.contains(',')) {
            return Err(DatabaseUrlError::SeveralHosts);
        }
        let url = Url::parse(&format!("postgres://{authority}")).map_err(|_| DatabaseUrlError::Malformed)?;
        // An unescaped `/`, `?` or `#` in a password moves the rest of it into the path, the query or the fragment.
        if url.fragment().is_some()
            || url.path().contains('@')
            || url.query().is_some_and(|query| query.contains('@'))
        {
            return Err(DatabaseUrlError::Malformed);
        }
        let parameters = Parameters::read(&url)?;
        let user = parameters.user.clone().or(decoded(Some(url.username()))?);
        let database = parameters.database.clone().or(decoded(Some(url.path().trim_start_matches('/')))?);
        let host = parameters
            .host
            .clone()
            .or_else(|| url.host_str().filter(|host| !host.is_empty()).map(str::to_owned));
        Ok(Self {
            password: parameters.password.clone().or(decoded(url.password())?),
            host: PostgresHost::parse(host.as_deref().unwrap_or("localhost"))?,
            port: parameters.port.or(url.port()).unwrap_or(5432),
            // libpq's rule: the database is called like the user.
            database: database.or_else(|| user.clone()).ok_or(DatabaseUrlError::NoDatabase)?,
            user,
            sslmode: parameters.effective_sslmode()?,
            pooler_declared: parameters.pooler_declared,
            parameters: parameters.passed_on,
            ignored: parameters.ignored,
        })
    }

    /// Where the server listens; `localhost` when the URL names no host.
    #[must_use]
    pub fn host(&self) -> &PostgresHost {
        &self.host
    }

    /// The TCP port, or the number in a socket's name; 5432 when the URL names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The database's name; the user's when the URL names none, as in libpq.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The TLS mode in force, `channel_binding` taken into account.
    #[must_use]
    pub fn sslmode(&self) -> SslMode {
        self.sslmode
    }

    /// Names of parameters that were dropped because nothing here understands them.
    #[must_use]
    pub fn ignored_parameters(&self) -> &[String] {
        &self.ignored
    }

    /// See [`DatabaseUrl::is_pooler`](super::DatabaseUrl::is_pooler).
    #[must_use]
    pub fn is_pooler(&self) -> bool {
        let labelled = match &self.host {
            PostgresHost::Network(name) => {
                name.split('.').next().is_some_and(|label| label.ends_with("-pooler"))
            }
            PostgresHost::Socket(_) => false,
        };
        labelled || self.pooler_declared
    }

    pub(super) fn redacted(&self) -> String {
        match &self.host {
            PostgresHost::Network(name) if name.contains(':') => {
                format!("postgres://[{name}]:{}/{}", self.port, self.database)
            }
            PostgresHost::Network(name) => format!("postgres://{name}:{}/{}", self.port, self.database),
            PostgresHost::Socket(path) => format!("postgres://{path}:{}/{}", self.port, self.database),
        }
    }

    pub(super) fn connect_url(&self) -> String {
        let escape = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let user = self.user.as_deref().map(escape).unwrap_or_default();
        let secret =
            self.password.as_deref().map(|password| format!(":{}", escape(password))).unwrap_or_default();
        let at = if user.is_empty() && secret.is_empty() { "" } else { "@" };
        let host = match &self.host {
            PostgresHost::Network(name) if name.contains(':') => format!("[{name}]"),
            PostgresHost::Network(name) => name.clone(),
            PostgresHost::Socket(path) => escape(path),
        };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("sslmode", self.sslmode.as_str());
        for (name, value) in &self.parameters {
            query.append_pair(name, value);
        }
        let (port, database) = (self.port, escape(&self.database));
        format!("postgres://{user}{secret}{at}{host}:{port}/{database}?{}", query.finish())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PostgresUrl({})", self.redacted())
    }
}

fn decoded(text: Option<&str>) -> Result<Option<String>, DatabaseUrlError> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => match percent_decode_str(text).decode_utf8() {
            Ok(plain) => Ok(Some(plain.into_owned())),
            Err(_) => Err(DatabaseUrlError::Malformed),
        },
    }
}

/// What the query string says.
#[derive(Default)]
struct Parameters {
    user: Option<String>,
    password: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    sslmode: Option<SslMode>,
    channel_binding: bool,
    pooler_declared: bool,
    passed_on: Vec<(String, String)>,
    ignored: Vec<String>,
}

impl Parameters {
    fn read(url: &Url) -> Result<Self, DatabaseUrlError> {
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
                // sqlx has no channel binding: `require` is kept as far as TLS goes.
                "channel_binding" => read.channel_binding = value == "require",
                "pgbouncer" => read.pooler_declared = value == "true",
                known if PASSED_ON.contains(&known) || known.starts_with("options[") => {
                    read.passed_on.push((known.to_owned(), value.into_owned()));
                }
                unknown => read.ignored.push(unknown.to_owned()),
            }
        }
        Ok(read)
    }

    fn effective_sslmode(&self) -> Result<SslMode, DatabaseUrlError> {
        match (self.sslmode, self.channel_binding) {
            (Some(mode), true) if !mode.requires_tls() && mode != SslMode::Prefer => {
                Err(DatabaseUrlError::ChannelBindingWithoutTls)
            }
            (Some(SslMode::Prefer) | None, true) => Ok(SslMode::Require),
            (Some(mode), _) => Ok(mode),
            (None, false) => Ok(SslMode::Prefer),
        }
    }
}

#[cfg(test)]
mod tests;
