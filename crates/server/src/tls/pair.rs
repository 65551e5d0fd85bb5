//! A certificate and its private key: read from two PEM files and judged before anything is served with them. When files
//! that changed are read again is `renewal`'s.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use holdfast_application::domain::Timestamp;
use holdfast_infrastructure::tokens::exposed_mode;
use rustls::{
    CertificateError, Error, InconsistentKeys, RootCertStore,
    client::verify_server_cert_signed_by_trust_anchor,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use super::{fault::PairFault, provider};

/// More than any chain is long, in bytes; what lies behind it is not read.
const LONGEST: u64 = 1024 * 1024;

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFiles {
    /// The certificate, and behind it those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
}

/// What the two files hold at one time.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// A certificate and a key that belong together, valid when they were read.
#[derive(Clone)]
pub struct Pair {
    contents: Contents,
    certified: Arc<CertifiedKey>,
}

impl fmt::Debug for Pair {
    /// Tells nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contents: _, certified } = self;
        f.debug_struct("Pair").field("certificates", &certified.cert.len()).finish_non_exhaustive()
    }
}

impl PairFiles {
    /// Reads and judges both.
    ///
    /// # Errors
    /// Whatever is wrong with either at `now`.
    pub fn load(&self, now: Timestamp) -> Result<Pair, Vec<PairFault>> {
        self.judge(self.read()?, now)
    }

    /// Reads both, whatever they hold.
    pub(super) fn read(&self) -> Result<Contents, Vec<PairFault>> {
        let (certificate, key) = both(self.read_certificate(), self.read_key())?;
        Ok(Contents { certificate, key })
    }

    fn read_certificate(&self) -> Result<Vec<u8>, PairFault> {
        let (path, mut bytes) = (&self.certificate, Vec::new());
        let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
        let unreadable = |error: io::Error| PairFault::CertificateUnreadable {
            path: path.clone(),
            cause: error.to_string(),
        };
        read.map(|_| bytes).map_err(unreadable)
    }

    fn read_key(&self) -> Result<Zeroizing<Vec<u8>>, PairFault> {
        let path = &self.key;
        let unreadable =
            |error: io::Error| PairFault::KeyUnreadable { path: path.clone(), cause: error.to_string() };
        let file = File::open(path).map_err(unreadable)?;
        if let Some(mode) = exposed_mode(&file.metadata().map_err(unreadable)?) {
            return Err(PairFault::KeyExposed { path: path.clone(), mode });
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(LONGEST).read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }

    /// Whether what was read can be served with at `now`.
    pub(super) fn judge(&self, contents: Contents, now: Timestamp) -> Result<Pair, Vec<PairFault>> {
        let Self { certificate, key } = self;
        let chain = chain(&contents.certificate, certificate, now);
        let (chain, private) = both(chain, private_key(&contents.key, key))?;
        match CertifiedKey::from_der(chain, private, &provider()) {
            Ok(certified) => Ok(Pair { contents, certified: Arc::new(certified) }),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(vec![PairFault::Mismatch { key: key.clone(), certificate: certificate.clone() }])
            }
            Err(Error::InvalidCertificate(_)) => {
                Err(vec![PairFault::CertificateMalformed(certificate.clone())])
            }
            Err(_) => Err(vec![PairFault::KeyMalformed(key.clone())]),
        }
    }
}

impl Pair {
    /// When the certificate ends, where that is within `margin` of `now`.
    pub fn ends_within(&self, margin: Duration, now: Timestamp) -> Option<Timestamp> {
        match judge_time(self.certified.cert.first()?, now.plus(margin)) {
            Err(Time::Over(ended)) => Some(ended),
            Ok(()) | Err(Time::Ahead(_) | Time::Unknown) => None,
        }
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    pub(super) fn is_of(&self, contents: &Contents) -> bool {
        self.contents == *contents
    }
}

/// Both, or what is wrong with each.
fn both<A, B>(
    certificate: Result<A, PairFault>,
    key: Result<B, PairFault>,
) -> Result<(A, B), Vec<PairFault>> {
    match (certificate, key) {
        (Ok(certificate), Ok(key)) => Ok((certificate, key)),
        (Err(fault), Ok(_)) | (Ok(_), Err(fault)) => Err(vec![fault]),
        (Err(one), Err(other)) => Err(vec![one, other]),
    }
}

fn chain(pem: &[u8], path: &Path, now: Timestamp) -> Result<Vec<CertificateDer<'static>>, PairFault> {
    let path = path.to_owned();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let Ok(chain) = chain else { return Err(PairFault::CertificateMalformed(path)) };
    let Some(first) = chain.first() else { return Err(PairFault::NoCertificate(path)) };
    match judge_time(first, now) {
        Ok(()) => Ok(chain),
        Err(Time::Over(ended)) => Err(PairFault::Expired { path, ended }),
        Err(Time::Ahead(begins)) => Err(PairFault::NotYetValid { path, begins }),
        Err(Time::Unknown) => Err(PairFault::CertificateMalformed(path)),
    }
}

fn private_key(pem: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, PairFault> {
    use rustls::pki_types::pem::Error;

    // Both ways of writing one: PKCS#8 (RFC 7468 §11), and the older header (RFC 1421 §4.6.1.1).
    let encrypted = [b"BEGIN ENCRYPTED PRIVATE KEY".as_slice(), b"Proc-Type: 4,ENCRYPTED"]
        .iter()
        .any(|mark| pem.windows(mark.len()).any(|part| part == *mark));
    match PrivateKeyDer::from_pem_slice(pem) {
        _ if encrypted => Err(PairFault::KeyEncrypted(path.to_owned())),
        Ok(key) => Ok(key),
        Err(Error::NoItemsFound) => Err(PairFault::NoKey(path.to_owned())),
        Err(_) => Err(PairFault::KeyMalformed(path.to_owned())),
    }
}

/// Why a certificate does not count at a time.
enum Time {
    Over(Timestamp),
    Ahead(Timestamp),
    Unknown,
}

/// The library tells the times of a certificate only where they are wrong, and judges them before it looks for an
/// authority. There is none here: whom clients trust is theirs to know.
fn judge_time(certificate: &CertificateDer<'_>, at: Timestamp) -> Result<(), Time> {
    let parsed = ParsedCertificate::try_from(certificate).map_err(|_| Time::Unknown)?;
    let seconds = u64::try_from(at.seconds()).map_err(|_| Time::Unknown)?;
    let judged = verify_server_cert_signed_by_trust_anchor(
        &parsed,
        &RootCertStore::empty(),
        &[],
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        provider().signature_verification_algorithms.all,
    );
    match judged {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Err(told(not_after).map_or(Time::Unknown, Time::Over))
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
            Err(told(not_before).map_or(Time::Unknown, Time::Ahead))
        }
        Err(Error::InvalidCertificate(CertificateError::BadEncoding)) => Err(Time::Unknown),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn told(time: UnixTime) -> Option<Timestamp> {
    Timestamp::from_seconds(i64::try_from(time.as_secs()).ok()?).ok()
}
