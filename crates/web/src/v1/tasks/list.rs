//! `GET /tasks`: one page of the caller's tasks.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::tasks::TaskPage;
use serde::Serialize;
use utoipa::ToSchema;

use super::TaskBody;
use crate::{
    common::{
        State,
        auth::TaskReader,
        fault::Fault,
        fields::{Fields, FromFields as _},
    },
    v1::{
        json::Found,
        openapi::{Always, Scoped, WithQuery},
        page::TaskListQuery,
    },
};

/// One page.
#[derive(Serialize, ToSchema)]
pub(crate) struct TaskList {
    tasks: Vec<TaskBody>,
    /// How many match on all pages together.
    total_count: u64,
    /// As asked for.
    limit: u64,
    /// As asked for; 0 with a cursor.
    offset: u64,
    /// Leads to the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Lists tasks, a page at a time.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks", operation_id = "list_tasks", params(TaskListQuery),
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:read"])),
    responses((status = 200, description = "One page", body = Found<TaskList>), Scoped, WithQuery, Always))]
pub(crate) async fn list(
    caller: TaskReader,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let query = TaskListQuery::read(Fields::of_query(request.query_string())?)?;
    let (limit, offset) = (query.limit, query.offset);
    let TaskPage { tasks, total, next_cursor } = state.services().tasks.list(caller.0, query.into()).await?;
    let tasks = tasks.into_iter().map(TaskBody::from).collect();
    Ok(HttpResponse::Ok().json(Found::new(TaskList {
        tasks,
        total_count: total,
        limit,
        offset,
        next_cursor,
    })))
}
