//! `GET /auth/sessions`: where the caller is signed in.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::{State, auth::LiveCaller, fault::Fault},
    v1::{
        json::Written,
        openapi::{Always, Secured},
        users::SessionBody,
    },
};

/// The caller's live sessions, the one used last first.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnSessions {
    sessions: Vec<SessionBody>,
}

/// Lists the caller's live sessions.
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "auth", operation_id = "own_sessions",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The sessions", body = Written<OwnSessions>), Secured, Always))]
pub(crate) async fn sessions(caller: LiveCaller, state: State) -> Result<HttpResponse, Fault> {
    let sessions = state.services().users.sessions(caller.0, caller.0.user).await?;
    let sessions = SessionBody::of(sessions, caller.0);
    Ok(HttpResponse::Ok().json(Written::silent(OwnSessions { sessions })))
}
