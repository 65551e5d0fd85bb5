//! Tokens that the FastAPI backend issued, in both of its published forms: verified for a while, never made. They share the
//! outer shape with ours and nothing else: another key, another header, other claims, and no refresh.

use holdfast_application::{
    domain::{Timestamp, UserId},
    ports::{InvalidToken, LegacyClaims, TokenHash},
};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::{EmptySecret, Key, LEEWAY, LegacyOptions, claims::Seconds, compact::Parts};

/// The one key of the FastAPI backend, and until when it counts.
pub(super) struct LegacyTokens {
    key: Key,
    until: Timestamp,
}

/// All that the header may hold. Ours always has a `kid` and a `typ` of our own, so that no token passes for the other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "present")]
    typ: Option<String>,
}

/// The claims of the first form, all of them and no other: whatever else was signed with the same secret (the
/// authentication library of the front end does so, for links in e-mails) is no token for calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstForm {
    user_id: String,
    #[serde(rename = "email")]
    _email: String,
    /// Always there; null when the account has no name.
    #[serde(rename = "name", deserialize_with = "Option::deserialize")]
    _name: Option<String>,
    exp: Seconds,
}

/// The claims of the second form, likewise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondForm {
    sub: String,
    user_id: String,
    #[serde(rename = "email")]
    _email: String,
    /// The account's role counts, and never this one.
    #[serde(rename = "role")]
    _role: String,
    iat: Seconds,
    exp: Seconds,
}

impl LegacyTokens {
    pub(super) fn new(options: &LegacyOptions) -> Result<Self, EmptySecret> {
        let LegacyOptions { secret, until } = options;
        Ok(Self { key: Key::hs256(secret)?, until: *until })
    }

    /// From what is cheap to what is costly: the date, size and parts, header, signature, claims, times. `exp` counts to
    /// the second, as it did for the issuer.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<LegacyClaims, InvalidToken> {
        let Self { key, until } = self;
        if now >= *until {
            return Err(InvalidToken);
        }
        let parts = Parts::read(token)?;
        let Header { alg, typ } = parts.header()?;
        let typed = typ.is_none_or(|typ| typ == "JWT");
        if alg != key.algorithm_name() || !typed || !key.verifies(parts.message, &parts.signature) {
            return Err(InvalidToken);
        }
        let (user, expires_at) = first_form(&parts).or_else(|_| second_form(&parts, now))?;
        if now >= expires_at {
            return Err(InvalidToken);
        }
        Ok(LegacyClaims { user, hash: TokenHash(Sha256::digest(token).into()), expires_at })
    }
}

fn first_form(parts: &Parts<'_>) -> Result<(UserId, Timestamp), InvalidToken> {
    let FirstForm { user_id, _email, _name, exp } = parts.claims()?;
    Ok((id(&user_id)?, exp.0))
}

fn second_form(parts: &Parts<'_>, now: Timestamp) -> Result<(UserId, Timestamp), InvalidToken> {
    let SecondForm { sub, user_id, _email, _role, iat, exp } = parts.claims()?;
    let user = id(&sub)?;
    let consistent = id(&user_id)? == user && iat.0 <= exp.0 && iat.0.since(now) <= LEEWAY;
    if consistent { Ok((user, exp.0)) } else { Err(InvalidToken) }
}

/// In any spelling: the second form wrote no hyphens.
fn id(text: &str) -> Result<UserId, InvalidToken> {
    text.parse().map_err(|_| InvalidToken)
}

/// An optional member that may be absent but not null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}
