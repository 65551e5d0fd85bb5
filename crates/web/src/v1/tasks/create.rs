//! `POST /tasks`: a new task.

use actix_web::{HttpResponse, http::header};
use holdfast_application::domain::{
    Timestamp,
    tasks::{Description, Priority, TaskDraft, Title},
};
use utoipa::ToSchema;

use super::TaskBody;
use crate::{
    common::{
        State,
        auth::Caller,
        fault::Fault,
        fields::{Fields, FromFields},
    },
    v1::{
        etag,
        json::{Body, Written, boolean, description, priority, timestamp, title},
        openapi::{Always, Secured, WithBody, priority_schema},
    },
};

/// A new task.
#[derive(ToSchema)]
pub(crate) struct CreateTask {
    /// Trimmed; not blank.
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "Water the plants")]
    title: Title,
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Option<Description>,
    /// RFC 3339; without a zone it is read as UTC. An empty text is null.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-03-01T10:00:00Z")]
    due_datetime: Option<Timestamp>,
    /// `not_urgent_not_important` when nothing is said.
    #[schema(schema_with = priority_schema, required = false)]
    priority: Priority,
    #[schema(value_type = Option<bool>, default = false)]
    is_completed: bool,
}

impl FromFields for CreateTask {
    fn take(fields: &mut Fields) -> Option<Self> {
        fields.blank_is_null("due_datetime");
        let title = fields.required("title", title);
        let description = fields.optional("description", description);
        let due_datetime = fields.optional("due_datetime", timestamp);
        let priority = fields.non_null("priority", priority);
        let is_completed = fields.optional("is_completed", boolean);
        Some(Self {
            title: title?,
            description: description?,
            due_datetime: due_datetime?,
            priority: priority?.unwrap_or(Priority::NotUrgentNotImportant),
            is_completed: is_completed?.unwrap_or(false),
        })
    }
}

impl From<CreateTask> for TaskDraft {
    fn from(task: CreateTask) -> Self {
        let CreateTask { title, description, due_datetime, priority, is_completed } = task;
        Self { title, description, due: due_datetime, priority, completed: is_completed }
    }
}

/// Creates a task.
#[utoipa::path(post, path = "/api/v1/tasks", tag = "tasks", operation_id = "create_task", request_body = CreateTask,
    security(("bearer" = []), ("password" = [])),
    responses(
        (status = 201, description = "Created", body = Written<TaskBody>, headers(
            ("Location" = String, description = "The path of the task"),
            ("ETag" = String, description = "Its revision"))),
        Secured, WithBody, Always))]
pub(crate) async fn create(
    caller: Caller,
    state: State,
    body: Body<CreateTask>,
) -> Result<HttpResponse, Fault> {
    let draft = body.read().await?.into();
    let task = state.services().tasks.create(caller.0, draft).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/v1/tasks/{}", task.id)))
        .insert_header((header::ETAG, etag::of(task.revision)))
        .json(Written::new("Task created", TaskBody::from(task))))
}
