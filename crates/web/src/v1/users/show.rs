//! `GET /users/{id}`: one account, for its owner and for administrators.

use actix_web::{HttpRequest, HttpResponse};

use super::{FlatUser, model::shown_user};
use crate::{
    common::{State, auth::Caller, fault::Fault},
    v1::openapi::{Always, Authorized, Missing, Secured},
};

/// Reads an account.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", operation_id = "show_user",
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid)),
    responses(
        (status = 200, description = "The account", body = FlatUser),
        Secured, Authorized, Missing, Always))]
pub(crate) async fn show(caller: Caller, state: State, request: HttpRequest) -> Result<HttpResponse, Fault> {
    let id = super::subject(&state, caller.0, &request).await?;
    let user = state.services().users.show(caller.0, id).await?;
    Ok(shown_user(&state, user))
}
