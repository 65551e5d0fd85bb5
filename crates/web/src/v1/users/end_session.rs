//! `DELETE /users/{id}/sessions/{sid}`: the end of one session, by its owner or by administrators.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    common::{State, auth::LiveCaller, client_ip, fault::Fault},
    v1::{
        json::Done,
        openapi::{Always, Authorized, Missing, Secured},
    },
};

/// Ends one session of an account.
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions/{sid}", tag = "users", operation_id = "end_user_session",
    security(("bearer" = []), ("password" = [])),
    params(
        ("id" = String, Path, description = "The account's id", format = Uuid),
        ("sid" = String, Path, description = "The session's id", format = Uuid)),
    responses(
        (status = 200, description = "Ended", body = Done),
        Secured, Authorized, Missing, Always))]
pub(crate) async fn end_session(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let id = super::subject(&state, caller.0, &request).await?;
    let users = &state.services().users;
    users.authorize(caller.0, id).await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    users.end_session(caller.0, id, super::session_id(&request, "sid")?, &client).await?;
    Ok(HttpResponse::Ok().json(Done::new("The session has ended")))
}
