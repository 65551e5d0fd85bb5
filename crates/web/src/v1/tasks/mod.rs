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

/// What a write demands of the task that it finds, and whether it must demand anything.
fn preconditions(state: &State, request: &HttpRequest) -> Result<Preconditions, Fault> {
    let preconditions = Preconditions::of(request.headers());
    if state.options().require_if_match { preconditions.required() } else { Ok(preconditions) }
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
