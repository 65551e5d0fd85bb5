//! The keys: one signs, all verify. A key fixes its own algorithm, so that a token's header never chooses one. The
//! cryptography is aws-lc's, named here explicitly, because the crate's process-wide default depends on the features
//! that the whole build happens to switch on.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::aws_lc::DEFAULT_PROVIDER as CRYPTO,
    errors::{Error, ErrorKind},
};
use sha2::{Digest, Sha256};

/// Separates the hash that names a key from every other use of the same secret.
const KEY_ID_LABEL: &[u8] = b"holdfast token key id\0";
const KEY_ID_BYTES: usize = 8;

/// A key with its name and its algorithm. Both halves wipe themselves when dropped.
pub(super) struct Key {
    id: String,
    algorithm: Algorithm,
    algorithm_name: &'static str,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Key {
    /// A key for HMAC with SHA-256. Its `kid` is the beginning of a hash: the same on every instance, and of no use
    /// for finding a secret that cannot be guessed anyway.
    pub(super) fn hs256(secret: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(KEY_ID_LABEL).chain_update(secret).finalize();
        Self {
            id: URL_SAFE_NO_PAD.encode(&hash[..KEY_ID_BYTES]),
            algorithm: Algorithm::HS256,
            algorithm_name: "HS256",
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
        }
    }

    /// `kid`
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// `alg`
    pub(super) fn algorithm_name(&self) -> &'static str {
        self.algorithm_name
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signer = (CRYPTO.signer_factory)(&self.algorithm, &self.signing)?;
        signer.try_sign(message).map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }

    /// In constant time: aws-lc compares HMACs with `CRYPTO_memcmp`.
    pub(super) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        (CRYPTO.verifier_factory)(&self.algorithm, &self.verifying)
            .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }
}

/// The key that signs and those that signed before it.
pub(super) struct KeyRing {
    current: Key,
    earlier: Vec<Key>,
}

impl KeyRing {
    pub(super) fn new(current: Key, earlier: Vec<Key>) -> Self {
        Self { current, earlier }
    }

    pub(super) fn current(&self) -> &Key {
        &self.current
    }

    /// The key of this name, the current one included.
    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.earlier).find(|key| key.id == id)
    }
}
