//! The web: the driving adapter for HTTP, with two surfaces over one core.
//!
//! `v1` is canonical, `legacy` is frozen for the clients of the FastAPI backend. They share the services, the
//! middleware and the way in which a request is taken apart, and never a wire type or a handler. No rule of the
//! product is decided here: handlers parse, call and render. `docs/api-design.md` is the companion for users.

mod common;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod legacy;
mod options;
mod routes;
mod state;
mod v1;

use actix_cors::Cors;
use actix_web::{
    App, Error,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    web,
};

#[cfg(any(test, feature = "fuzzing"))]
pub use legacy::fuzzing as frozen_fuzzing;
pub use options::{Allowance, RateLimit, WebOptions};
pub use state::{Readiness, WebState};
pub use v1::openapi::{openapi, openapi_json};

pub use common::{
    connection::Connection,
    paced::{Pace, Paced},
    trace::{Caller, Place, Places, SpanId, TraceId, TraceOptions},
    traffic::{Answers, Traffic},
};
use common::{
    connection::note,
    crowd::{Crowd, admit},
    head::limit_head,
    observe::observe,
    routing,
};

/// Every registered method and path, with placeholders in braces; what the OpenAPI document is compared with.
pub fn registered_routes() -> Vec<(String, String)> {
    routes::surfaces().iter().flat_map(routing::Surface::listing).collect()
}

/// The whole application for one worker, ready to be given to a server of actix-http's. The limiters, the readiness flag and the
/// services behind `state` are shared by all workers.
pub fn app(
    state: &WebState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let (edge, crowd) = (state.clone(), Crowd::default());
    App::new()
        .app_data(web::Data::new(state.clone()))
        .configure(|config| configure(config, state))
        .default_service(web::route().to(common::not_found::not_found))
        .wrap_fn(limit_head)
        .wrap_fn(move |request, service| admit(&crowd, request, service))
        .wrap(cors(state.clone()))
        .wrap_fn(move |request, service| observe(&edge, request, service))
        .wrap_fn(note)
}

/// Registers the routes of both surfaces without the middleware around them.
fn configure(config: &mut web::ServiceConfig, state: &WebState) {
    for surface in routes::surfaces() {
        surface.register(config, state);
    }
}

/// How long a browser may keep what a preflight told it, in seconds (contract, "Canonical v1").
const PREFLIGHT_MAX_AGE: usize = 600;

/// Which headers a front end may read is `common::headers::expose`'s to say.
fn cors(state: WebState) -> Cors {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    Cors::default()
        .allowed_origin_fn(move |origin, _| state.allows_origin(origin.as_bytes()))
        .allowed_methods(methods)
        .allow_any_header()
        .supports_credentials()
        .max_age(PREFLIGHT_MAX_AGE)
        .block_on_origin_mismatch(false)
}
