//! The address of an SMTP relay, as an operator writes it. Whether it may be used in clear text is the settings' to say.

use std::{fmt, net::IpAddr};

use lettre::{AsyncSmtpTransport, Tokio1Executor, transport::smtp::AsyncSmtpTransportBuilder};
use url::Url;

/// An SMTP relay: `smtps://user:password@host:465`, or `smtp://user:password@host:587?tls=required` for STARTTLS. User and
/// password are percent-encoded and may be absent together; a path is the name given in EHLO. It is shown without them.
#[derive(Clone)]
pub struct SmtpRelay {
    transport: AsyncSmtpTransportBuilder,
    encrypted: bool,
    local: bool,
    shown: String,
}

/// Why a text is no relay. Never holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmtpRelayError {
    /// No URL at all.
    #[error("is not a URL ({0})")]
    NotAUrl(url::ParseError),
    /// Another protocol.
    #[error("has another scheme than smtps:// and smtp://")]
    Scheme,
    /// Nobody to connect to.
    #[error("names no host")]
    NoHost,
    /// Something that would be ignored or misunderstood.
    #[error(
        "has a query or fragment that means nothing here; only smtp:// takes ?tls=required or ?tls=opportunistic"
    )]
    Query,
    /// Half of what is needed to sign in.
    #[error("names a user without a password, or a password without a user")]
    Credentials,
    /// User or password are no text.
    #[error("has a user or password that is not percent-encoded UTF-8")]
    Encoding,
}

impl SmtpRelay {
    /// Reads the URL. Nothing is connected.
    pub fn parse(text: &str) -> Result<Self, SmtpRelayError> {
        let url = Url::parse(text).map_err(SmtpRelayError::NotAUrl)?;
        let encrypted = match (url.scheme(), url.query()) {
            ("smtps", None) | ("smtp", Some("tls=required")) => true,
            ("smtp", None | Some("tls=opportunistic")) => false,
            ("smtps" | "smtp", Some(_)) => return Err(SmtpRelayError::Query),
            (_, _) => return Err(SmtpRelayError::Scheme),
        };
        if url.fragment().is_some() {
            return Err(SmtpRelayError::Query);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SmtpRelayError::NoHost)?;
        if url.username().is_empty() == url.password().is_some_and(|password| !password.is_empty()) {
            return Err(SmtpRelayError::Credentials);
        }
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(text);
        Ok(Self {
            transport: transport.map_err(|_| SmtpRelayError::Encoding)?,
            encrypted,
            local: is_local(host),
            shown: shown(&url, host),
        })
    }

    /// Whether nothing goes out in clear text, also when somebody on the way pretends that the relay knows no encryption.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Whether it runs on this machine.
    pub fn is_local(&self) -> bool {
        self.local
    }

    pub(super) fn transport(&self) -> AsyncSmtpTransportBuilder {
        self.transport.clone()
    }
}

/// Without user and password.
impl fmt::Display for SmtpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for SmtpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpRelay({})", self.shown)
    }
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn shown(url: &Url, host: &str) -> String {
    let user = if url.username().is_empty() { "" } else { "[redacted]@" };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}://{user}{host}{port}{query}", url.scheme())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_tell_whether_they_encrypt_and_where_they_are_but_not_their_secrets() {
        for (text, encrypted, local, shown) in [
            ("smtps://app:hunter2@mail.example:465", true, false, "smtps://[redacted]@mail.example:465"),
            ("smtps://mail.example", true, false, "smtps://mail.example"),
            (
                "smtp://a%40b:hunter%3A2@mail.example:587?tls=required",
                true,
                false,
                "smtp://[redacted]@mail.example:587?tls=required",
            ),
            ("smtp://mail.example?tls=opportunistic", false, false, "smtp://mail.example?tls=opportunistic"),
            ("smtp://localhost:1025", false, true, "smtp://localhost:1025"),
            ("smtp://127.0.0.1/ehlo.example", false, true, "smtp://127.0.0.1"),
            ("smtp://[::1]:25", false, true, "smtp://[::1]:25"),
        ] {
            let relay = SmtpRelay::parse(text).unwrap_or_else(|error| unreachable!("{text}: {error}"));
            assert_eq!((relay.is_encrypted(), relay.is_local()), (encrypted, local), "{text}");
            assert_eq!(relay.to_string(), shown);
            assert!(!format!("{relay:?} {relay}").contains("hunter"), "{relay:?}");
        }
    }

    #[test]
    fn what_is_no_relay_is_told_without_its_secrets() {
        use SmtpRelayError::{Credentials, Encoding, NoHost, Query, Scheme};

        for (text, expected) in [
            ("https://app:hunter2@mail.example", Scheme),
            ("hunter2:mail", Scheme),
            ("smtps:hunter2", NoHost),
            ("smtp:///hunter2", NoHost),
            ("smtps://mail.example?tls=required", Query),
            ("smtp://mail.example?tls=none", Query),
            ("smtp://mail.example?tls=required&x=hunter2", Query),
            ("smtps://mail.example#hunter2", Query),
            ("smtps://hunter2@mail.example", Credentials),
            ("smtps://:hunter2@mail.example", Credentials),
            ("smtps://app:hunter2%ff@mail.example", Encoding),
        ] {
            let error = SmtpRelay::parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(matches!(SmtpRelay::parse("mail.example"), Err(SmtpRelayError::NotAUrl(_))));
    }
}
