//! `GET /auth/accounts`: the links of the caller's account to others, flat, as the later front end reads them.

use actix_web::HttpResponse;

use crate::{
    common::{State, auth::Caller, fault::Fault},
    v1::{
        openapi::{Always, Secured},
        users::LinkedAccounts,
    },
};

/// Lists the links that the caller's account came with.
#[utoipa::path(get, path = "/api/v1/auth/accounts", tag = "auth", operation_id = "own_accounts",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The links", body = LinkedAccounts), Secured, Always))]
pub(crate) async fn accounts(caller: Caller, state: State) -> Result<HttpResponse, Fault> {
    let links = state.services().users.linked_accounts(caller.0, caller.0.user).await?;
    Ok(HttpResponse::Ok().json(LinkedAccounts::new(links)))
}
