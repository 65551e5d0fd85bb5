//! `POST /auth/password/forgot`: asking for a link that sets a new password.

use actix_web::HttpResponse;
use utoipa::ToSchema;

use crate::{
    common::{
        State,
        fault::Fault,
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        json::{Body, Done},
        openapi::{Always, Throttled, WithBody},
    },
};

/// Whose password was forgotten.
#[derive(ToSchema)]
pub(crate) struct ForgotPasswordRequest {
    /// Any text: what is no address of an account is not told.
    #[schema(example = "ada@example.com")]
    email: String,
}

impl FromFields for ForgotPasswordRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        Some(Self { email: fields.required("email", text)? })
    }
}

/// Sends a link that sets a new password, where an account has the address. The answer is the same where none has.
#[utoipa::path(post, path = "/api/v1/auth/password/forgot", tag = "auth", request_body = ForgotPasswordRequest,
    responses(
        (status = 202, description = "Understood; whether there is an account is not told", body = Done),
        WithBody, Throttled, Always))]
pub(crate) async fn forgot_password(
    state: State,
    body: Body<ForgotPasswordRequest>,
) -> Result<HttpResponse, Fault> {
    let ForgotPasswordRequest { email } = body.read().await?;
    state.services().auth.forgot_password(email)?;
    let told = "If an account has this address, a mail with a link is on its way";
    Ok(HttpResponse::Accepted().json(Done::new(told)))
}
