//! `POST /tasks`: a new task.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use holdfast_application::{
    domain::{
        Timestamp,
        tasks::{Description, Priority, Task, TaskDraft, Title},
    },
    idempotency::{Attempt, Fingerprint, KeptAnswer, Settled},
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
        etag, idempotency,
        json::{Body, Written, boolean, description, priority, timestamp, title},
        openapi::{Always, Repeatable, Scoped, WithBody, priority_schema},
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

/// What a key names together with a body.
const OPERATION: &str = "POST /api/v1/tasks";

fn created(task: Task) -> KeptAnswer {
    KeptAnswer {
        status: StatusCode::CREATED.as_u16(),
        location: Some(format!("/api/v1/tasks/{}", task.id)),
        etag: Some(etag::of(task.revision)),
        // A struct of texts and numbers always serializes.
        body: serde_json::to_vec(&Written::new("Task created", TaskBody::from(task))).unwrap_or_default(),
    }
}

/// Creates a task, with an `Idempotency-Key` once however often it is repeated.
#[utoipa::path(post, path = "/api/v1/tasks", tag = "tasks", operation_id = "create_task", request_body = CreateTask,
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description =
        "A name for this request, 1 to 255 printable ASCII characters, with or without quotation marks. For 24 hours a repeat with the same bytes gets the stored answer")),
    responses(
        (status = 201, description = "Created", body = Written<TaskBody>, headers(
            ("Location" = String, description = "The path of the task"),
            ("ETag" = String, description = "Its revision"),
            ("Idempotent-Replayed" = bool, description = "`true` on the stored answer to a repeat; absent otherwise"))),
        Scoped, WithBody, Repeatable, Always))]
pub(crate) async fn create(
    caller: TaskWriter,
    state: State,
    request: HttpRequest,
    body: Body<CreateTask>,
) -> Result<HttpResponse, Fault> {
    let key = |fields: &mut Fields| idempotency::key(request.headers(), fields);
    let (task, key, bytes) = body.read_with(key).await?;
    let tasks = &state.services().tasks;
    let settled = match key {
        None => Settled { answer: created(tasks.create(caller.0, task.into()).await?), replayed: false },
        Some(key) => {
            let attempt = Attempt { key, fingerprint: Fingerprint::of(OPERATION, &bytes) };
            tasks.create_once(caller.0, task.into(), attempt, created).await?
        }
    };
    idempotency::answer(settled)
}
