//! `GET /auth/session`: the session and the account of a token, flat, as the later front end reads them.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::Inspection,
    domain::{SessionId, Timestamp, UserId, sessions::Session},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::{
        State,
        auth::{Caller, bearer},
        fault::Fault,
        values::{shown, shown_option, zoned},
    },
    v1::{
        openapi::{Always, Secured},
        users::FlatUser,
    },
};

/// The session and its account.
#[derive(Serialize, ToSchema)]
pub(crate) struct CurrentSession {
    session: FlatSession,
    user: FlatUser,
}

/// A session as the later front end knows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlatSession {
    /// Null with a token that the FastAPI backend issued, which belongs to no session.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = Uuid)]
    session_id: Option<SessionId>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The network of the client at sign-in; the whole address is not kept.
    #[schema(example = "192.0.2.0/24")]
    ip_address: Option<String>,
    user_agent: Option<String>,
    /// Always false.
    is_impersonated: bool,
}

impl FlatSession {
    fn new(user_id: UserId, session: Option<Session>, token_expires_at: Timestamp) -> Self {
        let expires_at = session.as_ref().map_or(token_expires_at, Session::expires_at);
        let session_id = session.as_ref().map(|session| session.id);
        let client = session.map(|session| session.client).unwrap_or_default();
        Self {
            session_id,
            user_id,
            expires_at,
            ip_address: client.ip_prefix,
            user_agent: client.user_agent,
            is_impersonated: false,
        }
    }
}

/// Reads the session that the token belongs to, and its account.
#[utoipa::path(get, path = "/api/v1/auth/session", tag = "auth",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "Both", body = CurrentSession), Secured, Always))]
pub(crate) async fn session(_: Caller, state: State, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let inspection = state.services().auth.inspect(bearer(request.headers())?).await?;
    let Inspection { user, session, issued_at: _, expires_at } = inspection;
    Ok(HttpResponse::Ok().json(CurrentSession {
        session: FlatSession::new(user.id, session, expires_at),
        user: FlatUser::new(user, state.now()),
    }))
}
