//! `POST /auth/verify`: whether a token is good, flat, as the later front end asks.

use actix_web::HttpResponse;
use holdfast_application::domain::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::{State, auth::LiveCaller, fault::Fault, values::shown},
    v1::openapi::{Always, Secured},
};

/// The token is good.
#[derive(Serialize, ToSchema)]
pub(crate) struct Verified {
    /// Always true: a token that is not good is 401.
    #[schema(example = true)]
    valid: bool,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
}

/// Tells whose token it is, when it is good.
#[utoipa::path(post, path = "/api/v1/auth/verify", tag = "auth",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The token is good", body = Verified), Secured, Always))]
pub(crate) async fn verify(caller: LiveCaller, state: State) -> Result<HttpResponse, Fault> {
    let user = state.services().auth.profile(caller.0).await?;
    Ok(HttpResponse::Ok().json(Verified { valid: true, user_id: user.id }))
}
