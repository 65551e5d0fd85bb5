//! `PUT /tasks/{id}`: everything that a person says about a task, anew. What is left out takes its default.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{Patch, domain::tasks::TaskDraft, ports::TaskChanges};

use super::{CreateTask, TaskBody};
use crate::{
    common::{State, auth::TaskWriter, fault::Fault},
    v1::{
        json::{Body, Written},
        openapi::{Always, Conditional, Missing, Scoped, WithBody},
    },
};

fn changes(draft: TaskDraft) -> TaskChanges {
    let TaskDraft { title, description, due, priority, completed } = draft;
    TaskChanges {
        title: Some(title),
        description: Patch::replace(description),
        due: Patch::replace(due),
        priority: Some(priority),
        completed: Some(completed),
    }
}

/// Replaces a task.
#[utoipa::path(put, path = "/api/v1/tasks/{id}", tag = "tasks", operation_id = "replace_task", request_body = CreateTask,
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    params(
        ("id" = String, Path, description = "The task's id", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "The revision that is replaced")),
    responses(
        (status = 200, description = "The task as it is now", body = Written<TaskBody>, headers(
            ("ETag" = String, description = "Its revision"))),
        Scoped, Missing, Conditional, WithBody, Always))]
pub(crate) async fn replace(
    caller: TaskWriter,
    state: State,
    request: HttpRequest,
    body: Body<CreateTask>,
) -> Result<HttpResponse, Fault> {
    let id = super::id(&request)?;
    let preconditions = super::preconditions(&state, &request, caller.0, id).await?;
    let changes = changes(body.read().await?.into());
    let expected = super::expected(preconditions, &state, caller.0, id).await?;
    let task = state.services().tasks.update(caller.0, id, &changes, expected).await?;
    Ok(super::written("Task updated", task))
}
