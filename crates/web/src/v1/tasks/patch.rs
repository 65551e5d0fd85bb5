//! `PATCH /tasks/{id}`: a merge patch (RFC 7396). What is left out stays, null clears.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    Patch,
    domain::{
        Timestamp,
        tasks::{Description, Priority, Title},
    },
    ports::TaskChanges,
};
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
        json::{Body, Written, boolean, description, priority, timestamp, title},
        openapi::{Always, Conditional, Missing, Scoped, WithBody, priority_schema},
    },
};

/// What changes about a task.
#[derive(ToSchema)]
pub(crate) struct PatchTask {
    /// Trimmed; not blank, not null.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255)]
    title: Option<Title>,
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Patch<Description>,
    /// RFC 3339; without a zone it is read as UTC. An empty text is null.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_datetime: Patch<Timestamp>,
    /// Not null.
    #[schema(schema_with = priority_schema, required = false)]
    priority: Option<Priority>,
    /// Not null.
    #[schema(value_type = bool, required = false)]
    is_completed: Option<bool>,
}

impl FromFields for PatchTask {
    fn take(fields: &mut Fields) -> Option<Self> {
        fields.blank_is_null("due_datetime");
        let title = fields.non_null("title", title);
        let description = fields.patch("description", description);
        let due_datetime = fields.patch("due_datetime", timestamp);
        let priority = fields.non_null("priority", priority);
        let is_completed = fields.non_null("is_completed", boolean);
        Some(Self {
            title: title?,
            description: description?,
            due_datetime: due_datetime?,
            priority: priority?,
            is_completed: is_completed?,
        })
    }
}

impl From<PatchTask> for TaskChanges {
    fn from(patch: PatchTask) -> Self {
        let PatchTask { title, description, due_datetime, priority, is_completed } = patch;
        Self { title, description, due: due_datetime, priority, completed: is_completed }
    }
}

/// Changes a task.
#[utoipa::path(patch, path = "/api/v1/tasks/{id}", tag = "tasks", operation_id = "patch_task", request_body = PatchTask,
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    params(
        ("id" = String, Path, description = "The task's id", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "The revision that is changed")),
    responses(
        (status = 200, description = "The task as it is now", body = Written<TaskBody>, headers(
            ("ETag" = String, description = "Its revision"))),
        Scoped, Missing, Conditional, WithBody, Always))]
pub(crate) async fn patch(
    caller: TaskWriter,
    state: State,
    request: HttpRequest,
    body: Body<PatchTask>,
) -> Result<HttpResponse, Fault> {
    let id = super::id(&request)?;
    let preconditions = super::preconditions(&state, &request, caller.0, id).await?;
    let changes = body.read().await?.into();
    let expected = super::expected(preconditions, &state, caller.0, id).await?;
    let task = state.services().tasks.update(caller.0, id, &changes, expected).await?;
    Ok(super::written("Task updated", task))
}
