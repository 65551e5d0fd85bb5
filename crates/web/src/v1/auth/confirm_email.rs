//! `POST /auth/email/confirm`: giving the account, with a link from a mail, the address that the link was sent to.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::Actor;

use super::verify_email::LinkRequest;
use crate::{
    common::{State, auth, client_ip, fault::Fault},
    v1::{
        json::{Body, Done},
        openapi::{Always, DeadLink, EmailTaken, Throttled, WithBody},
    },
};

/// Changes the address of the account. All its sessions end but the caller's: send the bearer token along, where there is
/// one. A token that is not good is as good as none.
#[utoipa::path(post, path = "/api/v1/auth/email/confirm", tag = "auth", request_body = LinkRequest,
    security((), ("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "Changed", body = Done),
        EmailTaken, WithBody, DeadLink, Throttled, Always))]
pub(crate) async fn confirm_email(
    state: State,
    request: HttpRequest,
    body: Body<LinkRequest>,
) -> Result<HttpResponse, Fault> {
    let LinkRequest { token } = body.read().await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    let caller = caller(&state, &request).await;
    state.services().auth.confirm_email_change(&token, caller, &client).await?;
    Ok(HttpResponse::Ok().json(Done::new("The account has its new address")))
}

/// Who is calling, where a good token tells.
async fn caller(state: &State, request: &HttpRequest) -> Option<Actor> {
    let token = auth::bearer(request.headers()).ok()?;
    state.services().auth.authenticate(token).await.ok()
}
