//! `POST /users/{id}/ban`: keeping somebody out, by administrators.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    domain::{Timestamp, users::BanReason},
    users::{BanWish, UserError},
};
use utoipa::ToSchema;

use super::{FlatUser, model::shown_user};
use crate::{
    common::{
        State,
        auth::Caller,
        fault::{Fault, FieldFault},
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        json::{Body, timestamp},
        openapi::{Always, Authorized, Contradictory, Missing, Secured, WithBody},
    },
};

/// Why and until when. The whole body may be left out.
#[derive(Default, ToSchema)]
pub(crate) struct BanUser {
    /// What the person is told.
    #[schema(value_type = Option<String>, max_length = 500)]
    reason: Option<BanReason>,
    /// When the ban ends by itself; never, when nothing is said.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl FromFields for BanUser {
    fn take(fields: &mut Fields) -> Option<Self> {
        fields.blank_is_null("expires_at");
        let reason = fields.optional("reason", |value| Ok(BanReason::new(text(value)?)?));
        let expires_at = fields.optional("expires_at", timestamp);
        Some(Self { reason: reason?, expires_at: expires_at? })
    }
}

impl From<BanUser> for BanWish {
    fn from(ban: BanUser) -> Self {
        let BanUser { reason, expires_at } = ban;
        Self { reason, expires_at }
    }
}

/// An end in the past is a fault of that member.
fn refused(error: UserError) -> Fault {
    match error {
        UserError::BanEndsTooEarly(early) => Fault::invalid(vec![FieldFault {
            field: "expires_at".to_owned(),
            code: "invalid_value",
            message: early.to_string(),
        }]),
        other => other.into(),
    }
}

/// Bans an account. All its sessions end.
#[utoipa::path(post, path = "/api/v1/users/{id}/ban", tag = "users", operation_id = "ban_user",
    request_body = Option<BanUser>,
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid)),
    responses(
        (status = 200, description = "The account as it is now", body = FlatUser),
        Secured, Authorized, Missing, Contradictory, WithBody, Always))]
pub(crate) async fn ban(
    caller: Caller,
    state: State,
    request: HttpRequest,
    body: Body<BanUser>,
) -> Result<HttpResponse, Fault> {
    let users = &state.services().users;
    users.authorize_administrator(caller.0).await?;
    let id = super::subject(&state, caller.0, &request).await?;
    let wish = body.read_optional().await?.into();
    let user = users.ban(caller.0, id, wish).await.map_err(refused)?;
    Ok(shown_user(&state, user))
}
