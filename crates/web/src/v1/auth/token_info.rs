//! `GET /auth/token-info`: what a token says, flat, as the later front end reads it.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::Inspection,
    domain::{Timestamp, UserId},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::{
        State,
        auth::{Caller, bearer},
        fault::Fault,
        values::{shown, zoned, zoned_option},
    },
    v1::openapi::{Always, Secured},
};

/// What a token says, with e-mail and role as they are now.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenInfo {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    email: String,
    #[schema(example = "user")]
    role: &'static str,
    /// Null with a token that the FastAPI backend issued.
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    issued_at: Option<Timestamp>,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Tells what the token says.
#[utoipa::path(get, path = "/api/v1/auth/token-info", tag = "auth",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "What it says", body = TokenInfo), Secured, Always))]
pub(crate) async fn token_info(_: Caller, state: State, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let inspection = state.services().auth.inspect(bearer(request.headers())?).await?;
    let Inspection { user, session: _, issued_at, expires_at } = inspection;
    Ok(HttpResponse::Ok().json(TokenInfo {
        user_id: user.id,
        email: user.email.as_str().to_owned(),
        role: user.role.name(),
        issued_at,
        expires_at,
    }))
}
