//! `GET /users/events/export`: the security history of all accounts as JSON lines that are written while they are read, for
//! administrators.

use actix_web::{Error, HttpRequest, HttpResponse, http::header, web::Bytes};
use futures_util::{Stream, stream};
use holdfast_application::{
    domain::{
        EventId, SessionId, Timestamp, UserId,
        sessions::{AuthEvent, Client, EventKind},
    },
    users::EventExport,
};
use serde::Serialize;
use tracing::{Instrument as _, Span};
use utoipa::{IntoParams, ToSchema};

use super::export::{broken_off, unwritable};
use crate::{
    common::{
        State,
        auth::LiveCaller,
        fault::Fault,
        fields::{Fields, FromFields},
        values::{shown, shown_option, zoned},
    },
    v1::{
        json::timestamp,
        openapi::{Always, Authorized, Secured, WithQuery},
    },
};

const JSON_LINES: &str = "application/x-ndjson";
const DISPOSITION: &str = r#"attachment; filename="holdfast-events.jsonl""#;

/// Which part of the history.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventExportQuery {
    /// Entries from then on; from the first one on where it is not given.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Entries from before then; up to now, which it cannot exceed, where it is not given.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl FromFields for EventExportQuery {
    fn take(fields: &mut Fields) -> Option<Self> {
        let from = fields.non_null("from", timestamp);
        let until = fields.non_null("until", timestamp);
        Some(Self { from: from?, until: until? })
    }
}

/// An entry of the history of any account.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExportedEvent {
    /// Unique together with `user_id`.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: EventId,
    /// The account, which may be gone. `00000000-0000-0000-0000-000000000000` for attempts on addresses that no account has.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    /// What happened. Later versions know more kinds; show one that you do not know as it is.
    #[schema(example = "password_changed")]
    kind: String,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The session that it happened to or made, where there is one.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = Uuid)]
    session_id: Option<SessionId>,
    /// The network that it came from; the whole address is not kept. Null for what an administrator did.
    #[schema(example = "192.0.2.0/24")]
    ip_prefix: Option<String>,
    user_agent: Option<String>,
}

impl From<AuthEvent> for ExportedEvent {
    fn from(event: AuthEvent) -> Self {
        let AuthEvent { id, user, kind, at, session, client: Client { user_agent, ip_prefix, device: _ } } =
            event;
        let kind = kind.name(EventKind::name).to_owned();
        Self { id, user_id: user, kind, at, session_id: session, ip_prefix, user_agent }
    }
}

/// Takes along the security history of all accounts, one JSON object a line, the oldest entry first. It is sent while it is read:
/// where the store is lost on the way, or the caller is no administrator any more, the connection closes before its end.
#[utoipa::path(get, path = "/api/v1/users/events/export", tag = "users", operation_id = "export_events",
    security(("bearer" = []), ("password" = [])), params(EventExportQuery),
    responses(
        (status = 200, description = "The lines, as a file", body = ExportedEvent, content_type = "application/x-ndjson"),
        Secured, Authorized, WithQuery, Always))]
pub(crate) async fn export_events(
    caller: LiveCaller,
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Fault> {
    let users = &state.services().users;
    users.authorize_administrator(caller.0).await?;
    let EventExportQuery { from, until } = EventExportQuery::read(Fields::of_query(request.query_string())?)?;
    let export = users.export_events(caller.0, from, until).await?;
    Ok(HttpResponse::Ok()
        .content_type(JSON_LINES)
        .insert_header((header::CONTENT_DISPOSITION, DISPOSITION))
        .streaming(lines(export)))
}

fn lines(export: EventExport) -> impl Stream<Item = Result<Bytes, Error>> {
    let span = Span::current();
    stream::try_unfold(export, move |mut export| {
        async move {
            let Some(events) = export.next().await.map_err(broken_off)? else { return Ok(None) };
            let mut text = Vec::new();
            for event in events {
                serde_json::to_writer(&mut text, &ExportedEvent::from(event))
                    .map_err(|error| unwritable(&error))?;
                text.push(b'\n');
            }
            Ok(Some((text.into(), export)))
        }
        .instrument(span.clone())
    })
}
