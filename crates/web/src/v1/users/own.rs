//! `/users/me`: the caller's own account, read, changed and deleted.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::domain::{second_factors::Code, users::Password};
use utoipa::ToSchema;

use super::{FlatUser, UpdateUser, model::shown_user};
use crate::{
    common::{
        State,
        auth::Caller,
        client_ip,
        fault::Fault,
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        auth::optional_code,
        json::{Body, Done},
        openapi::{Always, Contradictory, Secured, Throttled, WithBody},
    },
};

/// The password that confirms a deletion.
#[derive(ToSchema)]
pub(crate) struct DeleteOwn {
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// Where the account has a second factor: six digits of the app, or a recovery code.
    #[schema(value_type = Option<String>, example = "287082")]
    code: Option<Code>,
}

impl FromFields for DeleteOwn {
    fn take(fields: &mut Fields) -> Option<Self> {
        let (password, code) = (fields.required("password", text), optional_code(fields));
        Some(Self { password: Password::new(password?), code: code? })
    }
}

/// Reads the caller's own account.
#[utoipa::path(get, path = "/api/v1/users/me", tag = "users", operation_id = "show_own_user",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The account", body = FlatUser), Secured, Always))]
pub(crate) async fn show_own(caller: Caller, state: State) -> Result<HttpResponse, Fault> {
    let user = state.services().users.show(caller.0, caller.0.user).await?;
    Ok(shown_user(&state, user))
}

/// Changes name and picture of the caller's own account.
#[utoipa::path(patch, path = "/api/v1/users/me", tag = "users", operation_id = "update_own_user", request_body = UpdateUser,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "The account as it is now", body = FlatUser),
        Secured, WithBody, Always))]
pub(crate) async fn update_own(
    caller: Caller,
    state: State,
    body: Body<UpdateUser>,
) -> Result<HttpResponse, Fault> {
    let changes = body.read().await?.into();
    let user = state.services().users.update(caller.0, caller.0.user, &changes).await?;
    Ok(shown_user(&state, user))
}

/// Deletes the caller's own account with all its tasks and sessions, for good.
#[utoipa::path(delete, path = "/api/v1/users/me", tag = "users", operation_id = "delete_own_user", request_body = DeleteOwn,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 200, description = "Deleted", body = Done),
        Secured, Contradictory, WithBody, Throttled, Always))]
pub(crate) async fn delete_own(
    caller: Caller,
    state: State,
    request: HttpRequest,
    body: Body<DeleteOwn>,
) -> Result<HttpResponse, Fault> {
    let DeleteOwn { password, code } = body.read().await?;
    let client = client_ip::client(&request, &state.trusted_proxies());
    state.services().users.delete_account(caller.0, &password, code.as_ref(), &client).await?;
    Ok(HttpResponse::Ok().json(Done::new("The account and everything in it was deleted")))
}
