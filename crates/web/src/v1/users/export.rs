//! `GET /users/me/export`: the caller's profile, tasks, sessions, tokens, links, history and linked accounts, as one JSON
//! document that is written while it is read.

use std::mem;

use actix_web::{
    Error, HttpResponse,
    http::header::{self, ContentType},
    web::Bytes,
};
use futures_util::{Stream, stream};
use holdfast_application::{
    Actor,
    domain::{
        Timestamp, UserId,
        sessions::{EndReason, Session},
        users::{Ban, User},
    },
    ports::PendingLink,
    users::{Export, ExportPiece, UserError},
};
use serde::Serialize;
use tracing::{Instrument as _, Span};
use utoipa::ToSchema;

use super::{
    events::EventBody,
    model::{LinkedAccountBody, SessionBody},
};
use crate::{
    common::{
        State,
        auth::LiveCaller,
        fault::Fault,
        values::{shown, zoned, zoned_option},
    },
    v1::{
        auth::PersonalTokenBody,
        openapi::{Always, Secured},
        tasks::TaskBody,
    },
};

const DISPOSITION: &str = r#"attachment; filename="holdfast-export.json""#;

/// All that is kept about an account, but for what could be used in its place.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what `Writer` writes piece by piece")]
pub(crate) struct AccountExport {
    #[schema(value_type = String, format = DateTime)]
    exported_at: Timestamp,
    account: ExportedAccount,
    linked_accounts: Vec<LinkedAccountBody>,
    /// Those that are over as well.
    sessions: Vec<ExportedSession>,
    /// Without what makes them good; the newest first.
    personal_tokens: Vec<PersonalTokenBody>,
    /// Links in mails that are good at the moment, the earliest first.
    pending_links: Vec<PendingLinkBody>,
    /// The newest first.
    events: Vec<EventBody>,
    /// The oldest first.
    tasks: Vec<TaskBody>,
}

/// What stands before the lists.
#[derive(Serialize)]
struct Head {
    #[serde(serialize_with = "zoned")]
    exported_at: Timestamp,
    account: ExportedAccount,
}

/// An account with everything that its owner, administrators and the server noted about it.
#[derive(Serialize, ToSchema)]
struct ExportedAccount {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: UserId,
    email: String,
    email_verified: bool,
    name: Option<String>,
    image: Option<String>,
    #[schema(example = "user")]
    role: &'static str,
    is_active: bool,
    /// The last ban, which may be over.
    ban: Option<ExportedBan>,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_sign_in_at: Option<Timestamp>,
    /// Since when it has a second factor; null where it has none.
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    second_factor_since: Option<Timestamp>,
}

/// A ban.
#[derive(Serialize, ToSchema)]
struct ExportedBan {
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    reason: Option<String>,
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// A session and how it ended.
#[derive(Serialize, ToSchema)]
struct ExportedSession {
    #[serde(flatten)]
    session: SessionBody,
    /// When it ended before its time.
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    #[schema(example = "signed_out")]
    end_reason: Option<String>,
}

/// A link in a mail that is good, without what proves it.
#[derive(Serialize, ToSchema)]
#[schema(as = PendingLink)]
struct PendingLinkBody {
    /// What it allows.
    #[schema(example = "reset_password")]
    purpose: &'static str,
    /// The address that it gives the account, where that is its purpose.
    email: Option<String>,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<PendingLink> for PendingLinkBody {
    fn from(link: PendingLink) -> Self {
        let PendingLink { purpose, email, created_at, expires_at } = link;
        let email = email.map(|email| email.as_str().to_owned());
        Self { purpose: purpose.name(), email, created_at, expires_at }
    }
}

impl ExportedAccount {
    fn new(user: User, second_factor_since: Option<Timestamp>) -> Self {
        let User {
            id,
            email,
            name,
            role,
            active,
            email_verified,
            image,
            ban,
            created_at,
            updated_at,
            last_sign_in_at,
        } = user;
        let ban = ban.map(|Ban { at, reason, expires_at }| ExportedBan {
            at,
            reason: reason.map(|reason| reason.as_str().to_owned()),
            expires_at,
        });
        Self {
            id,
            email: email.as_str().to_owned(),
            email_verified,
            name: name.map(|name| name.as_str().to_owned()),
            image: image.map(|image| image.as_str().to_owned()),
            role: role.name(),
            is_active: active,
            ban,
            created_at,
            updated_at,
            last_sign_in_at,
            second_factor_since,
        }
    }
}

impl ExportedSession {
    fn new(session: Session, actor: Actor) -> Self {
        let (ended_at, end_reason) =
            session.ended.as_ref().map(|(at, reason)| (*at, reason.name(EndReason::name).to_owned())).unzip();
        Self { session: SessionBody::new(session, actor), ended_at, end_reason }
    }
}

/// Writes an [`AccountExport`] in the order of its members.
struct Writer {
    actor: Actor,
    /// What is written and not sent yet.
    text: Vec<u8>,
    /// The list that is open, and whether it has a row already.
    open: Option<(&'static str, bool)>,
}

impl Writer {
    fn begin(export: &Export, actor: Actor, now: Timestamp) -> serde_json::Result<Self> {
        let account = ExportedAccount::new(export.user.clone(), export.second_factor_since);
        let mut text = serde_json::to_vec(&Head { exported_at: now, account })?;
        // The lists stand in the same object.
        text.pop();
        Ok(Self { actor, text, open: None })
    }

    fn piece(&mut self, piece: ExportPiece) -> serde_json::Result<Bytes> {
        let actor = self.actor;
        match piece {
            ExportPiece::LinkedAccounts(rows) => self.rows("linked_accounts", rows, LinkedAccountBody::from),
            ExportPiece::Sessions(rows) => {
                self.rows("sessions", rows, |session| ExportedSession::new(session, actor))
            }
            ExportPiece::PersonalTokens(rows) => self.rows("personal_tokens", rows, PersonalTokenBody::from),
            ExportPiece::PendingLinks(rows) => self.rows("pending_links", rows, PendingLinkBody::from),
            ExportPiece::Events(rows) => self.rows("events", rows, EventBody::from),
            ExportPiece::Tasks(rows) => self.rows("tasks", rows, TaskBody::from),
        }
    }

    fn rows<T, B: Serialize>(
        &mut self,
        list: &'static str,
        rows: Vec<T>,
        body: impl Fn(T) -> B,
    ) -> serde_json::Result<Bytes> {
        let mut text = mem::take(&mut self.text);
        let mut has_rows = match self.open {
            Some((open, has_rows)) if open == list => has_rows,
            other => {
                text.extend_from_slice(if other.is_some() { b"],\"" } else { b",\"" });
                text.extend_from_slice(list.as_bytes());
                text.extend_from_slice(b"\":[");
                false
            }
        };
        for row in rows {
            if mem::replace(&mut has_rows, true) {
                text.push(b',');
            }
            serde_json::to_writer(&mut text, &body(row))?;
        }
        self.open = Some((list, has_rows));
        Ok(text.into())
    }

    fn end(mut self) -> Bytes {
        self.text.extend_from_slice(if self.open.is_some() { b"]}" } else { b"}" });
        self.text.into()
    }
}

/// Takes along the caller's profile, tasks, sessions, personal access tokens, pending links, security history and linked
/// accounts. The document is sent while it is read: where the store is lost on the way, or the account is deleted, the connection closes before its end.
#[utoipa::path(get, path = "/api/v1/users/me/export", tag = "users", operation_id = "export_own_user",
    security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The document, as a file", body = AccountExport), Secured, Always))]
pub(crate) async fn export(caller: LiveCaller, state: State) -> Result<HttpResponse, Fault> {
    let export = state.services().users.export(caller.0).await?;
    let writer = Writer::begin(&export, caller.0, state.now()).map_err(|error| unwritable(&error))?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((header::CONTENT_DISPOSITION, DISPOSITION))
        .streaming(document(export, writer)))
}

fn document(export: Export, writer: Writer) -> impl Stream<Item = Result<Bytes, Error>> {
    let span = Span::current();
    stream::try_unfold(Some((export, writer)), move |state| {
        async move {
            let Some((mut export, mut writer)) = state else { return Ok(None) };
            match export.next().await.map_err(broken_off)? {
                Some(piece) => {
                    let bytes = writer.piece(piece).map_err(|error| unwritable(&error))?;
                    Ok(Some((bytes, Some((export, writer)))))
                }
                None => Ok(Some((writer.end(), None))),
            }
        }
        .instrument(span.clone())
    })
}

/// The answer has begun: there is nobody left to tell but the log.
pub(super) fn broken_off(error: UserError) -> Fault {
    let fault = Fault::from(error);
    tracing::warn!(code = fault.code(), cause = fault.cause(), "an export broke off");
    fault
}

pub(super) fn unwritable(error: &serde_json::Error) -> Fault {
    Fault::unexpected(error.to_string())
}

#[cfg(test)]
mod tests {
    use holdfast_application::domain::{sessions::AuthEvent, users::Role};
    use serde_json::{Value, json};

    use super::*;

    fn writer() -> Writer {
        let actor = Actor { user: AuthEvent::NOBODY, session: None, role: Role::User };
        Writer { actor, text: b"{\"a\":1".to_vec(), open: None }
    }

    fn written(pieces: &[(&'static str, &[u8])]) -> Value {
        let mut writer = writer();
        let mut text = Vec::new();
        for (list, rows) in pieces {
            text.extend(writer.rows(list, rows.to_vec(), |row| row).unwrap());
        }
        text.extend(writer.end());
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn lists_stand_behind_each_other_however_they_are_cut_into_pieces() {
        assert_eq!(written(&[]), json!({ "a": 1 }));
        assert_eq!(written(&[("b", &[])]), json!({ "a": 1, "b": [] }));
        assert_eq!(written(&[("b", &[]), ("b", &[]), ("c", &[])]), json!({ "a": 1, "b": [], "c": [] }));
        let cut = written(&[("b", &[1, 2]), ("b", &[]), ("b", &[3]), ("c", &[]), ("c", &[4]), ("d", &[5])]);
        assert_eq!(cut, json!({ "a": 1, "b": [1, 2, 3], "c": [4], "d": [5] }));
    }
}
