//! `GET /auth/me`: the caller's own account, in the shapes of both front ends at once.

use actix_web::HttpResponse;
use holdfast_application::domain::{Timestamp, UserId, users::User};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::Profile;
use crate::{
    common::{
        State,
        auth::Caller,
        fault::Fault,
        values::{shown, zoned, zoned_option},
    },
    v1::{
        json::Written,
        openapi::{Always, Secured},
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

/// An account as the later front end knows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlatUser {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: UserId,
    email: String,
    email_verified: bool,
    name: Option<String>,
    image: Option<String>,
    #[schema(example = "user")]
    role: &'static str,
    banned: bool,
    ban_reason: Option<String>,
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ban_expires: Option<Timestamp>,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl FlatUser {
    /// The account as of `now`: a ban that has ended is none.
    fn new(user: User, now: Timestamp) -> Self {
        let ban = user.ban_at(now).cloned();
        let User {
            id,
            email,
            name,
            role,
            active: _,
            email_verified,
            image,
            ban: _,
            created_at,
            updated_at,
            last_sign_in_at: _,
        } = user;
        Self {
            id,
            email: email.as_str().to_owned(),
            email_verified,
            name: name.map(|name| name.as_str().to_owned()),
            image,
            role: role.name(),
            banned: ban.is_some(),
            ban_expires: ban.as_ref().and_then(|ban| ban.expires_at),
            ban_reason: ban.and_then(|ban| ban.reason),
            created_at,
            updated_at,
        }
    }
}

/// Reads the caller's own account.
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "auth", security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The account; `data.token` is null", body = Me), Secured, Always))]
pub(crate) async fn me(caller: Caller, state: State) -> Result<HttpResponse, Fault> {
    let user = state.services().auth.profile(caller.0).await?;
    let later = FlatUser::new(user.clone(), state.now());
    Ok(HttpResponse::Ok().json(Me { first: Written::silent(Profile::new(user, None)), later }))
}
