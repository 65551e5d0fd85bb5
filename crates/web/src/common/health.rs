//! Whether the instance lives, wants work, and reaches its database. Needs no token and tells no detail.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{State, fault::Fault, limits};

/// A state in words.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "healthy")]
    status: &'static str,
}

/// Ready, and how it goes about its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    revocation: Revocation,
}

/// How tokens of sessions that ended are refused. Either way they are; only the cost differs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Revocation {
    /// By what this instance remembers; it has learned of the ends on others within the last 10 s.
    ByMemory,
    /// By the row of the session, read with each request: by choice, or because nothing could be learned.
    ByRow,
}

fn told(status: &'static str) -> HttpResponse {
    HttpResponse::Ok().json(Health { status })
}

/// The process answers. Nothing else is asked.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "operations",
    responses((status = 200, description = "Always, while the process runs", body = Health)))]
pub(crate) async fn healthy() -> HttpResponse {
    told("healthy")
}

/// The process answers: what a supervisor asks before it restarts one.
#[utoipa::path(get, path = "/health/live", operation_id = "health_live", tag = "operations",
    responses((status = 200, description = "Always, while the process runs", body = Health)))]
pub(crate) async fn live() -> HttpResponse {
    told("healthy")
}

/// The instance wants work: its database answers and can be written, and it is not draining. What a load balancer asks. An instance that
/// cannot learn of revocations works all the same, and says so.
#[utoipa::path(get, path = "/health/ready", operation_id = "health_ready", tag = "operations",
    responses(
        (status = 200, description = "Ready for work", body = Ready),
        (status = 503, description = "Draining, or the database is lost or cannot be written: `reason` tells why")))]
pub(crate) async fn ready(state: State) -> Result<HttpResponse, Fault> {
    if !state.readiness().is_ready() {
        return Err(Fault::unavailable("The instance is shutting down", limits::RETRY));
    }
    let health = &state.services().health;
    // First what is known by name: who cannot write may not be able to answer either.
    health.writes().await.map_err(|outage| Fault::unwritable(outage, limits::RETRY))?;
    health.database().await?;
    let by_memory = state.services().auth.knows_revocations();
    let revocation = if by_memory { Revocation::ByMemory } else { Revocation::ByRow };
    Ok(HttpResponse::Ok().json(Ready { status: "ready", revocation }))
}

/// The database answers.
#[utoipa::path(get, path = "/health/db", operation_id = "health_database", tag = "operations",
    responses(
        (status = 200, description = "The database answered", body = Health),
        (status = 503, description = "It did not")))]
pub(crate) async fn database(state: State) -> Result<HttpResponse, Fault> {
    state.services().health.database().await?;
    Ok(told("database connected"))
}

/// A constant that existing monitors ask for: tokens are verified without any dependency.
#[utoipa::path(get, path = "/health/auth", operation_id = "health_authentication", tag = "operations",
    responses((status = 200, description = "Always, while the process runs", body = Health)))]
pub(crate) async fn authentication() -> HttpResponse {
    told("authentication system operational")
}
