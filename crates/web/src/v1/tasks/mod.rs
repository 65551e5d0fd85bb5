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
    etag::{self, IfMatch},
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

/// The revision that `If-Match` demands, if it demands one.
async fn expected(
    state: &State,
    request: &HttpRequest,
    actor: Actor,
    id: TaskId,
) -> Result<Option<Revision>, Fault> {
    let current = async || Ok(state.services().tasks.show(actor, id).await?);
    IfMatch::of(request.headers()).expected(current).await
}

/// The answer to a write that a task survives.
fn written(message: &'static str, task: Task) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, etag::of(task.revision)))
        .json(Written::new(message, TaskBody::from(task)))
}
