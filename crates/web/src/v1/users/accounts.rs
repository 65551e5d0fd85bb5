//! `GET /users/{id}/accounts`: the links of an account to others, for its owner and for administrators.

use actix_web::{HttpRequest, HttpResponse};

use super::LinkedAccounts;
use crate::{
    common::{State, auth::Caller, fault::Fault},
    v1::openapi::{Always, Authorized, Missing, Secured},
};

/// Lists the links that an account came with.
#[utoipa::path(get, path = "/api/v1/users/{id}/accounts", tag = "users", operation_id = "list_user_accounts",
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid)),
    responses(
        (status = 200, description = "The links", body = LinkedAccounts),
        Secured, Authorized, Missing, Always))]
pub(crate) async fn accounts(
    caller: Caller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let id = super::subject(&state, caller.0, &request).await?;
    let links = state.services().users.linked_accounts(caller.0, id).await?;
    Ok(HttpResponse::Ok().json(LinkedAccounts::new(links)))
}
