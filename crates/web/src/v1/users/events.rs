//! `GET /users/{id}/events`: what happened to an account, for its owner and for administrators.

use actix_web::{HttpRequest, HttpResponse};
use holdfast_application::{
    Actor,
    domain::{
        EventId, Timestamp, UserId,
        sessions::{AuthEvent, Client, EventKind},
    },
    users::EventPage,
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    common::{
        State,
        auth::LiveCaller,
        fault::Fault,
        fields::{Fields, FromFields},
        limits, values,
        values::{shown, zoned},
    },
    v1::openapi::{Always, Authorized, Missing, Secured, WithQuery},
};

/// Which page of a history.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventListQuery {
    /// How many entries at most.
    #[param(minimum = 1, maximum = 100, default = 50, required = false)]
    limit: u64,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl FromFields for EventListQuery {
    fn take(fields: &mut Fields) -> Option<Self> {
        let limit = fields.non_null("limit", |value| values::query_number(value, 1..=limits::PAGE));
        let cursor = fields.non_null("cursor", values::text);
        Some(Self { limit: limit?.unwrap_or(limits::DEFAULT_PAGE), cursor: cursor? })
    }
}

impl EventListQuery {
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Fault> {
        Self::read(Fields::of_query(request.query_string())?)
    }
}

/// One page of a history, the newest entries first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Events {
    events: Vec<EventBody>,
    /// Leads to the next page; null on the last one.
    next_cursor: Option<String>,
}

impl Events {
    pub(crate) async fn read(
        state: &State,
        actor: Actor,
        of: UserId,
        query: EventListQuery,
    ) -> Result<Self, Fault> {
        let EventListQuery { limit, cursor } = query;
        let page = state.services().users.events(actor, of, cursor.as_deref(), limit).await?;
        let EventPage { events, next_cursor } = page;
        Ok(Self { events: events.into_iter().map(EventBody::from).collect(), next_cursor })
    }
}

/// Something that happened to an account.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventBody {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: EventId,
    /// What happened. Later versions know more kinds; show one that you do not know as it is.
    #[schema(example = "password_changed")]
    kind: String,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The network that it came from; the whole address is not kept. Null for what an administrator did.
    #[schema(example = "192.0.2.0/24")]
    ip_prefix: Option<String>,
    user_agent: Option<String>,
}

impl From<AuthEvent> for EventBody {
    fn from(event: AuthEvent) -> Self {
        let AuthEvent {
            id,
            user: _,
            kind,
            at,
            session: _,
            client: Client { user_agent, ip_prefix, device: _ },
        } = event;
        Self { id, kind: kind.name(EventKind::name).to_owned(), at, ip_prefix, user_agent }
    }
}

/// Lists what happened to an account, a page at a time.
#[utoipa::path(get, path = "/api/v1/users/{id}/events", tag = "users", operation_id = "list_user_events",
    security(("bearer" = []), ("password" = [])),
    params(("id" = String, Path, description = "The account's id", format = Uuid), EventListQuery),
    responses(
        (status = 200, description = "One page", body = Events),
        Secured, Authorized, Missing, WithQuery, Always))]
pub(crate) async fn events(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let id = super::subject(&state, caller.0, &request).await?;
    state.services().users.authorize(caller.0, id).await?;
    let query = EventListQuery::of(&request)?;
    Ok(HttpResponse::Ok().json(Events::read(&state, caller.0, id, query).await?))
}
