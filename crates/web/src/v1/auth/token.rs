//! `POST /auth/token`: the token endpoint of OAuth 2 (RFC 6749) with the grants `password` and `refresh_token`, flat
//! answers and errors of its own.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    Classify, ErrorKind,
    auth::{AuthError, SignIn},
    domain::{second_factors::Code, users::Password},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::TokenPair;
use crate::{
    common::{
        State,
        body::{Media, RawBody},
        client_ip,
        fault::Fault,
        form::{self, NotDecodable},
        limits,
    },
    v1::openapi::{Always, Throttled, WithForm},
};

/// The form. Which members are needed depends on the grant; client credentials are not asked for and not judged.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form; the grants are read apart from each other")]
pub(crate) struct TokenRequest {
    /// `password` or `refresh_token`.
    #[schema(example = "password")]
    grant_type: String,
    /// With `password`: the e-mail address.
    username: Option<String>,
    /// With `password`.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<String>,
    /// With `password`, where the account has a second factor: six digits of the app, or a recovery code.
    otp: Option<String>,
    /// With `refresh_token`.
    refresh_token: Option<String>,
}

/// An error of RFC 6749 §5.2.
#[derive(Serialize, ToSchema)]
pub(crate) struct OAuthError {
    /// `invalid_request`, `invalid_grant` or `unsupported_grant_type`.
    #[schema(example = "invalid_grant")]
    error: &'static str,
    error_description: &'static str,
    /// `SECOND_FACTOR_REQUIRED` where the password is right and `otp` is missing or not good; else left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
}

enum Grant {
    Password { email: String, password: Password, code: Option<Code> },
    RefreshToken(String),
}

/// Gives tokens for a password or a refresh token.
#[utoipa::path(post, path = "/api/v1/auth/token", tag = "auth",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The tokens", body = TokenPair),
        (status = 400, description = "Not a grant, or not a good one", body = OAuthError),
        WithForm, Throttled, Always))]
pub(crate) async fn token(state: State, request: HttpRequest, body: RawBody) -> Result<HttpResponse, Fault> {
    let form = body.receive(Media::Form, limits::CANONICAL_BODY).await?;
    let grant = match grant(&form) {
        Ok(grant) => grant,
        Err(error) => return Ok(refuse(error)),
    };
    let auth = &state.services().auth;
    let client = client_ip::client(&request, &state.trusted_proxies());
    let pair = match grant {
        Grant::Password { email, password, code } => {
            let wish = SignIn { email, password, code, long_lived: false, client };
            auth.sign_in(wish).await.map(TokenPair::from)
        }
        Grant::RefreshToken(token) => auth.refresh(&token, &client).await.map(TokenPair::from),
    };
    match pair {
        Ok(pair) => Ok(HttpResponse::Ok().json(pair)),
        Err(error) => answer(error),
    }
}

fn grant(form: &[u8]) -> Result<Grant, OAuthError> {
    let mut given = BTreeMap::new();
    let pairs = form::decode(form).map_err(|NotDecodable| invalid("the form cannot be decoded"))?;
    for (name, value) in pairs {
        // An empty parameter counts as omitted, a repeated one is an error (RFC 6749 §3.2).
        if !value.is_empty() && given.insert(name, value).is_some() {
            return Err(invalid("a parameter is repeated"));
        }
    }
    if given.values().any(|value| value.contains('\0')) {
        return Err(invalid("a parameter contains the character U+0000"));
    }
    let code = given.remove("otp").and_then(Code::given);
    let mut take = |name, missing| given.remove(name).ok_or(invalid(missing));
    match take("grant_type", "grant_type is required")?.as_str() {
        "password" => Ok(Grant::Password {
            email: take("username", "username is required")?,
            password: Password::new(take("password", "password is required")?),
            code,
        }),
        "refresh_token" => Ok(Grant::RefreshToken(take("refresh_token", "refresh_token is required")?)),
        _ => Err(OAuthError {
            error: "unsupported_grant_type",
            error_description: "grant_type must be password or refresh_token",
            error_code: None,
        }),
    }
}

fn invalid(error_description: &'static str) -> OAuthError {
    OAuthError { error: "invalid_request", error_description, error_code: None }
}

fn refuse(error: OAuthError) -> HttpResponse {
    HttpResponse::BadRequest().json(error)
}

/// A grant that is not good is `invalid_grant` whatever the reason; what is not about the grant stays a problem.
fn answer(error: AuthError) -> Result<HttpResponse, Fault> {
    let error_code = matches!(error, AuthError::SecondFactor(_)).then(|| error.code());
    let error_description = match error.kind() {
        ErrorKind::Unauthenticated if error_code.is_some() => "A code of the second factor is needed (otp)",
        ErrorKind::Unauthenticated => "The credentials or the token are not valid",
        ErrorKind::Forbidden => "The account may not sign in",
        ErrorKind::Malformed
        | ErrorKind::NotFound
        | ErrorKind::Invalid
        | ErrorKind::Conflict
        | ErrorKind::InFlight(_)
        | ErrorKind::PreconditionFailed
        | ErrorKind::Throttled(_)
        | ErrorKind::Unavailable(_)
        | ErrorKind::Unexpected => return Err(error.into()),
    };
    Ok(refuse(OAuthError { error: "invalid_grant", error_description, error_code }))
}
