//! `POST /auth/login`: signing in as new clients do, with a short-lived token and a refresh token.

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

/// An address and its password.
#[derive(ToSchema)]
pub(crate) struct LoginRequest {
    /// Also understood as `username`.
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(value_type = String, format = Password, example = "correct horse battery")]
    password: Password,
}

impl FromFields for LoginRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        let name = if fields.has("email") || !fields.has("username") { "email" } else { "username" };
        let email = fields.required(name, text);
        let password = fields.required("password", text);
        Some(Self { email: email?, password: Password::new(password?) })
    }
}

/// Signs in.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = LoginRequest,
    responses(
        (status = 200, description = "The account and its tokens; `token` is null", body = Written<Session>),
        WrongPassword, WithBody, Throttled, Always))]
pub(crate) async fn login(
    state: State,
    request: HttpRequest,
    body: Body<LoginRequest>,
) -> Result<HttpResponse, Fault> {
    let LoginRequest { email, password } = body.read().await?;
    let client = client_ip::client(&request, &state.options().trusted_proxies);
    let wish = SignIn { email, password, long_lived: false, client };
    let signed_in = state.services().auth.sign_in(wish).await?;
    Ok(HttpResponse::Ok().json(Written::silent(Session::from(signed_in))))
}
