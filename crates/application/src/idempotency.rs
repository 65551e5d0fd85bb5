//! Requests that are safe to repeat (draft-ietf-httpapi-idempotency-key-header): the name that a client gives one, how
//! its repeat is told from another request, and the answer that is kept. Keeping it is a port.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// How long an answer is kept for repeats. From then on its key may name another request.
pub const KEPT_FOR: Duration = Duration::from_hours(24);

/// What a client calls one of its requests: 1 to 255 printable ASCII characters, told apart by every one of them. It
/// means something together with its owner alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// There is no character in it.
    #[error("must not be empty")]
    Empty,
    /// More than [`IdempotencyKey::LONGEST`].
    #[error("must have at most {} characters", IdempotencyKey::LONGEST)]
    TooLong,
    /// A character that is not printable ASCII (RFC 9651 §3.3.3).
    #[error("must consist of printable ASCII characters")]
    Unprintable,
}

impl IdempotencyKey {
    /// The most characters that a key may have.
    pub const LONGEST: usize = 255;

    /// Takes a text as it is.
    pub fn new(text: String) -> Result<Self, InvalidKey> {
        if text.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(InvalidKey::Unprintable);
        }
        if text.len() > Self::LONGEST { Err(InvalidKey::TooLong) } else { Ok(Self(text)) }
    }

    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a request was, in 32 bytes: SHA-256 over its operation and its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of a request for `operation`, its method and route, with the `body` as it was received. The body
    /// counts byte for byte: what says the same in other words is another request.
    pub fn of(operation: &str, body: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(operation);
        // No operation holds a line break, so that none runs on into a body.
        hasher.update(b"\n");
        hasher.update(body);
        Self(hasher.finalize().into())
    }
}

/// A request that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The name.
    pub key: IdempotencyKey,
    /// What the request was.
    pub fingerprint: Fingerprint,
}

/// An answer with all that is needed to give it again, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The status; a success, 200 to 299.
    pub status: u16,
    /// The header of this name.
    pub location: Option<String>,
    /// The header of this name.
    pub etag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a request with a name is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The answer.
    pub answer: KeptAnswer,
    /// Whether an earlier request of this name had got it.
    pub replayed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<IdempotencyKey, InvalidKey> {
        IdempotencyKey::new(text.to_owned())
    }

    #[test]
    fn a_key_has_1_to_255_printable_ascii_characters() {
        for text in [" ", "~", "8e03978e-40d5-43e8-bc93-6894a57f9324", "\"\\", &"x".repeat(255)] {
            assert_eq!(key(text).unwrap().as_str(), text);
        }
        assert_eq!(key(""), Err(InvalidKey::Empty));
        assert_eq!(key(&"x".repeat(256)), Err(InvalidKey::TooLong));
        for text in ["a\tb", "a\0", "ü", "\u{7f}", "a\n"] {
            assert_eq!(key(text), Err(InvalidKey::Unprintable), "{text:?}");
        }
    }

    #[test]
    fn a_fingerprint_moves_with_the_operation_and_with_every_byte_of_the_body() {
        let one = Fingerprint::of("POST /a", b"{}");
        assert_eq!(one, Fingerprint::of("POST /a", b"{}"));
        for (operation, body) in [
            ("POST /b", &b"{}"[..]),
            ("POST /a", b"{} "),
            ("POST /a", b""),
            ("POST /a\n", b"{}"),
            ("POST /a{", b"}"),
        ] {
            assert_ne!(one, Fingerprint::of(operation, body), "{operation} {body:?}");
        }
    }
}
