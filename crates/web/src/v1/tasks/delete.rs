//! `DELETE /tasks/{id}`: a task goes for good.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::{State, auth::TaskWriter, fault::Fault},
    v1::openapi::{Always, Conditional, Missing, Scoped},
};

/// The task is gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deleted {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// For people.
    message: &'static str,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    data: Option<()>,
}

/// Deletes a task.
#[utoipa::path(delete, path = "/api/v1/tasks/{id}", tag = "tasks", operation_id = "delete_task",
    security(("bearer" = []), ("password" = []), ("personal_token" = ["tasks:write"])),
    params(
        ("id" = String, Path, description = "The task's id", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "The revision that is deleted")),
    responses(
        (status = 200, description = "Deleted; `data` is null", body = Deleted),
        Scoped, Missing, Conditional, Always))]
pub(crate) async fn delete(
    caller: TaskWriter,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let id = super::id(&request)?;
    let preconditions = super::preconditions(&state, &request, caller.0, id).await?;
    let expected = super::expected(preconditions, &state, caller.0, id).await?;
    state.services().tasks.delete(caller.0, id, expected).await?;
    Ok(HttpResponse::Ok().json(Deleted { success: true, message: "Task deleted", data: None }))
}
