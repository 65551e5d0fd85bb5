//! `POST /auth/password`: another password for the caller's account, and one session in the place of all others.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::ChangePassword,
    domain::{
        second_factors::Code,
        sessions::Client,
        users::{Email, NewPassword, Password},
    },
};
use utoipa::ToSchema;

use super::{model::TokenPair, second_factor::optional_code};
use crate::{
    common::{State, auth::LiveCaller, client_ip, fault::Fault, fields::Fields, values::text},
    v1::{
        json::{Body, Written},
        openapi::{Always, Confirmed, Throttled, WithBody},
    },
};

/// The password that counts until now, and the one that shall count.
#[derive(ToSchema)]
pub(crate) struct ChangePasswordRequest {
    #[schema(value_type = String, format = Password, example = "correct horse battery")]
    current_password: Password,
    /// Any characters; another one than before, not a common one, and not with the local part of the address in it.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256, example = "staple battery horse")]
    new_password: NewPassword,
    /// Where the account has a second factor: six digits of the app, or a recovery code.
    #[schema(value_type = Option<String>, example = "287082")]
    code: Option<Code>,
}

impl ChangePasswordRequest {
    /// Judges the new password as one for the account with this address.
    fn read(mut fields: Fields, email: &Email) -> Result<Self, Fault> {
        let current = fields.required("current_password", text).map(Password::new);
        let new = fields.required("new_password", text).map(Password::new);
        let new = new.and_then(|new| {
            let judged = match &current {
                Some(current) => NewPassword::replacing(current, new, email),
                None => NewPassword::new(new, email),
            };
            fields.check("new_password", judged)
        });
        let taken = optional_code(&mut fields).zip(current.zip(new));
        fields.complete(taken.map(|(code, (current_password, new_password))| Self {
            current_password,
            new_password,
            code,
        }))
    }

    fn wish(self, client: Client) -> ChangePassword {
        let Self { current_password, new_password, code } = self;
        ChangePassword { current: current_password, new: new_password, code, client }
    }
}

/// Sets another password. All sessions end, this one as well; the answer is the first pair of a new one.
#[utoipa::path(post, path = "/api/v1/auth/password", tag = "auth", request_body = ChangePasswordRequest,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "The tokens of the session that begins", body = Written<TokenPair>),
        Confirmed, WithBody, Throttled, Always))]
pub(crate) async fn change_password(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
    body: Body<Fields>,
) -> Result<HttpResponse, Fault> {
    let fields = body.receive().await?;
    let auth = &state.services().auth;
    let email = auth.profile(caller.0).await?.email;
    let client = client_ip::client(&request, &state.trusted_proxies());
    let wish = ChangePasswordRequest::read(fields, &email)?.wish(client);
    let signed_in = auth.change_password(caller.0, wish).await?;
    Ok(HttpResponse::Ok().json(Written::silent(TokenPair::from(signed_in))))
}
