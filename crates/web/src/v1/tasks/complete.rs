//! `PATCH /tasks/{id}/complete`: done or not done.

use actix_web::{HttpRequest, HttpResponse};
use utoipa::ToSchema;

use super::TaskBody;
use crate::{
    common::{
        State,
        auth::TaskWriter,
        fault::Fault,
        fields::{Fields, FromFields},
    },
    v1::{
        json::{Body, Written, boolean},
        openapi::{Always, Conditional, Missing, Scoped, WithBody},
    },
};

/// Whether a task is done.
#[derive(ToSchema)]
pub(crate) struct CompleteTask {
    completed: bool,
}

impl FromFields for CompleteTask {
    fn take(fields: &mut Fields) -> Option<Self> {
        Some(Self { completed: fields.required("completed", boolean)? })
    }
}

/// Marks a task as done or not done.
#[utoipa::path(patch, path = "/api/v1/tasks/{id}/complete", tag = "tasks", operation_id = "complete_task", request_body = CompleteTask,
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    params(
        ("id" = String, Path, description = "The task's id", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "The revision that is changed")),
    responses(
        (status = 200, description = "The task as it is now", body = Written<TaskBody>, headers(
            ("ETag" = String, description = "Its revision"))),
        Scoped, Missing, Conditional, WithBody, Always))]
pub(crate) async fn complete(
    caller: TaskWriter,
    state: State,
    request: HttpRequest,
    body: Body<CompleteTask>,
) -> Result<HttpResponse, Fault> {
    let id = super::id(&request)?;
    let preconditions = super::preconditions(&state, &request, caller.0, id).await?;
    let CompleteTask { completed } = body.read().await?;
    let expected = super::expected(preconditions, &state, caller.0, id).await?;
    let task = state.services().tasks.complete(caller.0, id, completed, expected).await?;
    Ok(super::written(if completed { "Task completed" } else { "Task reopened" }, task))
}
