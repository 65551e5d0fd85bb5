//! Signing and verification of tokens.

use holdfast_domain::{SessionId, Timestamp, TokenId, UserId, users::Role};

use super::Cause;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// `sub`
    pub user: UserId,
    /// `sid`
    pub session: SessionId,
    /// `jti`
    pub id: TokenId,
    /// `email`, for front ends that show it
    pub email: String,
    /// `name`, likewise
    pub name: Option<String>,
    /// `role`
    pub role: Role,
    /// `iat`, cut to whole seconds
    pub issued_at: Timestamp,
    /// `exp`, cut to whole seconds
    pub expires_at: Timestamp,
}

/// What a refresh token says. The same claims under the same key give the same token, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshClaims {
    /// `sub`
    pub user: UserId,
    /// `sid`
    pub session: SessionId,
    /// `jti`
    pub id: TokenId,
    /// `iat`, cut to whole seconds
    pub issued_at: Timestamp,
    /// `exp`, cut to whole seconds
    pub expires_at: Timestamp,
}

/// The SHA-256 of a token as it was sent, by which one is remembered without being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// What a token of the FastAPI backend says that is believed. Its role, name and e-mail address are not: those are the
/// account's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyClaims {
    /// `user_id`
    pub user: UserId,
    /// Names the token, which has no `jti`.
    pub hash: TokenHash,
    /// `exp`
    pub expires_at: Timestamp,
}

/// What everybody may know of a key that signs or verifies tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// `kid`
    pub id: String,
    /// Its numbers.
    pub parameters: PublicParameters,
}

/// The numbers of a public key, each in base64url as a JSON Web Key writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicParameters {
    /// Ed25519, for `EdDSA` (RFC 8037 §2).
    Ed25519 {
        /// The public key.
        x: String,
    },
    /// RSA, for `RS256` (RFC 7518 §6.3.1).
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
}

/// The token is not one of ours, not of this kind, or not good now. Deliberately without a reason: every refusal looks
/// the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct InvalidToken;

/// Why a token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// This instance has not been given the key yet, or any more. Another one may have it: while keys are rotated, not all
    /// instances know the same.
    #[error("the key of this session's tokens is not loaded here; try again")]
    KeyMissing,
    /// Signing failed.
    #[error("a token could not be signed")]
    Failed(#[source] Cause),
}

/// Whether a token that is over counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// A token past its `exp` is invalid.
    Enforced,
    /// Only who it names matters: signing out works with a token that has just expired.
    Ignored,
}

/// Signs and verifies both kinds of tokens, and verifies those that the FastAPI backend issued; no kind is ever accepted
/// for another.
pub trait Tokens: Send + Sync {
    /// The identifier of the key that signs now.
    fn key_id(&self) -> String;

    /// A new access token, signed with the current key.
    fn sign_access(&self, claims: &AccessClaims) -> Result<String, TokensError>;

    /// A refresh token, signed with the key `key_id`, which may be an earlier one.
    fn sign_refresh(&self, claims: &RefreshClaims, key_id: &str) -> Result<String, TokensError>;

    /// Verifies all that a token can show by itself, as of `now`; see `docs/security.md` for the order.
    fn verify_access(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<AccessClaims, InvalidToken>;

    /// The same for a refresh token.
    fn verify_refresh(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<RefreshClaims, InvalidToken>;

    /// The public keys with which others can verify our tokens, those that sign before those that will or did. Never a
    /// secret: none where tokens are signed and verified with secrets alone.
    fn public_keys(&self) -> Vec<PublicKey>;

    /// Verifies a token that the FastAPI backend issued, as of `now`. Where none are accepted, or none any longer,
    /// every one is invalid.
    fn verify_legacy(&self, token: &str, now: Timestamp) -> Result<LegacyClaims, InvalidToken>;
}
