//! A memory of access tokens whose signature held: the same caller asks many times within a token's life. It saves the
//! work of verifying again, and decides nothing: times are judged at each use, and revocation is the application's.

use holdfast_application::ports::AccessClaims;
use quick_cache::sync::Cache;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

use super::claims::Life;

/// Tokens kept at most; beyond it the ones that are asked for the least are forgotten. About a kilobyte each.
const CAPACITY: usize = 10_000;

/// What was verified once.
pub(super) struct Known {
    pub(super) life: Life,
    pub(super) claims: AccessClaims,
    /// As it was written. There is one spelling only: `compact` refuses all others.
    signature: Box<str>,
}

/// Found by what is signed, which is no secret; the signature is compared in constant time.
pub(super) struct VerifiedTokens(Cache<Box<str>, Arc<Known>>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// What this very token says, if it was verified before.
    pub(super) fn find(&self, token: &str) -> Option<Arc<Known>> {
        let (message, signature) = token.rsplit_once('.')?;
        let known = self.0.get(message)?;
        bool::from(known.signature.as_bytes().ct_eq(signature.as_bytes())).then_some(known)
    }

    /// Remembers a token whose signature holds and whose claims are good.
    pub(super) fn remember(&self, token: &str, life: Life, claims: &AccessClaims) {
        if let Some((message, signature)) = token.rsplit_once('.') {
            let known = Known { life, claims: claims.clone(), signature: signature.into() };
            self.0.insert(message.into(), Arc::new(known));
        }
    }
}
