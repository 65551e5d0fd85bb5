//! `POST /auth/logout`: ending sessions. Who signs out wants to be out, so a dead token is no error.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::auth::{Scope, SignOut};
use utoipa::ToSchema;

use crate::{
    common::{
        State, auth, client_ip,
        fault::Fault,
        fields::{Fields, Flaw, FromFields},
        json::Json,
        values::text,
    },
    v1::{
        json::{Body, Done},
        openapi::{Always, WithBody, scope_schema},
    },
};

/// What ends. The whole body may be left out.
#[derive(Default, ToSchema)]
pub(crate) struct LogoutRequest {
    /// This session, all others, or all.
    #[schema(schema_with = scope_schema, required = false)]
    scope: Scope,
    /// Names the session where no bearer token does.
    refresh_token: Option<String>,
}

impl FromFields for LogoutRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        let scope = fields.optional("scope", scope);
        let refresh_token = fields.optional("refresh_token", text);
        Some(Self { scope: scope?.unwrap_or_default(), refresh_token: refresh_token? })
    }
}

fn scope(value: Json) -> Result<Scope, Flaw> {
    match text(value)?.as_str() {
        "local" => Ok(Scope::Local),
        "others" => Ok(Scope::Others),
        "global" => Ok(Scope::Global),
        _ => Err(Flaw::invalid("must be local, others or global")),
    }
}

/// Signs out. The bearer token names the session, even an expired one; else the refresh token does.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", request_body = Option<LogoutRequest>,
    security((), ("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "Signed out, also where nothing was left to end", body = Done),
        WithBody, Always))]
pub(crate) async fn logout(
    state: State,
    request: HttpRequest,
    body: Body<LogoutRequest>,
) -> Result<HttpResponse, Fault> {
    let LogoutRequest { scope, refresh_token } = body.read_optional().await?;
    let bearer = auth::bearer(request.headers()).ok().map(str::to_owned);
    let client = client_ip::client(&request, &state.trusted_proxies());
    state.services().auth.sign_out(SignOut { bearer, refresh_token, scope, client }).await?;
    Ok(HttpResponse::Ok().json(Done::new("Successfully signed out")))
}
