//! `PUT /users/{id}/role`: another role, by administrators.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::domain::users::Role;
use utoipa::ToSchema;

use super::{FlatUser, model::shown_user};
use crate::{
    common::{
        State,
        auth::Caller,
        fault::Fault,
        fields::{Fields, FromFields},
    },
    v1::{
        json::{Body, role},
        openapi::{Always, Authorized, Contradictory, Missing, Secured, WithBody, role_schema},
    },
};

/// The role that the account is to have.
#[derive(ToSchema)]
pub(crate) struct SetRole {
    #[schema(schema_with = role_schema)]
    role: Role,
}

impl FromFields for SetRole {
    fn take(fields: &mut Fields) -> Option<Self> {
        Some(Self { role: fields.required("role", role)? })
    }
}

/// Gives an account a role. Its sessions end, unless it had the role already.
#[utoipa::path(put, path = "/api/v1/users/{id}/role", tag = "users", operation_id = "set_user_role", request_body = SetRole,
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid)),
    responses(
        (status = 200, description = "The account as it is now", body = FlatUser),
        Secured, Authorized, Missing, Contradictory, WithBody, Always))]
pub(crate) async fn set_role(
    caller: Caller,
    state: State,
    request: HttpRequest,
    body: Body<SetRole>,
) -> Result<HttpResponse, Fault> {
    let users = &state.services().users;
    users.authorize_administrator(caller.0).await?;
    let id = super::subject(&state, caller.0, &request).await?;
    let SetRole { role } = body.read().await?;
    let user = users.set_role(caller.0, id, role).await?;
    Ok(shown_user(&state, user))
}
