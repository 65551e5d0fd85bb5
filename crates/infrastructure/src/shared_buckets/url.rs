//! The address of a Redis or Valkey server, as an operator writes it. Whether it may be used in clear text is the settings' to
//! say.

use std::{fmt, net::IpAddr};

use redis::{Client, ConnectionAddr};

/// `redis://user:password@host:6379/0`, `rediss://…` with TLS, or `redis+unix:///path?db=0&user=…&pass=…`. It is shown without
/// user and password.
#[derive(Clone)]
pub struct RedisUrl(Client);

/// Why a text is no such address. Never holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// No URL of Redis at all.
    #[error("is not a URL of Redis")]
    NotAUrl,
    /// Databases are numbered from 0.
    #[error("names no database: a number from 0 on")]
    Database,
    /// What has no effect is not left in it.
    #[error("has a parameter that is not known")]
    Parameter,
    /// Certificates would not be looked at.
    #[error("switches the verification of the certificate off (#insecure)")]
    Unverified,
}

impl RedisUrl {
    /// Reads the URL. Nothing is connected.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RedisUrlError> {
        let url = redis::parse_redis_url(text).ok_or(RedisUrlError::NotAUrl)?;
        let client = Client::open(url.clone()).map_err(|_| RedisUrlError::NotAUrl)?;
        let connection = client.get_connection_info();
        let known: &[&str] = match connection.addr() {
            ConnectionAddr::TcpTls { insecure: true, .. } => return Err(RedisUrlError::Unverified),
            ConnectionAddr::Unix(_) => &["db", "user", "pass"],
            _ => &[],
        };
        if connection.redis_settings().db() < 0 {
            return Err(RedisUrlError::Database);
        }
        if url.query_pairs().any(|(name, _)| !known.contains(&name.as_ref())) {
            return Err(RedisUrlError::Parameter);
        }
        Ok(Self(client))
    }

    /// Whether nothing goes out in clear text.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.0.get_connection_info().addr(), ConnectionAddr::TcpTls { .. })
    }

    /// Whether it runs on this machine.
    pub fn is_local(&self) -> bool {
        match self.0.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
            ConnectionAddr::Unix(_) => true,
            _ => false,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.0
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.0.get_connection_info();
        let redis = connection.redis_settings();
        let secret = redis.username().or(redis.password()).map_or("", |_| "[redacted]@");
        let scheme = if self.is_encrypted() { "rediss" } else { "redis" };
        match connection.addr() {
            ConnectionAddr::Unix(path) => {
                write!(f, "redis+unix://{secret}{}?db={}", path.display(), redis.db())
            }
            address => write!(f, "{scheme}://{secret}{address}/{}", redis.db()),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_tell_whether_they_encrypt_and_where_they_are_but_not_their_secrets() {
        for (text, encrypted, local, shown) in [
            ("redis://127.0.0.1", false, true, "redis://127.0.0.1:6379/0"),
            ("redis://[::1]:7000", false, true, "redis://::1:7000/0"),
            ("redis://localhost:7000/2", false, true, "redis://localhost:7000/2"),
            ("redis://app:hunter2@cache.example", false, false, "redis://[redacted]@cache.example:6379/0"),
            ("rediss://:hunter2@cache.example:6380", true, false, "rediss://[redacted]@cache.example:6380/0"),
            ("valkeys://cache.example", true, false, "rediss://cache.example:6379/0"),
            ("redis://localhost.example", false, false, "redis://localhost.example:6379/0"),
            (
                "redis+unix:///run/redis.sock?pass=hunter2&db=3",
                false,
                true,
                "redis+unix://[redacted]@/run/redis.sock?db=3",
            ),
        ] {
            let url = RedisUrl::parse(text).unwrap_or_else(|error| panic!("{text} {error}"));
            assert_eq!((url.is_encrypted(), url.is_local()), (encrypted, local), "{text}");
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_telling_it() {
        for (text, expected) in [
            ("", RedisUrlError::NotAUrl),
            ("cache.example:6379", RedisUrlError::NotAUrl),
            ("http://hunter2@cache.example", RedisUrlError::NotAUrl),
            ("redis://", RedisUrlError::NotAUrl),
            ("redis://:hunter2@", RedisUrlError::NotAUrl),
            ("redis://0.0.0.0", RedisUrlError::NotAUrl),
            ("redis://cache.example:hunter2", RedisUrlError::NotAUrl),
            ("redis://cache.example/hunter2", RedisUrlError::NotAUrl),
            ("redis://cache.example/-1", RedisUrlError::Database),
            ("redis://cache.example?password=hunter2", RedisUrlError::Parameter),
            ("redis+unix:///run/redis.sock?password=hunter2", RedisUrlError::Parameter),
            ("rediss://cache.example/#hunter2", RedisUrlError::NotAUrl),
            ("rediss://app:hunter2@cache.example/#insecure", RedisUrlError::Unverified),
        ] {
            let error = RedisUrl::parse(text).map(|_| ()).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
