//! Peppers: secrets beside the database that go into every hash as the secret input K of Argon2 (RFC 9106 §3.1), so that
//! a stolen table alone cannot be searched for passwords. A hash names its pepper without showing it.

use std::fmt;

use argon2::Params;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Separates the hash that names a pepper from every other use of it.
const ID_LABEL: &[u8] = b"holdfast password pepper id\0";
const ID_BYTES: usize = Params::MAX_KEYID_LEN;

/// One pepper, never printed, wiped from memory when dropped.
#[derive(Clone)]
pub struct Pepper {
    id: [u8; ID_BYTES],
    secret: Zeroizing<Vec<u8>>,
}

impl Pepper {
    /// Takes any bytes: whether a pepper is long and uncommon enough is judged by the settings.
    pub fn new(secret: Vec<u8>) -> Self {
        let secret = Zeroizing::new(secret);
        let hash = Sha256::new().chain_update(ID_LABEL).chain_update(&secret).finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&hash[..ID_BYTES]);
        Self { id, secret }
    }

    /// What hashes call it, as they write it: `keyid` of the PHC string format. The same on every instance, and of no use for
    /// finding a pepper that cannot be guessed anyway.
    pub fn id(&self) -> String {
        text(&self.id)
    }

    pub(super) fn key_id(&self) -> &[u8] {
        &self.id
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pepper").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// An id as it stands in a hash.
pub(super) fn text(id: &[u8]) -> String {
    STANDARD_NO_PAD.encode(id)
}

/// The peppers of a deployment. Every instance of it needs the same.
#[derive(Debug, Clone, Default)]
pub struct Peppers {
    current: Option<Pepper>,
    earlier: Vec<Pepper>,
}

/// A hash was made with a pepper that is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotLoaded;

impl Peppers {
    /// `current` goes into new hashes, none where it is absent; hashes with one of `earlier` still count and are replaced
    /// at the next sign-in.
    pub fn new(current: Option<Pepper>, earlier: Vec<Pepper>) -> Self {
        Self { current, earlier }
    }

    /// The one that goes into new hashes.
    pub fn current(&self) -> Option<&Pepper> {
        self.current.as_ref()
    }

    /// The pepper that a hash names. With an empty name it has none.
    pub(super) fn of(&self, id: &[u8]) -> Result<Option<&Pepper>, NotLoaded> {
        if id.is_empty() {
            return Ok(None);
        }
        let mut loaded = self.current.iter().chain(&self.earlier);
        loaded.find(|pepper| pepper.id == id).map(Some).ok_or(NotLoaded)
    }
}
