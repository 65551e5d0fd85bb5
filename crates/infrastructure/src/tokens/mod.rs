//! Signed tokens: JSON Web Tokens in the compact serialisation (RFC 7515, RFC 7519), of two kinds that never stand in
//! for each other. The shape is read in `compact`, the claims in `claims`. Keys live in `keys`; those of key files are read in
//! `pem`, `der` and `pairs`, and kept in a `directory`. What has been verified is remembered in `verified`. Revocation and sessions are the application's. Of other issuers' tokens
//! only the FastAPI backend's are accepted, in `legacy`.

mod claims;
mod compact;
mod der;
mod directory;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod keys;
mod legacy;
mod pairs;
mod pem;
mod verified;

use std::{fmt, time::Duration};

use holdfast_application::{
    domain::Timestamp,
    ports::{
        AccessClaims, Expiry, InvalidToken, LegacyClaims, PublicKey, RefreshClaims, Tokens, TokensError,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use claims::{AccessBody, Body, Frame, Life, RefreshBody};
use compact::{Header, Parts};
pub use directory::{
    Change, KeyChangeError, KeyDirectory, KeyDirectoryFault, KeyState, NoSigningKey, Retirement, StoredKey,
    exposed_mode,
};
pub use keys::{CannotSign, EmptySecret, Key, KeyError, KeyRing};
use legacy::LegacyTokens;
pub use pairs::{PairAlgorithm, UnknownAlgorithm};
use verified::VerifiedTokens;

/// How far the clocks of two instances may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// The bytes of a signing secret: never printed, wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes any bytes: whether a secret is long and uncommon enough is judged by the settings, because development
    /// may use one that production refuses (RFC 7518 §3.2 asks for 32 bytes).
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for whoever makes another key of them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// What fixes the tokens of a deployment. Every instance of it needs the same.
#[derive(Debug, Clone)]
pub struct JwtOptions {
    /// `iss`, compared byte for byte.
    pub issuer: String,
    /// `aud`, likewise.
    pub audience: String,
    /// What signs new tokens, and what verifies.
    pub keys: KeyRing,
    /// The longest life of an access token, the long-lived ones included.
    pub longest_access: Duration,
    /// The longest life of a refresh token.
    pub longest_refresh: Duration,
    /// Where tokens of the FastAPI backend are accepted.
    pub legacy: Option<LegacyOptions>,
}

/// How tokens of the FastAPI backend are accepted.
#[derive(Debug, Clone)]
pub struct LegacyOptions {
    /// Its `BETTER_AUTH_SECRET`, which may be the signing secret, too.
    pub secret: Secret,
    /// None is accepted from then on.
    pub until: Timestamp,
}

/// Why no tokens can be made with these options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtOptionsError {
    /// Anybody could forge a token.
    #[error(transparent)]
    EmptySecret(#[from] EmptySecret),
    /// A claim that is empty tells nobody apart.
    #[error("issuer and audience of tokens must not be empty")]
    EmptyName,
}

/// Tokens signed with HS256, RS256 (RFC 7518 §3.2, §3.3) or `EdDSA` (RFC 8037 §3.1).
///
/// Verification goes from what is cheap to what is costly and stops at the first fault: size, three strict base64url
/// parts, strict header, known key, the key's own algorithm, signature, kind, strict claims, issuer and audience,
/// times, length of life. Members that we never write make a token invalid, even under a true signature. An access token
/// that has passed is remembered, and then only its times are looked at.
pub struct JwtTokens {
    issuer: String,
    audience: String,
    keys: KeyRing,
    longest_access: Duration,
    longest_refresh: Duration,
    legacy: Option<LegacyTokens>,
    verified: VerifiedTokens,
}

impl JwtTokens {
    /// Makes tokens of the options.
    pub fn new(options: JwtOptions) -> Result<Self, JwtOptionsError> {
        let JwtOptions { issuer, audience, keys, longest_access, longest_refresh, legacy } = options;
        if issuer.is_empty() || audience.is_empty() {
            return Err(JwtOptionsError::EmptyName);
        }
        let legacy = legacy.as_ref().map(LegacyTokens::new).transpose()?;
        let verified = VerifiedTokens::new();
        Ok(Self { issuer, audience, keys, longest_access, longest_refresh, legacy, verified })
    }

    /// `body` as a token of its kind under `key`: the same bytes for the same input.
    fn sign<B: Body + Serialize>(key: &Key, body: &B) -> Result<String, TokensError> {
        let message = compact::message(key.algorithm_name(), key.id(), B::TYPE, body)
            .map_err(|cause| TokensError::Failed(cause.into()))?;
        let signature = key.sign(message.as_bytes())?;
        Ok(compact::signed(message, &signature))
    }

    /// Everything but the meaning of the claims that are peculiar to a kind.
    fn verify<B: Body + DeserializeOwned>(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
        longest: Duration,
    ) -> Result<B, InvalidToken> {
        let parts = Parts::read(token)?;
        let header: Header = parts.header()?;
        let key = self.keys.find(&header.kid).ok_or(InvalidToken)?;
        if header.alg != key.algorithm_name() || !key.verifies(parts.message, &parts.signature) {
            return Err(InvalidToken);
        }
        if header.typ != B::TYPE {
            return Err(InvalidToken);
        }
        let body: B = parts.claims()?;
        self.accept(&body.frame(), now, expiry, longest)?;
        Ok(body)
    }

    fn accept(
        &self,
        frame: &Frame<'_>,
        now: Timestamp,
        expiry: Expiry,
        longest: Duration,
    ) -> Result<(), InvalidToken> {
        let Frame { issuer, audience, life } = *frame;
        if issuer != self.issuer || audience != self.audience {
            return Err(InvalidToken);
        }
        in_time(life, now, expiry, longest)
    }
}

/// Whether a token of this life may be used now.
fn in_time(life: Life, now: Timestamp, expiry: Expiry, longest: Duration) -> Result<(), InvalidToken> {
    let Life { issued_at, not_before, expires_at } = life;
    let ahead = |at: Timestamp| at.since(now) > LEEWAY;
    let over = expiry == Expiry::Enforced && now.since(expires_at) > LEEWAY;
    // Both ends of a life are cut to whole seconds, which can make it a second longer.
    let longest = longest.saturating_add(Duration::from_secs(1));
    let life_fits = expires_at >= issued_at && expires_at.since(issued_at) <= longest;
    let good = !ahead(issued_at) && !not_before.is_some_and(ahead) && !over && life_fits;
    if good { Ok(()) } else { Err(InvalidToken) }
}

impl Tokens for JwtTokens {
    fn key_id(&self) -> String {
        self.keys.current().id().to_owned()
    }

    fn sign_access(&self, claims: &AccessClaims) -> Result<String, TokensError> {
        Self::sign(self.keys.current(), &AccessBody::new(claims, &self.issuer, &self.audience))
    }

    fn sign_refresh(&self, claims: &RefreshClaims, key_id: &str) -> Result<String, TokensError> {
        let key = self.keys.find(key_id).ok_or(TokensError::KeyMissing)?;
        Self::sign(key, &RefreshBody::new(claims, &self.issuer, &self.audience))
    }

    fn verify_access(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<AccessClaims, InvalidToken> {
        if let Some(known) = self.verified.find(token) {
            in_time(known.life, now, expiry, self.longest_access)?;
            return Ok(known.claims.clone());
        }
        let body = self.verify::<AccessBody>(token, now, expiry, self.longest_access)?;
        let life = body.frame().life;
        let claims = body.into_claims()?;
        self.verified.remember(token, life, &claims);
        Ok(claims)
    }

    fn verify_refresh(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<RefreshClaims, InvalidToken> {
        self.verify::<RefreshBody>(token, now, expiry, self.longest_refresh)?.into_claims()
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        self.keys.public()
    }

    fn verify_legacy(&self, token: &str, now: Timestamp) -> Result<LegacyClaims, InvalidToken> {
        self.legacy.as_ref().ok_or(InvalidToken)?.verify(token, now)
    }
}

impl fmt::Debug for JwtTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtTokens")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("key_id", &self.keys.current().id())
            .finish_non_exhaustive()
    }
}
