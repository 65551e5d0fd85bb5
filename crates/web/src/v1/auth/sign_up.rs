//! `POST /auth/signup`: a new account and its first session.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::SignUp,
    domain::{
        sessions::Client,
        users::{Email, Name, NewPassword, Password},
    },
};
use utoipa::ToSchema;

use super::model::Session;
use crate::{
    common::{
        State, client_ip,
        fault::Fault,
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        json::{Body, Written},
        openapi::{Always, EmailTaken, Throttled, WithBody},
    },
};

/// A wish for an account.
#[derive(ToSchema)]
pub(crate) struct SignUpRequest {
    /// Kept as typed; compared without regard to case.
    #[schema(value_type = String, format = Email, max_length = 254, example = "ada@example.com")]
    email: Email,
    /// Any characters; not a common one, and not with the local part of the address in it.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256, example = "correct horse battery")]
    password: NewPassword,
    #[schema(value_type = Option<String>, max_length = 100, example = "Ada")]
    name: Option<Name>,
}

impl FromFields for SignUpRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        let address = fields.required("email", text);
        // The password is judged even where the address is wrong: all faults come at once.
        let typed = Email::stored(address.clone().unwrap_or_default());
        let email = address.and_then(|address| fields.check("email", Email::new(address)));
        let password = fields.required("password", text);
        let password = password
            .and_then(|password| fields.check("password", NewPassword::new(Password::new(password), &typed)));
        let name = fields.optional("name", |value| Ok(Name::new(text(value)?)?));
        Some(Self { email: email?, password: password?, name: name? })
    }
}

impl SignUpRequest {
    fn wish(self, client: Client) -> SignUp {
        let Self { email, password, name } = self;
        SignUp { email, password, name, client }
    }
}

/// Makes an account and signs it in.
#[utoipa::path(post, path = "/api/v1/auth/signup", tag = "auth", request_body = SignUpRequest,
    responses(
        (status = 201, description = "The account and its first tokens", body = Written<Session>),
        EmailTaken, WithBody, Throttled, Always))]
pub(crate) async fn sign_up(
    state: State,
    request: HttpRequest,
    body: Body<SignUpRequest>,
) -> Result<HttpResponse, Fault> {
    let client = client_ip::client(&request, &state.trusted_proxies());
    let wish = body.read().await?.wish(client);
    let signed_in = state.services().auth.sign_up(wish).await?;
    Ok(HttpResponse::Created().json(Written::silent(Session::from(signed_in))))
}
