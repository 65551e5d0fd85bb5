//! Accounts on the canonical surface, one operation per file: their administration, and what people do with their own.

mod accounts;
mod ban;
mod change_email;
mod end_session;
mod end_sessions;
mod events;
mod export;
mod export_events;
mod list;
mod model;
mod own;
mod sessions;
mod set_role;
mod show;
mod unban;
mod update;

use actix_web::HttpRequest;
use holdfast_application::{
    Actor,
    domain::{SessionId, UserId},
};

use crate::common::{State, fault::Fault};

pub(crate) use accounts::*;
pub(crate) use ban::*;
pub(crate) use change_email::*;
pub(crate) use end_session::*;
pub(crate) use end_sessions::*;
pub(crate) use events::*;
pub(crate) use export::*;
pub(crate) use export_events::*;
pub(crate) use list::*;
pub(crate) use model::{FlatUser, LinkedAccounts, SessionBody};
pub(crate) use own::*;
pub(crate) use sessions::*;
pub(crate) use set_role::*;
pub(crate) use show::*;
pub(crate) use unban::*;
pub(crate) use update::*;

/// The account that the path names. Whatever is no identifier names nobody.
async fn subject(state: &State, actor: Actor, request: &HttpRequest) -> Result<UserId, Fault> {
    match request.match_info().query("id").parse() {
        Ok(id) => Ok(id),
        Err(_) => Err(state.services().users.nobody(actor).await.into()),
    }
}

/// The session that the path names. Whatever is no identifier names none.
pub(super) fn session_id(request: &HttpRequest, placeholder: &str) -> Result<SessionId, Fault> {
    request.match_info().query(placeholder).parse().map_err(|_| Fault::not_found("Session not found"))
}
