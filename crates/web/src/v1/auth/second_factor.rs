//! `GET /auth/second-factor`: whether the caller's account has a second factor.

use actix_web::HttpResponse;
use holdfast_application::{
    auth::SecondFactorState,
    domain::{Timestamp, second_factors::Code},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::{
        State,
        auth::LiveCaller,
        fault::Fault,
        fields::{Fields, Taken},
        values::{text, zoned_option},
    },
    v1::{
        json::Found,
        openapi::{Always, Secured},
    },
};

/// Whether an account has a second factor, and never what it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecondFactor {
    /// Whether a sign-in needs a code.
    enrolled: bool,
    /// Since when.
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// How many recovery codes were not used yet.
    recovery_codes_left: u64,
}

impl From<SecondFactorState> for SecondFactor {
    fn from(SecondFactorState { since, recovery_codes_left }: SecondFactorState) -> Self {
        Self { enrolled: since.is_some(), since, recovery_codes_left }
    }
}

/// The member `code` of a step that needs one where the account has a second factor.
pub(crate) fn optional_code(fields: &mut Fields) -> Taken<Option<Code>> {
    Some(fields.optional("code", text)?.and_then(Code::given))
}

/// Tells whether the account has a second factor.
#[utoipa::path(get, path = "/api/v1/auth/second-factor", tag = "auth",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "Whether there is one", body = Found<SecondFactor>), Secured, Always))]
pub(crate) async fn second_factor(caller: LiveCaller, state: State) -> Result<HttpResponse, Fault> {
    let found = state.services().auth.second_factor(caller.0).await?;
    Ok(HttpResponse::Ok().json(Found::new(SecondFactor::from(found))))
}
