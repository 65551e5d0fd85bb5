//! The keys: one signs, all verify. A key fixes its own algorithm, so that a token's header never chooses one. The
//! cryptography is aws-lc's, named here explicitly, because the crate's process-wide default depends on the features
//! that the whole build happens to switch on. What key files hold is read in `pairs`.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use holdfast_application::ports::{PublicKey, TokensError};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::aws_lc::DEFAULT_PROVIDER as CRYPTO,
    errors::{Error, ErrorKind},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    Secret,
    pairs::{Pair, PairAlgorithm, PublicHalf},
    pem,
};

/// Separates the hash that names a key from every other use of the same secret.
const KEY_ID_LABEL: &[u8] = b"holdfast token key id\0";
const KEY_ID_BYTES: usize = 8;
/// Separates the secret that is derived from a private key from every other use of it.
const DERIVED_SECRET_LABEL: &[u8] = b"holdfast secret of a private key v1";

/// Anybody could forge tokens under such a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret for tokens must not be empty")]
pub struct EmptySecret;

/// Why a text is no key for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing in it begins like a key.
    #[error("is no PEM file")]
    NoPem,
    /// It could mean either.
    #[error("holds more than one key")]
    Several,
    /// There is nobody to ask for its password.
    #[error("holds an encrypted key")]
    Encrypted,
    /// PKCS#1, SEC 1, an OpenSSH key, a certificate.
    #[error("holds something in another form than PKCS#8")]
    OtherForm,
    /// An elliptic curve of NIST's, Ed448, RSASSA-PSS.
    #[error("holds a key that is neither Ed25519 nor RSA")]
    OtherKind,
    /// Too short to be safe (RFC 7518 §3.3), or too long to be fast.
    #[error("holds an RSA key of {bits} bits")]
    RsaSize {
        /// The length of its modulus.
        bits: usize,
    },
    /// It does not decode, or its numbers do not fit together.
    #[error("holds a damaged key")]
    Damaged,
}

/// A key with its name and its one algorithm. What is secret in it wipes itself when dropped and is never printed.
pub struct Key {
    id: String,
    algorithm: Algorithm,
    algorithm_name: &'static str,
    signing: Option<EncodingKey>,
    verifying: DecodingKey,
    public: Option<Public>,
}

/// What everybody may know of a key pair.
struct Public {
    key: PublicKey,
    spki: Vec<u8>,
}

impl Key {
    /// A key for HMAC with SHA-256. Its `kid` is the beginning of a hash: the same on every instance, and of no use
    /// for finding a secret that cannot be guessed anyway.
    pub fn hs256(secret: &Secret) -> Result<Self, EmptySecret> {
        let secret = secret.0.as_slice();
        if secret.is_empty() {
            return Err(EmptySecret);
        }
        let hash = Sha256::new().chain_update(KEY_ID_LABEL).chain_update(secret).finalize();
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(&hash[..KEY_ID_BYTES]),
            algorithm: Algorithm::HS256,
            algorithm_name: "HS256",
            signing: Some(EncodingKey::from_secret(secret)),
            verifying: DecodingKey::from_secret(secret),
            public: None,
        })
    }

    /// A key pair from a private key (PKCS#8), or its public half alone (`SubjectPublicKeyInfo`), as PEM; with its
    /// algorithm. Its `kid` is the thumbprint of the public half (RFC 7638).
    pub fn from_pem(text: &[u8]) -> Result<(Self, PairAlgorithm), KeyError> {
        let pair = Pair::from_pem(text)?;
        let (algorithm, published) = (pair.algorithm(), pair.published());
        let Pair { private, public, spki } = pair;
        let private = private.as_ref().map(|bytes| bytes.as_slice());
        let (jws, signing, verifying) = match &public {
            PublicHalf::Ed25519(x) => {
                (Algorithm::EdDSA, private.map(EncodingKey::from_ed_der), DecodingKey::from_ed_der(x))
            }
            PublicHalf::Rsa { modulus, exponent } => (
                Algorithm::RS256,
                private.map(EncodingKey::from_rsa_der),
                DecodingKey::from_rsa_raw_components(modulus, exponent),
            ),
        };
        let key = Self {
            id: published.id.clone(),
            algorithm: jws,
            algorithm_name: algorithm.name(),
            signing,
            verifying,
            public: Some(Public { key: published, spki }),
        };
        Ok((key, algorithm))
    }

    /// `kid`
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `alg`
    pub fn algorithm_name(&self) -> &'static str {
        self.algorithm_name
    }

    /// Whether its private half is here.
    pub fn can_sign(&self) -> bool {
        self.signing.is_some()
    }

    /// What everybody may know of it; nothing of a secret.
    pub fn public(&self) -> Option<&PublicKey> {
        self.public.as_ref().map(|public| &public.key)
    }

    /// The public half as PEM; none of a secret.
    pub fn public_pem(&self) -> Option<String> {
        self.public.as_ref().map(|public| pem::write_public(&public.spki))
    }

    /// The same for the same message, for all our algorithms. `KeyMissing` where only the public half is here.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokensError> {
        let key = self.signing.as_ref().ok_or(TokensError::KeyMissing)?;
        let signed = (CRYPTO.signer_factory)(&self.algorithm, key).and_then(|signer| {
            signer.try_sign(message).map_err(|_| Error::from(ErrorKind::InvalidKeyFormat))
        });
        signed.map_err(|cause| TokensError::Failed(cause.into()))
    }

    /// Whether the signature is this key's, over this message, under this key's algorithm. HMACs are compared in constant
    /// time, with aws-lc's `CRYPTO_memcmp`.
    pub fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        (CRYPTO.verifier_factory)(&self.algorithm, &self.verifying)
            .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }

    /// A secret that follows from the private half, for deployments that have no other; the same wherever the key's
    /// file is. None of a public half.
    pub fn derived_secret(&self) -> Option<Secret> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.signing.as_ref()?.as_bytes()).ok()?;
        mac.update(DERIVED_SECRET_LABEL);
        Some(Secret(Zeroizing::new(mac.finalize().into_bytes().to_vec())))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm_name)
            .field("can_sign", &self.can_sign())
            .finish_non_exhaustive()
    }
}

/// The key could not sign, because its private half is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key that is to sign has no private half")]
pub struct CannotSign;

/// The key that signs and those that verify besides: keys that signed before, and keys that will.
#[derive(Debug, Clone)]
pub struct KeyRing {
    current: Arc<Key>,
    others: Vec<Arc<Key>>,
}

impl KeyRing {
    /// Of two keys with one name, the first counts.
    pub fn new(current: Arc<Key>, others: Vec<Arc<Key>>) -> Result<Self, CannotSign> {
        if current.can_sign() { Ok(Self { current, others }) } else { Err(CannotSign) }
    }

    /// The key that signs.
    pub fn current(&self) -> &Key {
        &self.current
    }

    /// The key of this name, the current one included.
    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.all().find(|key| key.id == id)
    }

    /// What everybody may know, the key that signs first.
    pub(super) fn public(&self) -> Vec<PublicKey> {
        self.all().filter_map(Key::public).cloned().collect()
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.others).map(AsRef::as_ref)
    }
}
