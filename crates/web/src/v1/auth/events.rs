//! `GET /auth/events`: what happened to the caller's account.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    common::{State, auth::LiveCaller, fault::Fault},
    v1::{
        json::Written,
        openapi::{Always, Secured, WithQuery},
        users::{EventListQuery, Events},
    },
};

/// Lists what happened to the caller's account, a page at a time.
#[utoipa::path(get, path = "/api/v1/auth/events", tag = "auth", operation_id = "own_events", params(EventListQuery),
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "One page", body = Written<Events>), Secured, WithQuery, Always))]
pub(crate) async fn events(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let query = EventListQuery::of(&request)?;
    Ok(HttpResponse::Ok().json(Written::silent(Events::read(&state, caller.0, caller.0.user, query).await?)))
}
