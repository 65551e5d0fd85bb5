//! `PATCH /users/{id}`: name and picture, by the owner or by administrators.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    Patch,
    domain::users::{Image, Name},
    ports::ProfileChanges,
};
use utoipa::ToSchema;

use super::{FlatUser, model::shown_user};
use crate::{
    common::{
        State,
        auth::Caller,
        fault::Fault,
        fields::{Fields, FromFields},
        values::text,
    },
    v1::{
        json::Body,
        openapi::{Always, Authorized, Missing, Secured, WithBody},
    },
};

/// What changes: what is left out stays, null clears.
#[derive(ToSchema)]
pub(crate) struct UpdateUser {
    #[schema(value_type = Option<String>, max_length = 100, example = "Ada")]
    name: Patch<Name>,
    /// The address of a picture.
    #[schema(value_type = Option<String>, max_length = 2048)]
    image: Patch<Image>,
}

impl FromFields for UpdateUser {
    fn take(fields: &mut Fields) -> Option<Self> {
        let name = fields.patch("name", |value| Ok(Name::new(text(value)?)?));
        let image = fields.patch("image", |value| Ok(Image::new(text(value)?)?));
        Some(Self { name: name?, image: image? })
    }
}

impl From<UpdateUser> for ProfileChanges {
    fn from(update: UpdateUser) -> Self {
        let UpdateUser { name, image } = update;
        Self { name, image }
    }
}

/// Changes name and picture of an account.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", operation_id = "update_user", request_body = UpdateUser,
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid)),
    responses(
        (status = 200, description = "The account as it is now", body = FlatUser),
        Secured, Authorized, Missing, WithBody, Always))]
pub(crate) async fn update(
    caller: Caller,
    state: State,
    request: HttpRequest,
    body: Body<UpdateUser>,
) -> Result<HttpResponse, Fault> {
    let id = super::subject(&state, caller.0, &request).await?;
    let users = &state.services().users;
    users.authorize(caller.0, id).await?;
    let user = users.update(caller.0, id, &body.read().await?.into()).await?;
    Ok(shown_user(&state, user))
}
