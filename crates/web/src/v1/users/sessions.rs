//! `GET /users/{id}/sessions`: where an account is signed in, for its owner and for administrators.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::SessionBody;
use crate::{
    common::{State, auth::LiveCaller, fault::Fault},
    v1::openapi::{Always, Authorized, Missing, Secured},
};

/// Live sessions, the one used last first.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserSessions {
    sessions: Vec<SessionBody>,
    /// How many.
    total: usize,
}

/// Lists the live sessions of an account.
#[utoipa::path(get, path = "/api/v1/users/{id}/sessions", tag = "users", operation_id = "list_user_sessions",
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid)),
    responses(
        (status = 200, description = "The sessions", body = UserSessions),
        Secured, Authorized, Missing, Always))]
pub(crate) async fn sessions(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let id = super::subject(&state, caller.0, &request).await?;
    let sessions = state.services().users.sessions(caller.0, id).await?;
    let sessions = SessionBody::of(sessions, caller.0);
    Ok(HttpResponse::Ok().json(UserSessions { total: sessions.len(), sessions }))
}
