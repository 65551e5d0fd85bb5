//! `POST /auth/second-factor`: a secret for an authenticator app, which counts once it is confirmed.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{auth::Enrolment, domain::users::Password};
use qrcode::{EcLevel, QrCode, render::svg};
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
        openapi::{Always, Confirmed, EnrolledOrOff, Throttled, WithBody},
    },
};

/// The sides of the picture, in pixels, at least.
const PICTURE: u32 = 240;

/// The password that confirms the wish.
#[derive(ToSchema)]
pub(crate) struct EnrolRequest {
    #[schema(value_type = String, format = Password)]
    password: Password,
}

impl FromFields for EnrolRequest {
    fn take(fields: &mut Fields) -> Option<Self> {
        Some(Self { password: Password::new(fields.required("password", text)?) })
    }
}

/// What an app needs to show codes; told this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnrolmentBody {
    /// For typing: base32.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// For apps on the same device.
    otpauth_uri: String,
    /// The same as a picture: an SVG document. Null where the address of the account does not fit into one.
    qr_svg: Option<String>,
}

impl From<Enrolment> for EnrolmentBody {
    fn from(Enrolment { secret, address }: Enrolment) -> Self {
        let code = QrCode::with_error_correction_level(&address, EcLevel::M).ok();
        let qr_svg =
            code.map(|code| code.render::<svg::Color<'_>>().min_dimensions(PICTURE, PICTURE).build());
        Self { secret, otpauth_uri: address, qr_svg }
    }
}

/// Makes the secret of a second factor, in the place of one that was not confirmed. It counts once it is confirmed with a
/// code, within 15 minutes.
#[utoipa::path(post, path = "/api/v1/auth/second-factor", tag = "auth", request_body = EnrolRequest,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "The secret; nothing counts yet", body = Written<EnrolmentBody>),
        Confirmed, EnrolledOrOff, WithBody, Throttled, Always))]
pub(crate) async fn enrol_second_factor(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
    body: Body<EnrolRequest>,
) -> Result<HttpResponse, Fault> {
    let EnrolRequest { password } = body.read().await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    let enrolment = state.services().auth.enrol_second_factor(caller.0, &password, &client).await?;
    Ok(HttpResponse::Ok().json(Written::silent(EnrolmentBody::from(enrolment))))
}
