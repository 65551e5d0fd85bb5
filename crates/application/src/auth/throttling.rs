//! Whether attempts at passwords are throttled, and by which name an address that no account has is counted.

use hmac::{Hmac, Mac};
use holdfast_domain::{
    UserId,
    text::fold,
    throttle::{Limits, Principal},
};
use sha2::Sha256;

use crate::page::keyed;

/// The limits on attempts, and the key that hides addresses. All instances of one deployment share both.
#[derive(Clone)]
pub struct Throttling(Option<Rule>);

#[derive(Clone)]
pub(super) struct Rule {
    pub(super) limits: Limits,
    addresses: Hmac<Sha256>,
}

impl Throttling {
    /// Nothing waits. For load tests.
    pub const fn off() -> Self {
        Self(None)
    }

    /// Within these limits. The key is derived from a secret, apart from whatever else the secret is used for.
    pub fn on(limits: Limits, secret: &[u8]) -> Self {
        let mut root = keyed(secret);
        root.update(b"holdfast throttling key v1");
        Self(Some(Rule { limits, addresses: keyed(&root.finalize().into_bytes()) }))
    }

    pub(super) fn rule(&self) -> Option<&Rule> {
        self.0.as_ref()
    }
}

impl Rule {
    /// Whom an attempt is counted for: the account that was found, or else the address, whose spellings are one as they are
    /// when an account is looked for.
    pub(super) fn principal(&self, account: Option<UserId>, address: &str) -> Principal {
        account.map_or_else(|| self.unknown(address), Principal::account)
    }

    fn unknown(&self, address: &str) -> Principal {
        let mut mac = self.addresses.clone();
        mac.update(fold(address).as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut half = [0; 16];
        half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Principal::unknown(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(secret: &[u8], address: &str) -> Option<Principal> {
        Throttling::on(Limits::DEFAULT, secret).rule().map(|rule| rule.principal(None, address))
    }

    #[test]
    fn an_address_is_one_principal_in_every_spelling_and_under_every_key_another() {
        assert_eq!(principal(b"a", "Ada@Example.com"), principal(b"a", "ada@eXample.COM"));
        assert_ne!(principal(b"a", "ada@example.com"), principal(b"a", "bob@example.com"));
        assert_ne!(principal(b"a", "ada@example.com"), principal(b"b", "ada@example.com"));
    }
}
