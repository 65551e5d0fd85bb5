//! `DELETE /tasks/{id}`: a task goes for good.

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    common::{State, auth::Caller, fault::Fault},
    v1::{
        json::Written,
        openapi::{Always, Conditional, Missing, Secured},
    },
};

/// Deletes a task.
#[utoipa::path(delete, path = "/api/v1/tasks/{id}", tag = "tasks", security(("bearer" = []), ("password" = [])),
    params(
        ("id" = String, Path, description = "The task's id", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "The revision that is deleted")),
    responses(
        (status = 200, description = "Deleted; `data` is null", body = Written<()>),
        Secured, Missing, Conditional, Always))]
pub(crate) async fn delete(
    caller: Caller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let id = super::id(&request)?;
    let expected = super::expected(&state, &request, caller.0, id).await?;
    state.services().tasks.delete(caller.0, id, expected).await?;
    Ok(HttpResponse::Ok().json(Written::new("Task deleted", ())))
}
