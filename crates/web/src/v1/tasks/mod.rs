//! Tasks on the canonical surface, one operation per file. Whose tasks they are is the caller's token's to say.

mod complete;
mod create;
mod delete;
mod list;
mod model;
mod patch;
mod replace;
mod show;

use actix_web::{HttpRequest, HttpResponse, http::header};
use holdfast_application::{
    Actor,
    domain::{
        TaskId,
        tasks::{Revision, Task},
    },
};

use super::{
    etag::{self, Preconditions},
    json::Written,
};
use crate::common::{State, fault::Fault};

pub(crate) use complete::*;
pub(crate) use create::*;
pub(crate) use delete::*;
pub(crate) use list::*;
pub(crate) use model::TaskBody;
pub(crate) use patch::*;
pub(crate) use replace::*;
pub(crate) use show::*;

/// The task that the path names. Whatever is no identifier names no task.
fn id(request: &HttpRequest) -> Result<TaskId, Fault> {
    request.match_info().query("id").parse().map_err(|_| Fault::not_found("Task not found"))
}

/// What a write demands of the task that it finds. Where it must demand something and does not, a task that is missing, or
/// somebody else's, is missing all the same: no more is told of it than with a condition.
async fn preconditions(
    state: &State,
    request: &HttpRequest,
    actor: Actor,
    id: TaskId,
) -> Result<Preconditions, Fault> {
    let preconditions = Preconditions::of(request.headers());
    if !state.options().require_if_match {
        return Ok(preconditions);
    }
    let required = preconditions.required();
    if required.is_err() {
        state.services().tasks.show(actor, id).await?;
    }
    required
}

/// The revision that the write must find, if it must find a certain one.
async fn expected(
    preconditions: Preconditions,
    state: &State,
    actor: Actor,
    id: TaskId,
) -> Result<Option<Revision>, Fault> {
    preconditions.expected(async || Ok(state.services().tasks.show(actor, id).await?)).await
}

/// The answer to a write that a task survives.
fn written(message: &'static str, task: Task) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, etag::of(task.revision)))
        .json(Written::new(message, TaskBody::from(task)))
}
