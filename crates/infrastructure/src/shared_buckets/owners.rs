//! The key under which owners of buckets are hidden: an address in Redis would be personal data, and an unkeyed digest of one
//! is found by trying all four thousand million.

use std::{fmt::Write as _, sync::Arc};

use arc_swap::ArcSwap;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Bytes of a hidden owner: two of them are never the same by chance.
const BYTES: usize = 16;

/// Hides owners. Every instance of a deployment needs the same, so that they count together. Clones are one.
#[derive(Clone)]
pub struct OwnerKey(Arc<ArcSwap<Hmac<Sha256>>>);

impl OwnerKey {
    /// Derives the key from a secret, apart from whatever else the secret is used for.
    pub fn derive(secret: &[u8]) -> Self {
        let mut root = keyed(secret);
        root.update(b"holdfast shared buckets v1");
        Self(Arc::new(ArcSwap::from_pointee(keyed(&root.finalize().into_bytes()))))
    }

    /// From the next drawing on the key is that of `other`. Whoever draws then begins with a full bucket.
    pub fn replace(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }

    /// What stands for an owner, in hexadecimal digits.
    pub(super) fn hide(&self, owner: &str) -> String {
        let mut mac = Hmac::clone(&self.0.load());
        mac.update(owner.as_bytes());
        let mut hidden = String::with_capacity(2 * BYTES);
        for byte in mac.finalize().into_bytes().iter().take(BYTES) {
            // A text takes everything.
            let _ = write!(hidden, "{byte:02x}");
        }
        hidden
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104 §2)")]
    Hmac::new_from_slice(secret).expect("any length is a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_hidden_alike_by_whoever_has_the_secret_and_by_nobody_else() {
        let (one, same, other) = (OwnerKey::derive(b"a"), OwnerKey::derive(b"a"), OwnerKey::derive(b"b"));
        let hidden = one.hide("203.0.113.7/32");
        assert_eq!(hidden.len(), 2 * BYTES);
        assert_eq!(hidden, same.hide("203.0.113.7/32"));
        assert_ne!(hidden, one.hide("203.0.113.8/32"));
        assert_ne!(hidden, other.hide("203.0.113.7/32"));
        one.clone().replace(&other);
        assert_eq!(one.hide("203.0.113.7/32"), other.hide("203.0.113.7/32"));
    }
}
