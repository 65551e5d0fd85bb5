//! The frozen surface: `/api/tasks` exactly as the front end of the FastAPI backend uses it (contract, Part II §1).
//!
//! It gains nothing any more. The auth routes that this front end calls are the canonical ones, which answer in its
//! shape already. Deleting this folder and its line in `routes.rs` removes the surface.

mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod tasks;
mod values;
mod wire;

use utoipa::OpenApi;

use crate::common::routing::{Surface, delete, get, patch, post, put};

const PREFIX: &str = "/api/tasks";

#[derive(OpenApi)]
#[openapi(
    paths(tasks::list, tasks::create, tasks::show, tasks::update, tasks::complete, tasks::remove),
    components(schemas(error::LegacyProblem)),
    tags((name = "legacy", description = "Tasks as the front end of the FastAPI backend reads and writes them")),
)]
struct Frozen;

/// The routes and the manners of this surface.
pub(crate) fn surface() -> Surface {
    Surface::new(PREFIX, error::render, Frozen::openapi)
        .at(&["/api/tasks/{id}/complete"], [patch(tasks::complete)])
        .at(&["/api/tasks/{id}"], [get(tasks::show), put(tasks::update), delete(tasks::remove)])
        .at(&["/api/tasks"], [get(tasks::list), post(tasks::create)])
}
