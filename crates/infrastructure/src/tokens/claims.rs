//! The claims of each kind of token as they are written: member names, member order and types. Whether they are good
//! now is judged in the parent.

use std::fmt::Display;

use holdfast_application::{
    domain::{Timestamp, users::Role},
    ports::{AccessClaims, InvalidToken, RefreshClaims},
};
use serde::{Deserialize, Deserializer, Serialize};

/// What all kinds of claims have, for the checks that they share.
pub(super) struct Frame<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) life: Life,
}

/// The times of a token.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) issued_at: Timestamp,
    pub(super) not_before: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
}

/// A kind of token.
pub(super) trait Body {
    /// `typ` in the header.
    const TYPE: &'static str;

    fn frame(&self) -> Frame<'_>;
}

/// The claims of an access token (RFC 9068 in shape), with those that front ends of the FastAPI backend read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessBody {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    iat: Seconds,
    exp: Seconds,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    nbf: Option<Seconds>,
    user_id: String,
    email: String,
    /// Always there; null when the account has no name.
    #[serde(deserialize_with = "Option::deserialize")]
    name: Option<String>,
    role: String,
}

impl AccessBody {
    pub(super) fn new(claims: &AccessClaims, issuer: &str, audience: &str) -> Self {
        let AccessClaims { user, session, id, email, name, role, issued_at, expires_at } = claims;
        Self {
            iss: issuer.to_owned(),
            aud: audience.to_owned(),
            sub: user.to_string(),
            sid: session.to_string(),
            jti: id.to_string(),
            iat: (*issued_at).into(),
            exp: (*expires_at).into(),
            nbf: None,
            user_id: user.to_string(),
            email: email.clone(),
            name: name.clone(),
            role: role.name().to_owned(),
        }
    }

    /// `sub` alone names the account; a `user_id` that differs from it was not written by us.
    pub(super) fn into_claims(self) -> Result<AccessClaims, InvalidToken> {
        let Self { iss: _, aud: _, sub, sid, jti, iat, exp, nbf: _, user_id, email, name, role } = self;
        if user_id != sub {
            return Err(InvalidToken);
        }
        Ok(AccessClaims {
            user: canonical(&sub)?,
            session: canonical(&sid)?,
            id: canonical(&jti)?,
            email,
            name,
            role: role.parse::<Role>().map_err(|_| InvalidToken)?,
            issued_at: iat.0,
            expires_at: exp.0,
        })
    }
}

impl Body for AccessBody {
    const TYPE: &'static str = "at+jwt";

    fn frame(&self) -> Frame<'_> {
        Frame {
            issuer: &self.iss,
            audience: &self.aud,
            life: Life {
                issued_at: self.iat.0,
                not_before: self.nbf.map(|nbf| nbf.0),
                expires_at: self.exp.0,
            },
        }
    }
}

/// The claims of a refresh token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    iat: Seconds,
    exp: Seconds,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    nbf: Option<Seconds>,
}

impl RefreshBody {
    pub(super) fn new(claims: &RefreshClaims, issuer: &str, audience: &str) -> Self {
        let RefreshClaims { user, session, id, issued_at, expires_at } = claims;
        Self {
            iss: issuer.to_owned(),
            aud: audience.to_owned(),
            sub: user.to_string(),
            sid: session.to_string(),
            jti: id.to_string(),
            iat: (*issued_at).into(),
            exp: (*expires_at).into(),
            nbf: None,
        }
    }

    pub(super) fn into_claims(self) -> Result<RefreshClaims, InvalidToken> {
        let Self { iss: _, aud: _, sub, sid, jti, iat, exp, nbf: _ } = self;
        Ok(RefreshClaims {
            user: canonical(&sub)?,
            session: canonical(&sid)?,
            id: canonical(&jti)?,
            issued_at: iat.0,
            expires_at: exp.0,
        })
    }
}

impl Body for RefreshBody {
    const TYPE: &'static str = "rt+jwt";

    fn frame(&self) -> Frame<'_> {
        Frame {
            issuer: &self.iss,
            audience: &self.aud,
            life: Life {
                issued_at: self.iat.0,
                not_before: self.nbf.map(|nbf| nbf.0),
                expires_at: self.exp.0,
            },
        }
    }
}

/// A `NumericDate` (RFC 7519 §2) that is an integer and lies in the years 1 to 9999.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub(super) struct Seconds(pub(super) Timestamp);

impl TryFrom<i64> for Seconds {
    type Error = holdfast_application::domain::time::OutOfRange;

    fn try_from(seconds: i64) -> Result<Self, Self::Error> {
        Timestamp::from_seconds(seconds).map(Self)
    }
}

impl From<Seconds> for i64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0.seconds()
    }
}

impl From<Timestamp> for Seconds {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// An optional member that may be absent but not null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
    Seconds::deserialize(deserializer).map(Some)
}

/// An id in the one spelling that we write.
fn canonical<T: std::str::FromStr + Display>(text: &str) -> Result<T, InvalidToken> {
    let id: T = text.parse().map_err(|_| InvalidToken)?;
    if id.to_string() == text { Ok(id) } else { Err(InvalidToken) }
}
