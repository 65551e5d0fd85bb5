//! Signing in with an address and a password: `POST /auth/signin` as the existing front ends do, with a token for a day,
//! and `POST /auth/login` as new clients do, without one.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::SignIn,
    domain::{second_factors::Code, users::Password},
};
use utoipa::ToSchema;

use super::{model::Session, second_factor::optional_code};
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
    /// Where the account has a second factor: six digits of the app, or a recovery code.
    #[schema(value_type = Option<String>, example = "287082")]
    code: Option<Code>,
}

/// An address and its password.
#[derive(ToSchema)]
pub(crate) struct LoginRequest {
    /// Also understood as `username`.
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(value_type = String, format = Password, example = "correct horse battery")]
    password: Password,
    /// Where the account has a second factor: six digits of the app, or a recovery code.
    #[schema(value_type = Option<String>, example = "287082")]
    code: Option<Code>,
}

impl FromFields for SignInRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        credentials(fields, "email").map(|(email, password, code)| Self { email, password, code })
    }
}

impl FromFields for LoginRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        let name = if fields.has("email") || !fields.has("username") { "email" } else { "username" };
        credentials(fields, name).map(|(email, password, code)| Self { email, password, code })
    }
}

fn credentials(fields: &mut Fields, name: &'static str) -> Option<(String, Password, Option<Code>)> {
    let (email, password) = (fields.required(name, text), fields.required("password", text));
    let code = optional_code(fields);
    Some((email?, password.map(Password::new)?, code?))
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
    let SignInRequest { email, password, code } = body.read().await?;
    begin(&state, &request, email, (password, code), true).await
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
    let LoginRequest { email, password, code } = body.read().await?;
    begin(&state, &request, email, (password, code), false).await
}

async fn begin(
    state: &State,
    request: &HttpRequest,
    email: String,
    (password, code): (Password, Option<Code>),
    long_lived: bool,
) -> Result<HttpResponse, Fault> {
    let client = client_ip::client(request, &state.trusted_proxies());
    let wish = SignIn { email, password, code, long_lived, client };
    let signed_in = state.services().auth.sign_in(wish).await?;
    Ok(HttpResponse::Ok().json(Written::silent(Session::from(signed_in))))
}
