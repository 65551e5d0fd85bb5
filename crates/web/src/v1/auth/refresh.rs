//! `POST /auth/refresh`: a refresh token for a new pair.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    auth::AuthError,
    domain::sessions::{ROTATION_WINDOW, ROTATIONS_PER_WINDOW, TooManyRotations},
};
use utoipa::ToSchema;

use super::model::TokenPair;
use crate::{
    common::{
        State, client_ip,
        fault::Fault,
        fields::{Fields, FromFields},
        rate_limit,
        values::text,
    },
    v1::{
        json::{Body, Written},
        openapi::{Always, DeadRefreshToken, Throttled, WithBody},
    },
};

/// The token to exchange.
#[derive(ToSchema)]
pub(crate) struct RefreshRequest {
    refresh_token: String,
}

impl FromFields for RefreshRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        Some(Self { refresh_token: fields.required("refresh_token", text)? })
    }
}

/// The refusal of a session that refreshes too often tells its limit, as every other throttle does.
pub(super) fn refused(error: AuthError) -> Fault {
    match error {
        AuthError::TooManyRefreshes(TooManyRotations { retry_after }) => {
            let quota = ROTATIONS_PER_WINDOW.unsigned_abs();
            rate_limit::refusal("session", quota, ROTATION_WINDOW, retry_after)
        }
        other => other.into(),
    }
}

/// Exchanges a refresh token. Within half a minute the same token gets the same successor again; later it ends the
/// session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = RefreshRequest,
    responses(
        (status = 200, description = "The new pair", body = Written<TokenPair>),
        DeadRefreshToken, WithBody, Throttled, Always))]
pub(crate) async fn refresh(
    state: State,
    request: HttpRequest,
    body: Body<RefreshRequest>,
) -> Result<HttpResponse, Fault> {
    let RefreshRequest { refresh_token } = body.read().await?;
    let client = client_ip::client(&request, &state.options().trusted_proxies);
    let refreshed = state.services().auth.refresh(&refresh_token, &client).await.map_err(refused)?;
    Ok(HttpResponse::Ok().json(Written::silent(TokenPair::from(refreshed))))
}
