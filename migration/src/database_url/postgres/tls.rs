//! How TLS is used to PostgreSQL: the mode, what other parameters add to it, and the files with certificates.

use std::borrow::Cow;

use super::super::DatabaseUrlError;
use super::parameters::Parameters;

/// The parameters that name PEM files (or hold the text of one), and what must be in them.
pub(super) const FILES: [(&str, &str); 3] =
    [("sslrootcert", "CERTIFICATE-----"), ("sslcert", "CERTIFICATE-----"), ("sslkey", "PRIVATE KEY-----")];
/// libpq's word for the roots of the system in `sslrootcert`.
pub(super) const SYSTEM_ROOTS: &str = "system";

/// How TLS is used; the names are libpq's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// As `Prefer`: where TLS is to be had, nothing speaks for doing without.
    Allow,
    /// TLS when the server has it; the default.
    Prefer,
    /// Always TLS, whoever the server is. With `sslrootcert` it is `VerifyCa`, as in libpq.
    Require,
    /// Always TLS, and a certificate of a trusted authority.
    VerifyCa,
    /// As `VerifyCa`, and the certificate names the host.
    VerifyFull,
}

impl SslMode {
    /// Also reads asyncpg's `ssl=true` and `ssl=false`.
    pub(super) fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
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

/// The mode that all parameters together ask for.
pub(super) fn mode_in_force(parameters: &Parameters) -> Result<SslMode, DatabaseUrlError> {
    if parameters.passes("sslcert") != parameters.passes("sslkey") {
        return Err(DatabaseUrlError::HalfClientCertificate);
    }
    let asked = parameters.sslmode;
    if parameters.channel_binding && matches!(asked, Some(SslMode::Disable | SslMode::Allow)) {
        return Err(DatabaseUrlError::ChannelBindingWithoutTls);
    }
    if parameters.system_roots {
        // Any public certificate would do in a weaker mode, so that libpq refuses those, too.
        return match asked {
            None | Some(SslMode::VerifyFull) => Ok(SslMode::VerifyFull),
            Some(_) => Err(DatabaseUrlError::SystemRootsWithoutName),
        };
    }
    let mode = match asked {
        None | Some(SslMode::Prefer) if parameters.channel_binding => SslMode::Require,
        None => SslMode::Prefer,
        Some(mode) => mode,
    };
    Ok(if mode == SslMode::Require && parameters.passes("sslrootcert") { SslMode::VerifyCa } else { mode })
}

/// Looks for certificates and keys where the parameters say that they are.
pub(super) fn check_files(parameters: &[(String, String)]) -> Result<(), DatabaseUrlError> {
    for (name, marker) in FILES {
        for (_, value) in parameters.iter().filter(|(known, _)| known == name) {
            // sqlx takes the text itself as well.
            let text = if value.trim_start().starts_with("-----BEGIN") {
                Cow::Borrowed(value.as_bytes())
            } else {
                Cow::Owned(std::fs::read(value).map_err(|_| DatabaseUrlError::UnreadablePem(name))?)
            };
            if !String::from_utf8_lossy(&text).contains(marker) {
                return Err(DatabaseUrlError::UnreadablePem(name));
            }
        }
    }
    Ok(())
}
