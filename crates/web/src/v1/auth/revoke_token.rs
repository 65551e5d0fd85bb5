//! `DELETE /auth/tokens/{id}`: the end of one of the caller's personal access tokens.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    common::{State, auth::LiveCaller, client_ip, fault::Fault},
    v1::{
        json::Done,
        openapi::{Always, Missing, Secured},
    },
};

/// Revokes one of the caller's personal access tokens. From the answer on it is good for nothing anywhere.
#[utoipa::path(delete, path = "/api/v1/auth/tokens/{id}", tag = "auth", operation_id = "revoke_own_token",
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The token's id", format = Uuid)),
    responses((status = 200, description = "Revoked", body = Done), Secured, Missing, Always))]
pub(crate) async fn revoke_token(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    // Whatever is no identifier names no token.
    let id = request.match_info().query("id").parse().map_err(|_| Fault::not_found("Token not found"))?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    state.services().auth.revoke_personal_token(caller.0, id, &client).await?;
    Ok(HttpResponse::Ok().json(Done::new("The token was revoked")))
}
