//! The root of the server: its name, its version and the way to the documentation.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::common::State;

/// Who answers here.
#[derive(Serialize, ToSchema)]
pub(crate) struct Greeting {
    #[schema(example = "Holdfast")]
    name: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
    message: &'static str,
    #[schema(example = "/api/docs")]
    docs: &'static str,
    #[schema(example = "/api/redoc")]
    redoc: &'static str,
    #[schema(example = "/api/openapi.json")]
    openapi: &'static str,
    #[schema(example = "/health")]
    health: &'static str,
}

/// Tells the name, the version and where the documentation is.
#[utoipa::path(get, path = "/", tag = "operations",
    responses((status = 200, description = "The greeting", body = Greeting)))]
pub(crate) async fn greeting(state: State) -> HttpResponse {
    HttpResponse::Ok().json(Greeting {
        name: "Holdfast",
        version: state.options().version,
        message: "Accounts, sessions and tasks",
        docs: "/api/docs",
        redoc: "/api/redoc",
        openapi: "/api/openapi.json",
        health: "/health",
    })
}
