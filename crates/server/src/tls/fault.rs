//! What can be wrong with a certificate and its key, and what an operator does about it. Nothing of a key is ever told.

use std::path::PathBuf;

use holdfast_application::domain::Timestamp;

/// Why a pair cannot be served with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairFault {
    /// The file of the certificate cannot be read.
    #[error("\"{}\" cannot be read ({cause})", path.display())]
    CertificateUnreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// There is no certificate in the file.
    #[error("\"{}\" holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// What stands there as a certificate is none that TLS can use.
    #[error("\"{}\" holds a certificate that cannot be understood", .0.display())]
    CertificateMalformed(PathBuf),
    /// Its time is over.
    #[error("\"{}\" ended on {ended}", path.display())]
    Expired {
        /// Which file.
        path: PathBuf,
        /// Its last moment.
        ended: Timestamp,
    },
    /// Its time has not come.
    #[error("\"{}\" is not valid before {begins}", path.display())]
    NotYetValid {
        /// Which file.
        path: PathBuf,
        /// Its first moment.
        begins: Timestamp,
    },
    /// The file of the key cannot be read.
    #[error("\"{}\" cannot be read ({cause})", path.display())]
    KeyUnreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Others than its owner may read or write the file of the key.
    #[error("\"{}\" may be read or written by others (mode {mode:04o})", path.display())]
    KeyExposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is no private key in the file.
    #[error("\"{}\" holds no private key", .0.display())]
    NoKey(PathBuf),
    /// The key is there, under a password that nobody could type.
    #[error("\"{}\" holds an encrypted private key", .0.display())]
    KeyEncrypted(PathBuf),
    /// What stands there as a key is none that TLS can use.
    #[error("\"{}\" holds a private key of an unknown kind, or a damaged one", .0.display())]
    KeyMalformed(PathBuf),
    /// Each is right by itself, but they do not belong together.
    #[error("\"{}\" is not the key of the first certificate in \"{}\"", key.display(), certificate.display())]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
}

impl PairFault {
    /// Whether it lies with the certificate, and not with the key.
    pub fn is_of_certificate(&self) -> bool {
        match self {
            Self::CertificateUnreadable { .. }
            | Self::NoCertificate(_)
            | Self::CertificateMalformed(_)
            | Self::Expired { .. }
            | Self::NotYetValid { .. } => true,
            Self::KeyUnreadable { .. }
            | Self::KeyExposed { .. }
            | Self::NoKey(_)
            | Self::KeyEncrypted(_)
            | Self::KeyMalformed(_)
            | Self::Mismatch { .. } => false,
        }
    }

    /// What would be right.
    pub fn expected(&self) -> &'static str {
        match self {
            Self::CertificateUnreadable { .. } | Self::KeyUnreadable { .. } => {
                "a PEM file that the user of the server may read"
            }
            Self::NoCertificate(_) | Self::CertificateMalformed(_) => {
                "a PEM file with the server's certificate first, then the intermediate ones"
            }
            Self::KeyExposed { .. } => "mode 0600, or 0640 where root owns it",
            Self::Expired { .. } => "a renewed certificate",
            Self::NotYetValid { .. } => "a certificate that is valid now, and a clock that is right",
            Self::NoKey(_) | Self::KeyMalformed(_) => {
                "a PEM file with an RSA, EC or Ed25519 private key (BEGIN PRIVATE KEY)"
            }
            Self::KeyEncrypted(_) => {
                "a private key without a password, as `openssl pkey -in encrypted.pem -out key.pem` writes it"
            }
            Self::Mismatch { .. } => "the key that the certificate was issued for",
        }
    }
}
