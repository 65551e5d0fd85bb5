//! `DELETE /auth/sessions/{id}`: the end of one of the caller's sessions.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    common::{State, auth::LiveCaller, client_ip, fault::Fault},
    v1::{
        json::Done,
        openapi::{Always, Missing, Secured},
        users::session_id,
    },
};

/// Ends one of the caller's sessions, which may be this one.
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{id}", tag = "auth", operation_id = "end_own_session",
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The session's id", format = Uuid)),
    responses((status = 200, description = "Ended", body = Done), Secured, Missing, Always))]
pub(crate) async fn end_session(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let id = session_id(&request, "id")?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    state.services().users.end_session(caller.0, caller.0.user, id, &client).await?;
    Ok(HttpResponse::Ok().json(Done::new("The session has ended")))
}
