//! `GET /tasks/{id}`: one task.

use actix_web::{HttpRequest, HttpResponse, http::header};

use super::TaskBody;
use crate::{
    common::{State, auth::TaskReader, fault::Fault},
    v1::{
        etag::{self, Preconditions},
        json::Written,
        openapi::{Always, Matching, Missing, Scoped},
    },
};

/// Reads a task.
#[utoipa::path(get, path = "/api/v1/tasks/{id}", tag = "tasks", operation_id = "show_task",
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:read"])),
    params(
        ("id" = String, Path, description = "The task's id", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "The revision that is wanted"),
        ("If-None-Match" = Option<String>, Header, description = "A revision that the caller has")),
    responses(
        (status = 200, description = "The task", body = Written<TaskBody>, headers(
            ("ETag" = String, description = "Its revision"))),
        (status = 304, description = "The caller has this revision"),
        Scoped, Missing, Matching, Always))]
pub(crate) async fn show(
    caller: TaskReader,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let task = state.services().tasks.show(caller.0, super::id(&request)?).await?;
    let tag = (header::ETAG, etag::of(task.revision));
    if Preconditions::of(request.headers()).is_known(task.revision)? {
        return Ok(HttpResponse::NotModified().insert_header(tag).finish());
    }
    Ok(HttpResponse::Ok().insert_header(tag).json(Written::silent(TaskBody::from(task))))
}
