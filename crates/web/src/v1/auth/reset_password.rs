//! `POST /auth/password/reset`: a new password with a link from a mail.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::{AuthError, ResetPassword},
    domain::{sessions::Client, users::Password},
};
use utoipa::ToSchema;

use crate::{
    common::{
        State, client_ip,
        fault::{Fault, FieldFault},
        fields::{Fields, Flaw, FromFields},
        values::text,
    },
    v1::{
        json::{Body, Done},
        openapi::{Always, DeadLink, Throttled, WithBody},
    },
};

/// The token of the link, and the password that counts from now on.
#[derive(ToSchema)]
pub(crate) struct ResetPasswordRequest {
    token: String,
    /// As at sign-up.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    new_password: Password,
}

impl FromFields for ResetPasswordRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        let token = fields.required("token", text);
        let new_password = fields.required("new_password", text).map(Password::new);
        Some(Self { token: token?, new_password: new_password? })
    }
}

impl ResetPasswordRequest {
    fn wish(self, client: Client) -> ResetPassword {
        let Self { token, new_password: password } = self;
        ResetPassword { token, password, client }
    }
}

/// A password that may not be set is a fault of that member.
fn refused(error: AuthError) -> Fault {
    match error {
        AuthError::PasswordRefused(fault) => {
            let Flaw { code, message } = fault.into();
            Fault::invalid(vec![FieldFault { field: "new_password".to_owned(), code, message }])
        }
        other => other.into(),
    }
}

/// Sets a new password. Every session of the account ends, and the address counts as verified.
#[utoipa::path(post, path = "/api/v1/auth/password/reset", tag = "auth", request_body = ResetPasswordRequest,
    responses(
        (status = 200, description = "Set; sign in with it", body = Done),
        WithBody, DeadLink, Throttled, Always))]
pub(crate) async fn reset_password(
    state: State,
    request: HttpRequest,
    body: Body<ResetPasswordRequest>,
) -> Result<HttpResponse, Fault> {
    let client = client_ip::client(&request, &state.trusted_proxies());
    let wish = body.read().await?.wish(client);
    state.services().auth.reset_password(wish).await.map_err(refused)?;
    Ok(HttpResponse::Ok().json(Done::new("The password was changed; sign in with the new one")))
}
