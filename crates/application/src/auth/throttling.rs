//! Whether attempts at passwords are throttled, and by which name an address that no account has is counted.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use hmac::{Hmac, Mac};
use holdfast_domain::{
    UserId,
    text::fold,
    throttle::{Limits, Principal},
};
use sha2::Sha256;

use crate::page::keyed;

/// The limits on attempts, and the key that hides addresses. All instances of one deployment share both. Clones are one: what
/// replaces it in one of them holds in all.
#[derive(Clone)]
pub struct Throttling(Arc<ArcSwapOption<Rule>>);

pub(super) struct Rule {
    pub(super) limits: Limits,
    addresses: Hmac<Sha256>,
}

impl Throttling {
    /// Nothing waits. For load tests.
    pub fn off() -> Self {
        Self(Arc::default())
    }

    /// Within these limits. The key is derived from a secret, apart from whatever else the secret is used for.
    pub fn on(limits: Limits, secret: &[u8]) -> Self {
        let mut root = keyed(secret);
        root.update(b"holdfast throttling key v1");
        let rule = Rule { limits, addresses: keyed(&root.finalize().into_bytes()) };
        Self(Arc::new(ArcSwapOption::from_pointee(rule)))
    }

    /// From now on what holds for `other` holds here. An attempt that has begun ends as it began.
    pub fn replace(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }

    pub(super) fn rule(&self) -> Option<Arc<Rule>> {
        self.0.load_full()
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
    fn what_replaces_the_limits_holds_for_every_clone() {
        let limits = |throttling: &Throttling| throttling.rule().map(|rule| rule.limits);
        let throttling = Throttling::on(Limits::DEFAULT, b"a");
        let clone = throttling.clone();
        throttling.replace(&Throttling::off());
        assert_eq!(limits(&clone), None);
        clone.replace(&Throttling::on(Limits::DEFAULT, b"a"));
        assert_eq!(limits(&throttling), Some(Limits::DEFAULT));
    }

    #[test]
    fn an_address_is_one_principal_in_every_spelling_and_under_every_key_another() {
        assert_eq!(principal(b"a", "Ada@Example.com"), principal(b"a", "ada@eXample.COM"));
        assert_ne!(principal(b"a", "ada@example.com"), principal(b"a", "bob@example.com"));
        assert_ne!(principal(b"a", "ada@example.com"), principal(b"b", "ada@example.com"));
    }
}
