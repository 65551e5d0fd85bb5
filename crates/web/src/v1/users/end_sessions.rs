//! `DELETE /users/{id}/sessions`: the end of all sessions of an account, by its owner or by administrators.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    common::{State, auth::LiveCaller, client_ip, fault::Fault},
    v1::{
        json::Done,
        openapi::{Always, Authorized, Missing, Secured},
    },
};

/// Ends all sessions of an account, the caller's own as well.
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions", tag = "users", operation_id = "end_user_sessions",
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid)),
    responses(
        (status = 200, description = "Ended", body = Done),
        Secured, Authorized, Missing, Always))]
pub(crate) async fn end_sessions(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let id = super::subject(&state, caller.0, &request).await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    state.services().users.end_sessions(caller.0, id, &client).await?;
    Ok(HttpResponse::Ok().json(Done::new("All sessions have ended")))
}
