//! `DELETE /users/{id}/ban`: letting somebody in again, by administrators.

use actix_web::{HttpRequest, HttpResponse};

use super::{FlatUser, model::shown_user};
use crate::{
    common::{State, auth::Caller, fault::Fault},
    v1::openapi::{Always, Authorized, Missing, Secured},
};

/// Lifts the ban of an account. Without one nothing changes.
#[utoipa::path(delete, path = "/api/v1/users/{id}/ban", tag = "users", operation_id = "unban_user",
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid)),
    responses(
        (status = 200, description = "The account as it is now", body = FlatUser),
        Secured, Authorized, Missing, Always))]
pub(crate) async fn unban(caller: Caller, state: State, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let id = super::subject(&state, caller.0, &request).await?;
    let user = state.services().users.unban(caller.0, id).await?;
    Ok(shown_user(&state, user))
}
