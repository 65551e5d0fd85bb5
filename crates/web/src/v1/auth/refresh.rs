//! `POST /auth/refresh`: a refresh token for a new pair.

use actix_web::{HttpRequest, HttpResponse};
use utoipa::ToSchema;

use super::model::TokenPair;
use crate::{
    common::{
        State, client_ip,
        fault::Fault,
        fields::{Fields, FromFields},
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
    let client = client_ip::client(&request, &state.trusted_proxies());
    let refreshed = state.services().auth.refresh(&refresh_token, &client).await?;
    Ok(HttpResponse::Ok().json(Written::silent(TokenPair::from(refreshed))))
}
