//! Key pairs: Ed25519 and RSA keys out of PEM, new ones, and what of them everybody may know. aws-lc judges and makes
//! them. How a key signs and verifies is in `keys`.

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa,
    signature::{Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_application::ports::{PublicKey, PublicParameters};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    KeyError,
    der::{self, Elements},
    pem::{self, Document},
};

/// 1.3.101.112, id-Ed25519 (RFC 8410 §3).
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.2.840.113549.1.1.1, rsaEncryption (RFC 8017 appendix C).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// RFC 7518 §3.3 asks for 2,048 bits at least; aws-lc takes 8,192 at most.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// Of new keys: 128 bits of strength (NIST SP 800-57 part 1, table 2).
const NEW_RSA: rsa::KeySize = rsa::KeySize::Rsa3072;

/// The algorithms that sign with a private key and verify with a public one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PairAlgorithm {
    /// `EdDSA` with Ed25519 (RFC 8037).
    EdDsa,
    /// `RS256`: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
}

/// The name is that of no algorithm with key pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of EdDSA, RS256")]
pub struct UnknownAlgorithm;

impl PairAlgorithm {
    /// Both, the one to be preferred first.
    pub const ALL: [Self; 2] = [Self::EdDsa, Self::Rs256];

    /// `alg`
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }
}

impl fmt::Display for PairAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PairAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}

/// A key pair, or its public half alone.
pub(super) struct Pair {
    /// What signs, as jsonwebtoken takes it: PKCS#8 of an Ed25519 key, `RSAPrivateKey` of an RSA key.
    pub(super) private: Option<Zeroizing<Vec<u8>>>,
    pub(super) public: PublicHalf,
    /// The public half as `SubjectPublicKeyInfo`.
    pub(super) spki: Vec<u8>,
}

/// What verifies.
pub(super) enum PublicHalf {
    Ed25519(Vec<u8>),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl Pair {
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        match pem::read(text)? {
            Document::Private(pkcs8) => Self::from_pkcs8(pkcs8),
            Document::Public(spki) => Self::from_spki(spki),
        }
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let (algorithm, private) = open_pkcs8(&pkcs8).ok_or(KeyError::Damaged)?;
        match algorithm {
            ED25519 => {
                let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| KeyError::Damaged)?;
                let public = PublicHalf::Ed25519(pair.public_key().as_ref().to_vec());
                let spki = pair.public_key().as_der().map_err(|_| KeyError::Damaged)?.as_ref().to_vec();
                Ok(Self { private: Some(pkcs8), public, spki })
            }
            RSA => {
                let mut numbers = Elements::of(private).inside(der::SEQUENCE).ok_or(KeyError::Damaged)?;
                let _version = numbers.unsigned();
                let public = rsa_half(&mut numbers)?;
                let pair = RsaKeyPair::from_der(private).map_err(|_| KeyError::Damaged)?;
                let spki = pair.public_key().as_der().map_err(|_| KeyError::Damaged)?.as_ref().to_vec();
                Ok(Self { private: Some(Zeroizing::new(private.to_vec())), public, spki })
            }
            _ => Err(KeyError::OtherKind),
        }
    }

    fn from_spki(spki: Vec<u8>) -> Result<Self, KeyError> {
        let (algorithm, key) = open_spki(&spki).ok_or(KeyError::Damaged)?;
        let public = match algorithm {
            ED25519 if key.len() == aws_lc_rs::signature::ED25519_PUBLIC_KEY_LEN => {
                PublicHalf::Ed25519(key.to_vec())
            }
            ED25519 => return Err(KeyError::Damaged),
            RSA => {
                let mut numbers = Elements::of(key).inside(der::SEQUENCE).ok_or(KeyError::Damaged)?;
                let public = rsa_half(&mut numbers)?;
                rsa::PublicKey::from_der(key).map_err(|_| KeyError::Damaged)?;
                public
            }
            _ => return Err(KeyError::OtherKind),
        };
        Ok(Self { private: None, public, spki })
    }

    pub(super) fn algorithm(&self) -> PairAlgorithm {
        match &self.public {
            PublicHalf::Ed25519(_) => PairAlgorithm::EdDsa,
            PublicHalf::Rsa { .. } => PairAlgorithm::Rs256,
        }
    }

    /// What everybody may know. The id is the key's thumbprint (RFC 7638): the same wherever the key is.
    pub(super) fn published(&self) -> PublicKey {
        let parameters = match &self.public {
            PublicHalf::Ed25519(x) => PublicParameters::Ed25519 { x: URL_SAFE_NO_PAD.encode(x) },
            PublicHalf::Rsa { modulus, exponent } => PublicParameters::Rsa {
                n: URL_SAFE_NO_PAD.encode(modulus),
                e: URL_SAFE_NO_PAD.encode(exponent),
            },
        };
        PublicKey { id: thumbprint(&parameters), parameters }
    }
}

/// A new key as PEM.
pub(super) fn generate(algorithm: PairAlgorithm) -> Result<Zeroizing<String>, aws_lc_rs::error::Unspecified> {
    let pkcs8: Pkcs8V1Der<'_> = match algorithm {
        PairAlgorithm::EdDsa => Ed25519KeyPair::generate()?.as_der()?,
        PairAlgorithm::Rs256 => RsaKeyPair::generate(NEW_RSA)?.as_der()?,
    };
    Ok(pem::write_private(pkcs8.as_ref()))
}

/// The required members in the order of their names, without blanks (RFC 7638 §3.2, RFC 8037 §2). None of them holds a
/// character that JSON would escape.
fn thumbprint(parameters: &PublicParameters) -> String {
    let members = match parameters {
        PublicParameters::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        PublicParameters::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
    };
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

/// The algorithm and the private key of a `PrivateKeyInfo` (RFC 5208 §5) or `OneAsymmetricKey` (RFC 5958 §2).
fn open_pkcs8(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut whole = Elements::of(document);
    let mut parts = whole.inside(der::SEQUENCE)?;
    parts.next(der::INTEGER)?;
    let algorithm = parts.inside(der::SEQUENCE)?.next(der::OBJECT_IDENTIFIER)?;
    let key = parts.next(der::OCTET_STRING)?;
    whole.is_empty().then_some((algorithm, key))
}

/// The algorithm and the key of a `SubjectPublicKeyInfo` (RFC 5280 §4.1).
fn open_spki(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut whole = Elements::of(document);
    let mut parts = whole.inside(der::SEQUENCE)?;
    let algorithm = parts.inside(der::SEQUENCE)?.next(der::OBJECT_IDENTIFIER)?;
    // The first byte of a bit string counts the unused bits of the last one.
    let key = parts.next(der::BIT_STRING)?.strip_prefix(&[0])?;
    (whole.is_empty() && parts.is_empty()).then_some((algorithm, key))
}

/// Modulus and exponent, which stand next to each other in both forms of an RSA key (RFC 8017 appendix A.1).
fn rsa_half(numbers: &mut Elements<'_>) -> Result<PublicHalf, KeyError> {
    let (modulus, exponent) = numbers.unsigned().zip(numbers.unsigned()).ok_or(KeyError::Damaged)?;
    let first = modulus.first().ok_or(KeyError::Damaged)?;
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    if !RSA_BITS.contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    Ok(PublicHalf::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
}
