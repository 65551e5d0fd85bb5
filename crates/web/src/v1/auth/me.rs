//! `GET /auth/me`: the caller's own account, in the shapes of both front ends at once.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Profile;
use crate::{
    common::{State, auth::LiveCaller, fault::Fault},
    v1::{
        json::Written,
        openapi::{Always, Secured},
        users::FlatUser,
    },
};

/// The caller's account.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    #[serde(flatten)]
    first: Written<Profile>,
    #[serde(flatten)]
    later: FlatUser,
}

/// Reads the caller's own account.
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "auth", security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The account; `data.token` is null", body = Me), Secured, Always))]
pub(crate) async fn me(caller: LiveCaller, state: State) -> Result<HttpResponse, Fault> {
    let user = state.services().auth.profile(caller.0).await?;
    let later = FlatUser::new(user.clone(), state.now());
    Ok(HttpResponse::Ok().json(Me { first: Written::silent(Profile::new(user, None)), later }))
}
