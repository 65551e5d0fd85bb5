//! `POST /auth/email/verify`: showing, with a link from a mail, that the account's address is read.

use actix_web::{HttpRequest, HttpResponse};
use utoipa::ToSchema;

use crate::{
    common::{
        State, client_ip,
        fault::Fault,
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        json::{Body, Done},
        openapi::{Always, DeadLink, Throttled, WithBody},
    },
};

/// The token of a link.
#[derive(ToSchema)]
pub(crate) struct LinkRequest {
    pub(super) token: String,
}

impl FromFields for LinkRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        Some(Self { token: fields.required("token", text)? })
    }
}

/// Notes that the address of the account is read.
#[utoipa::path(post, path = "/api/v1/auth/email/verify", tag = "auth", request_body = LinkRequest,
    responses(
        (status = 200, description = "Verified", body = Done),
        WithBody, DeadLink, Throttled, Always))]
pub(crate) async fn verify_email(
    state: State,
    request: HttpRequest,
    body: Body<LinkRequest>,
) -> Result<HttpResponse, Fault> {
    let LinkRequest { token } = body.read().await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    state.services().auth.verify_email(&token, &client).await?;
    Ok(HttpResponse::Ok().json(Done::new("The address is verified")))
}
