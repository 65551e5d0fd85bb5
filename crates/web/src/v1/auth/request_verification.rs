//! `POST /auth/email/verify/request`: asking for a link that verifies the caller's address.

use actix_web::HttpResponse;

use crate::{
    common::{State, auth::Caller, fault::Fault},
    v1::{
        json::Done,
        openapi::{Always, Secured, Throttled},
    },
};

/// Sends a link that verifies the address of the caller's account, unless it is verified already.
#[utoipa::path(post, path = "/api/v1/auth/email/verify/request", tag = "auth",
    security(("bearer" = []), ("password" = [])),
    responses((status = 202, description = "Understood", body = Done), Secured, Throttled, Always))]
pub(crate) async fn request_verification(caller: Caller, state: State) -> Result<HttpResponse, Fault> {
    state.services().auth.request_verification(caller.0).await?;
    let told = "A mail with a link is on its way, unless the address is verified already";
    Ok(HttpResponse::Accepted().json(Done::new(told)))
}
