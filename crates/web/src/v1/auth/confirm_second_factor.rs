//! `POST /auth/second-factor/confirm`: the first code of an app, from which on the second factor counts.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::domain::second_factors::{Code, RecoveryCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::{
        State,
        auth::LiveCaller,
        client_ip,
        fault::Fault,
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        json::{Body, Written},
        openapi::{Always, CodeNeeded, NoFactor, Throttled, WithBody},
    },
};

/// A code of the app.
#[derive(ToSchema)]
pub(crate) struct ConfirmRequest {
    /// Six digits.
    #[schema(value_type = String, example = "287082")]
    code: Code,
}

impl FromFields for ConfirmRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        Some(Self { code: Code::new(fields.required("code", text)?) })
    }
}

/// Codes for whoever loses the app. Each works once.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// Told this once.
    #[schema(example = json!(["MZXW-6YTB-OJQG-EZDG-NBVG-Y3TQ"]))]
    recovery_codes: Vec<String>,
}

impl RecoveryCodes {
    pub(super) fn written(codes: &[RecoveryCode]) -> Written<Self> {
        let recovery_codes = codes.iter().map(RecoveryCode::shown).collect();
        Written::new(
            "Keep these codes where you find them without the app: they are not shown again",
            Self { recovery_codes },
        )
    }
}

/// Lets the second factor count from now on, and answers the recovery codes. Sessions go on.
#[utoipa::path(post, path = "/api/v1/auth/second-factor/confirm", tag = "auth", request_body = ConfirmRequest,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "It counts", body = Written<RecoveryCodes>),
        CodeNeeded, NoFactor, WithBody, Throttled, Always))]
pub(crate) async fn confirm_second_factor(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
    body: Body<ConfirmRequest>,
) -> Result<HttpResponse, Fault> {
    let ConfirmRequest { code } = body.read().await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    let codes = state.services().auth.confirm_second_factor(caller.0, &code, &client).await?;
    Ok(HttpResponse::Ok().json(RecoveryCodes::written(&codes)))
}
