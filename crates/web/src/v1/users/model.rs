//! What answers about accounts hold: flat, without an envelope, as the later front end reads them.

use actix_web::HttpResponse;
use holdfast_application::{
    Actor,
    domain::{
        SessionId, Timestamp, UserId,
        sessions::{Client, Session},
        users::{LinkedAccount, User},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::common::{
    State,
    values::{shown, zoned, zoned_option},
};

/// An account as the later front end knows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlatUser {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: UserId,
    email: String,
    email_verified: bool,
    name: Option<String>,
    image: Option<String>,
    #[schema(example = "user")]
    role: &'static str,
    banned: bool,
    ban_reason: Option<String>,
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ban_expires: Option<Timestamp>,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl FlatUser {
    /// The account as of `now`: a ban that has ended is none.
    pub(crate) fn new(user: User, now: Timestamp) -> Self {
        let ban = user.ban_at(now).cloned();
        let User {
            id,
            email,
            name,
            role,
            active: _,
            email_verified,
            image,
            ban: _,
            created_at,
            updated_at,
            last_sign_in_at: _,
        } = user;
        Self {
            id,
            email: email.as_str().to_owned(),
            email_verified,
            name: name.map(|name| name.as_str().to_owned()),
            image: image.map(|image| image.as_str().to_owned()),
            role: role.name(),
            banned: ban.is_some(),
            ban_expires: ban.as_ref().and_then(|ban| ban.expires_at),
            ban_reason: ban.and_then(|ban| ban.reason).map(|reason| reason.as_str().to_owned()),
            created_at,
            updated_at,
        }
    }
}

/// The answer that is an account.
pub(super) fn shown_user(state: &State, user: User) -> HttpResponse {
    HttpResponse::Ok().json(FlatUser::new(user, state.now()))
}

/// A place where an account is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionBody {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: SessionId,
    /// A name that the client gave itself.
    device: Option<String>,
    user_agent: Option<String>,
    /// The network of the client at sign-in; the whole address is not kept.
    #[schema(example = "192.0.2.0/24")]
    ip_prefix: Option<String>,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The last sign-in or refresh.
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    /// When it ends unless it is refreshed before.
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Whether the request belongs to it.
    is_current: bool,
}

impl SessionBody {
    pub(crate) fn of(sessions: Vec<Session>, actor: Actor) -> Vec<Self> {
        sessions.into_iter().map(|session| Self::new(session, actor)).collect()
    }

    pub(super) fn new(session: Session, actor: Actor) -> Self {
        let expires_at = session.expires_at();
        let Session {
            id,
            owner: _,
            current: _,
            previous: _,
            generation: _,
            key_id: _,
            rotated_at: _,
            window_started_at: _,
            window_rotations: _,
            created_at,
            last_used_at,
            idle_expires_at: _,
            absolute_expires_at: _,
            ended: _,
            client: Client { user_agent, ip_prefix, device },
        } = session;
        let is_current = actor.session == Some(id);
        Self { id, device, user_agent, ip_prefix, created_at, last_used_at, expires_at, is_current }
    }
}

/// The links of an account to others.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkedAccounts {
    accounts: Vec<LinkedAccountBody>,
}

impl LinkedAccounts {
    pub(crate) fn new(links: Vec<LinkedAccount>) -> Self {
        Self { accounts: links.into_iter().map(LinkedAccountBody::from).collect() }
    }
}

/// A link to an account at another provider. It came with the account and is not used to sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkedAccountBody {
    id: String,
    #[schema(example = "github")]
    provider_id: String,
    /// What the account is called there.
    account_id: String,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<LinkedAccount> for LinkedAccountBody {
    fn from(link: LinkedAccount) -> Self {
        let LinkedAccount { id, provider_id, account_id, created_at, updated_at } = link;
        Self { id, provider_id, account_id, created_at, updated_at }
    }
}
