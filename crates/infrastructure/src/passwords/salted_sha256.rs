//! The older hashes of the FastAPI backend's second form, `salt:hex(sha256(password + salt))`: read and compared, never
//! made. Such a hash is worth little once it is stolen, and is gone after the next sign-in.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const DIGEST_BYTES: usize = 32;
/// Longer than any salt that was drawn; a row with more was not written by the backend.
const LONGEST_SALT: usize = 256;

/// A salted digest, taken apart. The salt counts as the text that it is written in.
#[derive(Clone)]
pub(super) struct SaltedSha256<'a> {
    salt: &'a str,
    digest: [u8; DIGEST_BYTES],
}

impl<'a> SaltedSha256<'a> {
    /// None unless it is a salt, a colon and 64 hexadecimal digits.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (salt, digest) = text.rsplit_once(':')?;
        let salted = !salt.is_empty() && salt.len() <= LONGEST_SALT;
        if salted { Some(Self { salt, digest: unhex(digest)? }) } else { None }
    }

    /// Compares in constant time.
    pub(super) fn fits(&self, password: &[u8]) -> bool {
        let Self { salt, digest } = self;
        let made = Sha256::new().chain_update(password).chain_update(salt).finalize();
        made.as_slice().ct_eq(digest).into()
    }
}

/// In either case; None unless there are exactly two digits for each byte.
fn unhex(text: &str) -> Option<[u8; DIGEST_BYTES]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
    if rest.is_empty() { bytes?.try_into().ok() } else { None }
}
