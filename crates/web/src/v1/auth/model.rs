//! What auth answers hold: the profile of the FastAPI backend and the tokens of ours.

use holdfast_application::{
    auth::{Issued, Refreshed, SignedIn},
    domain::{Timestamp, UserId, users::User},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::common::values::{naive, shown, zoned};

/// The only type of token that there is (RFC 6750).
const BEARER: &str = "Bearer";

/// An account as the first front end knows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Profile {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    /// As typed at sign-up.
    #[schema(example = "ada@example.com")]
    email: String,
    name: Option<String>,
    is_active: bool,
    /// UTC without a zone.
    #[serde(serialize_with = "naive")]
    #[schema(value_type = String, example = "2026-03-01T10:00:00.123456")]
    created_at: Timestamp,
    /// UTC without a zone.
    #[serde(serialize_with = "naive")]
    #[schema(value_type = String, example = "2026-03-01T10:00:00.123456")]
    updated_at: Timestamp,
    /// A bearer token that lives for a day, for front ends that never refresh; else null.
    token: Option<String>,
}

impl Profile {
    pub(super) fn new(user: User, token: Option<String>) -> Self {
        let User {
            id,
            email,
            name,
            role: _,
            active,
            email_verified: _,
            image: _,
            ban: _,
            created_at,
            updated_at,
            last_sign_in_at: _,
        } = user;
        Self {
            user_id: id,
            email: email.as_str().to_owned(),
            name: name.map(|name| name.as_str().to_owned()),
            is_active: active,
            created_at,
            updated_at,
            token,
        }
    }
}

/// An access token and the refresh token that gets the next one.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenPair {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds from now.
    #[schema(example = 900)]
    expires_in: u64,
    /// Good once, for `/auth/refresh`.
    refresh_token: String,
    /// Seconds from now.
    #[schema(example = 604_800)]
    refresh_expires_in: u64,
}

impl TokenPair {
    fn new(access: Issued, refresh: Issued, at: Timestamp) -> Self {
        Self {
            expires_in: access.expires_at.since(at).as_secs(),
            access_token: access.token,
            token_type: BEARER,
            refresh_expires_in: refresh.expires_at.since(at).as_secs(),
            refresh_token: refresh.token,
        }
    }
}

impl From<Refreshed> for TokenPair {
    fn from(refreshed: Refreshed) -> Self {
        let Refreshed { access, refresh, at } = refreshed;
        Self::new(access, refresh, at)
    }
}

/// What a person has after signing up or in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    #[serde(flatten)]
    profile: Profile,
    /// The end of `token`, or of `access_token` where `token` is null.
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[serde(flatten)]
    pair: TokenPair,
}

impl From<SignedIn> for Session {
    fn from(signed_in: SignedIn) -> Self {
        let SignedIn { user, session: _, at, access, refresh, long_lived } = signed_in;
        let expires_at = long_lived.as_ref().unwrap_or(&access).expires_at;
        let token = long_lived.map(|issued| issued.token);
        Self { profile: Profile::new(user, token), expires_at, pair: TokenPair::new(access, refresh, at) }
    }
}

impl From<SignedIn> for TokenPair {
    fn from(signed_in: SignedIn) -> Self {
        let SignedIn { user: _, session: _, at, access, refresh, long_lived: _ } = signed_in;
        Self::new(access, refresh, at)
    }
}
