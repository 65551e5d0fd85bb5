//! `POST /auth/signin`: signing in as the existing front ends do, with a token for a day.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{auth::SignIn, domain::users::Password};
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
        openapi::{Always, Throttled, WithBody, WrongPassword},
    },
};

/// An address and its password. No rule is applied: old accounts have passwords that new ones may not.
#[derive(ToSchema)]
pub(crate) struct SignInRequest {
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(value_type = String, format = Password, example = "correct horse battery")]
    password: Password,
}

impl FromFields for SignInRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", text);
        let password = fields.required("password", text);
        Some(Self { email: email?, password: Password::new(password?) })
    }
}

/// Signs in with a long-lived token as well.
#[utoipa::path(post, path = "/api/v1/auth/signin", tag = "auth", request_body = SignInRequest,
    responses(
        (status = 200, description = "The account and its tokens", body = Written<Session>),
        WrongPassword, WithBody, Throttled, Always))]
pub(crate) async fn sign_in(
    state: State,
    request: HttpRequest,
    body: Body<SignInRequest>,
) -> Result<HttpResponse, Fault> {
    let SignInRequest { email, password } = body.read().await?;
    let client = client_ip::client(&request, &state.options().trusted_proxies);
    let wish = SignIn { email, password, long_lived: true, client };
    let signed_in = state.services().auth.sign_in(wish).await?;
    Ok(HttpResponse::Ok().json(Written::silent(Session::from(signed_in))))
}
