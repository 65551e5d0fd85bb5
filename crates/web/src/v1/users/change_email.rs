//! `POST /users/me/email`: asking for another address for the caller's own account.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::ChangeEmail,
    domain::{
        second_factors::Code,
        sessions::Client,
        users::{Email, Password},
    },
};
use utoipa::ToSchema;

use crate::{
    common::{
        State,
        auth::Caller,
        client_ip,
        fault::Fault,
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        auth::optional_code,
        json::{Body, Done},
        openapi::{Always, Passwordless, Secured, Throttled, WithBody, WrongPassword},
    },
};

/// The new address, and the password that confirms the wish.
#[derive(ToSchema)]
pub(crate) struct ChangeEmailRequest {
    #[schema(value_type = String, format = Email, max_length = 254, example = "ada@example.com")]
    email: Email,
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// Where the account has a second factor: six digits of the app, or a recovery code.
    #[schema(value_type = Option<String>, example = "287082")]
    code: Option<Code>,
}

impl FromFields for ChangeEmailRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", |value| Ok(Email::new(text(value)?)?));
        let password = fields.required("password", text).map(Password::new);
        let code = optional_code(fields);
        Some(Self { email: email?, password: password?, code: code? })
    }
}

impl ChangeEmailRequest {
    fn wish(self, client: Client) -> ChangeEmail {
        let Self { email, password, code } = self;
        ChangeEmail { email, password, code, client }
    }
}

/// Sends a link to the new address, and word of it to the old one. The address changes once the link is used; whether
/// another account has it is told only then.
#[utoipa::path(post, path = "/api/v1/users/me/email", tag = "users", operation_id = "change_own_email", request_body = ChangeEmailRequest,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 202, description = "Understood; nothing has changed yet", body = Done),
        Secured, WrongPassword, Passwordless, WithBody, Throttled, Always))]
pub(crate) async fn change_email(
    caller: Caller,
    state: State,
    request: HttpRequest,
    body: Body<ChangeEmailRequest>,
) -> Result<HttpResponse, Fault> {
    let client = client_ip::client(&request, &state.trusted_proxies());
    let wish = body.read().await?.wish(client);
    state.services().auth.request_email_change(caller.0, wish).await?;
    Ok(HttpResponse::Accepted().json(Done::new("A mail with a link is on its way to the new address")))
}
