//! `POST /auth/second-factor/recovery-codes`: new recovery codes in the place of all earlier ones.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::domain::{second_factors::Code, users::Password};
use utoipa::ToSchema;

use super::{confirm_second_factor::RecoveryCodes, second_factor::optional_code};
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

/// The password and a code, which confirm a change of the second factor.
#[derive(ToSchema)]
pub(crate) struct FactorConfirmation {
    #[schema(value_type = String, format = Password)]
    pub(super) password: Password,
    /// Six digits, or a recovery code.
    #[schema(value_type = String, example = "287082")]
    pub(super) code: Option<Code>,
}

impl FromFields for FactorConfirmation {
    fn take(fields: &mut Fields) -> Option<Self> {
        let (password, code) = (fields.required("password", text), optional_code(fields));
        Some(Self { password: Password::new(password?), code: code? })
    }
}

/// Makes new recovery codes; the earlier ones work no more.
#[utoipa::path(post, path = "/api/v1/auth/second-factor/recovery-codes", tag = "auth", request_body = FactorConfirmation,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "The codes", body = Written<RecoveryCodes>),
        CodeNeeded, NoFactor, WithBody, Throttled, Always))]
pub(crate) async fn renew_recovery_codes(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
    body: Body<FactorConfirmation>,
) -> Result<HttpResponse, Fault> {
    let FactorConfirmation { password, code } = body.read().await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    let auth = &state.services().auth;
    let codes = auth.renew_recovery_codes(caller.0, &password, code.as_ref(), &client).await?;
    Ok(HttpResponse::Ok().json(RecoveryCodes::written(&codes)))
}
