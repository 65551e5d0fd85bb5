//! `DELETE /auth/second-factor`: back to the password alone.

use actix_web::{HttpRequest, HttpResponse};

use super::renew_recovery_codes::FactorConfirmation;
use crate::{
    common::{State, auth::LiveCaller, client_ip, fault::Fault},
    v1::{
        json::{Body, Done},
        openapi::{Always, CodeNeeded, NoFactor, Throttled, WithBody},
    },
};

/// Removes the second factor and its recovery codes. Sessions go on.
#[utoipa::path(delete, path = "/api/v1/auth/second-factor", tag = "auth", request_body = FactorConfirmation,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "Removed", body = Done),
        CodeNeeded, NoFactor, WithBody, Throttled, Always))]
pub(crate) async fn remove_second_factor(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
    body: Body<FactorConfirmation>,
) -> Result<HttpResponse, Fault> {
    let FactorConfirmation { password, code } = body.read().await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    let auth = &state.services().auth;
    auth.remove_second_factor(caller.0, &password, code.as_ref(), &client).await?;
    Ok(HttpResponse::Ok().json(Done::new("The second factor was removed; the password alone signs in")))
}
