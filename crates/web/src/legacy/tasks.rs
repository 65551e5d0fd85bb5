//! The six operations of the frozen surface.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{domain::TaskId, tasks::TaskPage};

use super::{
    error::LegacyProblem,
    wire::{
        LegacyAnswer, LegacyListQuery, LegacyTask, LegacyTaskComplete, LegacyTaskCreate, LegacyTaskList,
        LegacyTaskUpdate,
    },
};
use crate::common::{
    State,
    auth::{TaskReader, TaskWriter},
    body::{Media, RawBody},
    fault::Fault,
    fields::{Fields, Flaw, FromFields},
    json::{self, Duplicates},
    limits,
};

/// The media type of errors.
const PROBLEM: &str = "application/problem+json";

async fn read<T: FromFields>(body: RawBody) -> Result<T, Fault> {
    let body = body.receive(Media::Json, limits::FROZEN_BODY).await?;
    T::read(Fields::new(json::read(&body, Duplicates::LastWins)?))
}

/// The task that the path names. Unlike on the canonical surface, what is no identifier is invalid.
fn id(request: &HttpRequest) -> Result<TaskId, Fault> {
    let mut fields = Fields::default();
    let judged = request.match_info().query("id").parse().map_err(|_| Flaw::invalid("must be a UUID"));
    let id = fields.check("id", judged);
    fields.complete(id)
}

/// Lists tasks.
#[utoipa::path(get, path = "/api/tasks", tag = "legacy", operation_id = "legacy_list", params(LegacyListQuery),
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:read"])),
    responses(
        (status = 200, description = "One page", body = LegacyAnswer<LegacyTaskList>),
        (status = 400, description = "Unknown priority, sort_by or sort_order", body = LegacyProblem, content_type = PROBLEM),
        (status = 401, description = "No bearer token, or not a good one", body = LegacyProblem, content_type = PROBLEM),
        (status = 403, description = "A personal access token without the scope", body = LegacyProblem, content_type = PROBLEM),
        (status = 422, description = "Another parameter is invalid", body = LegacyProblem, content_type = PROBLEM),
        (status = 503, description = "A dependency is lost", body = LegacyProblem, content_type = PROBLEM)))]
pub(crate) async fn list(
    caller: TaskReader,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let query = LegacyListQuery::read(Fields::of_query(request.query_string())?)?;
    let (limit, offset) = (query.limit, query.offset);
    let TaskPage { tasks, total, next_cursor: _ } =
        state.services().tasks.list(caller.0, query.into()).await?;
    let tasks = tasks.into_iter().map(LegacyTask::from).collect();
    Ok(HttpResponse::Ok().json(LegacyAnswer::new(LegacyTaskList {
        tasks,
        total_count: total,
        limit,
        offset,
    })))
}

/// Creates a task.
#[utoipa::path(post, path = "/api/tasks", tag = "legacy", operation_id = "legacy_create", request_body = LegacyTaskCreate,
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    responses(
        (status = 201, description = "Created", body = LegacyAnswer<LegacyTask>),
        (status = 400, description = "Not JSON, or an unknown priority", body = LegacyProblem, content_type = PROBLEM),
        (status = 401, description = "No bearer token, or not a good one", body = LegacyProblem, content_type = PROBLEM),
        (status = 403, description = "A personal access token without the scope", body = LegacyProblem, content_type = PROBLEM),
        (status = 413, description = "More than 1 MiB", body = LegacyProblem, content_type = PROBLEM),
        (status = 415, description = "Not JSON by its media type", body = LegacyProblem, content_type = PROBLEM),
        (status = 422, description = "Invalid", body = LegacyProblem, content_type = PROBLEM),
        (status = 503, description = "A dependency is lost", body = LegacyProblem, content_type = PROBLEM)))]
pub(crate) async fn create(caller: TaskWriter, state: State, body: RawBody) -> Result<HttpResponse, Fault> {
    let task: LegacyTaskCreate = read(body).await?;
    let task = state.services().tasks.create(caller.0, task.into()).await?;
    Ok(HttpResponse::Created().json(LegacyAnswer::new(LegacyTask::from(task))))
}

/// Reads a task.
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "legacy", operation_id = "legacy_show",
    params(("id" = String, Path, description = "The task's id", format = Uuid)), security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:read"])),
    responses(
        (status = 200, description = "The task", body = LegacyAnswer<LegacyTask>),
        (status = 401, description = "No bearer token, or not a good one", body = LegacyProblem, content_type = PROBLEM),
        (status = 403, description = "A personal access token without the scope", body = LegacyProblem, content_type = PROBLEM),
        (status = 404, description = "Missing, or somebody else's", body = LegacyProblem, content_type = PROBLEM),
        (status = 422, description = "The id is no UUID", body = LegacyProblem, content_type = PROBLEM),
        (status = 503, description = "A dependency is lost", body = LegacyProblem, content_type = PROBLEM)))]
pub(crate) async fn show(
    caller: TaskReader,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let task = state.services().tasks.show(caller.0, id(&request)?).await?;
    Ok(HttpResponse::Ok().json(LegacyAnswer::new(LegacyTask::from(task))))
}

/// Changes or replaces a task.
#[utoipa::path(put, path = "/api/tasks/{id}", tag = "legacy", operation_id = "legacy_update", request_body = LegacyTaskUpdate,
    params(("id" = String, Path, description = "The task's id", format = Uuid)), security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    responses(
        (status = 200, description = "The task as it is now", body = LegacyAnswer<LegacyTask>),
        (status = 400, description = "Not JSON, or an unknown priority", body = LegacyProblem, content_type = PROBLEM),
        (status = 401, description = "No bearer token, or not a good one", body = LegacyProblem, content_type = PROBLEM),
        (status = 403, description = "A personal access token without the scope", body = LegacyProblem, content_type = PROBLEM),
        (status = 404, description = "Missing, or somebody else's", body = LegacyProblem, content_type = PROBLEM),
        (status = 422, description = "Invalid", body = LegacyProblem, content_type = PROBLEM),
        (status = 503, description = "A dependency is lost", body = LegacyProblem, content_type = PROBLEM)))]
pub(crate) async fn update(
    caller: TaskWriter,
    state: State,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, Fault> {
    let id = id(&request)?;
    let update: LegacyTaskUpdate = read(body).await?;
    let task = state.services().tasks.update(caller.0, id, &update.into(), None).await?;
    Ok(HttpResponse::Ok().json(LegacyAnswer::new(LegacyTask::from(task))))
}

/// Marks a task as done or not done.
#[utoipa::path(patch, path = "/api/tasks/{id}/complete", tag = "legacy", operation_id = "legacy_complete",
    request_body = LegacyTaskComplete,
    params(("id" = String, Path, description = "The task's id", format = Uuid)), security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    responses(
        (status = 200, description = "The task as it is now", body = LegacyAnswer<LegacyTask>),
        (status = 400, description = "Not JSON", body = LegacyProblem, content_type = PROBLEM),
        (status = 401, description = "No bearer token, or not a good one", body = LegacyProblem, content_type = PROBLEM),
        (status = 403, description = "A personal access token without the scope", body = LegacyProblem, content_type = PROBLEM),
        (status = 404, description = "Missing, or somebody else's", body = LegacyProblem, content_type = PROBLEM),
        (status = 422, description = "Invalid", body = LegacyProblem, content_type = PROBLEM),
        (status = 503, description = "A dependency is lost", body = LegacyProblem, content_type = PROBLEM)))]
pub(crate) async fn complete(
    caller: TaskWriter,
    state: State,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, Fault> {
    let id = id(&request)?;
    let LegacyTaskComplete { completed } = read(body).await?;
    let task = state.services().tasks.complete(caller.0, id, completed, None).await?;
    Ok(HttpResponse::Ok().json(LegacyAnswer::new(LegacyTask::from(task))))
}

/// Deletes a task.
#[utoipa::path(delete, path = "/api/tasks/{id}", tag = "legacy", operation_id = "legacy_delete",
    params(("id" = String, Path, description = "The task's id", format = Uuid)), security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    responses(
        (status = 204, description = "Deleted; the body is empty"),
        (status = 401, description = "No bearer token, or not a good one", body = LegacyProblem, content_type = PROBLEM),
        (status = 403, description = "A personal access token without the scope", body = LegacyProblem, content_type = PROBLEM),
        (status = 404, description = "Missing, or somebody else's", body = LegacyProblem, content_type = PROBLEM),
        (status = 422, description = "The id is no UUID", body = LegacyProblem, content_type = PROBLEM),
        (status = 503, description = "A dependency is lost", body = LegacyProblem, content_type = PROBLEM)))]
pub(crate) async fn remove(
    caller: TaskWriter,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    state.services().tasks.delete(caller.0, id(&request)?, None).await?;
    Ok(HttpResponse::NoContent().finish())
}
