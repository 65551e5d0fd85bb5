//! PostgreSQL URLs: host, TLS mode, and the parameters that survive the way to sqlx.
//!
//! Nothing is taken from libpq's `PGHOST`, `PGDATABASE` or `PGSSLMODE`: Neon's template sets them, and a URL must mean
//! the same thing with and without them.

mod parameters;
mod tls;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::DatabaseUrlError;
use parameters::Parameters;
pub use tls::SslMode;

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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
        let url = Url::parse(&format!("postgres://{}", with_host(authority)))
            .map_err(|_| DatabaseUrlError::Malformed)?;
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
            sslmode: tls::mode_in_force(&parameters)?,
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

    /// The TLS mode in force, with what `channel_binding` and `sslrootcert` add to it.
    #[must_use]
    pub fn sslmode(&self) -> SslMode {
        self.sslmode
    }

    /// Looks at the files with certificates and the key that the URL names.
    ///
    /// # Errors
    /// [`DatabaseUrlError::UnreadablePem`] for the first that cannot be read or holds nothing of the kind.
    pub(super) fn check_files(&self) -> Result<(), DatabaseUrlError> {
        tls::check_files(&self.parameters)
    }

    /// Whether certificates of every public authority are trusted for whatever host they name.
    pub(super) fn trusts_any_public_certificate(&self) -> bool {
        self.sslmode == SslMode::VerifyCa && !self.parameters.iter().any(|(name, _)| name == "sslrootcert")
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

    /// What sqlx is told. It never tries TLS for `allow`, and asks for it on sockets, where no server has it.
    fn sslmode_of_the_connection(&self) -> SslMode {
        match (&self.host, self.sslmode) {
            (PostgresHost::Socket(_), _) => SslMode::Disable,
            (PostgresHost::Network(_), SslMode::Allow) => SslMode::Prefer,
            (PostgresHost::Network(_), mode) => mode,
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
        query.append_pair("sslmode", self.sslmode_of_the_connection().as_str());
        if let PostgresHost::Network(name) = &self.host
            && name.contains(':')
        {
            // sqlx would keep the brackets, and no certificate has a name with brackets.
            query.append_pair("host", name);
        }
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

/// libpq lets the host be empty, as before `?host=/run/postgresql`; URLs with a user or a port must have one.
fn with_host(authority: &str) -> Cow<'_, str> {
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let start = authority[..end].rfind('@').map_or(0, |at| at + 1);
    match authority[start..end].chars().next() {
        None | Some(':') => Cow::Owned(format!("{}localhost{}", &authority[..start], &authority[start..])),
        Some(_) => Cow::Borrowed(authority),
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

#[cfg(test)]
mod tests;
