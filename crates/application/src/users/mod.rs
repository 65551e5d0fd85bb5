//! Use cases of accounts: their administration, and what their owners do with them. Signing in and out is `auth`'s.

mod authority;
mod ban;
mod claim;
mod create_admin;
mod delete_account;
mod end_sessions;
mod error;
mod events;
mod export;
mod linked_accounts;
mod list;
mod sessions;
mod set_role;
mod show;
mod unban;
mod update;

use std::sync::Arc;

pub use ban::BanWish;
pub use claim::ClaimError;
pub use create_admin::{AdminMade, CreateAdminError};
pub use error::UserError;
pub use events::EventPage;
pub use export::{Export, ExportPiece};
use holdfast_domain::{
    SessionId, UserId,
    sessions::{AuthEvent, EventKind},
};
pub use list::{ListUsers, UserPage};

use crate::{
    auth::Attempts,
    history,
    page::CursorKey,
    ports::{Clock, Ids, Passwords, Store},
};

/// Accounts.
#[derive(Clone)]
pub struct Users {
    store: Arc<dyn Store>,
    passwords: Arc<dyn Passwords>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    cursors: CursorKey,
    attempts: Attempts,
}

impl Users {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        passwords: Arc<dyn Passwords>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        cursors: CursorKey,
        attempts: Attempts,
    ) -> Self {
        Self { store, passwords, clock, ids, cursors, attempts }
    }

    /// An entry for the security history of `user`, logged as well. Whoever calls this stores it with its cause.
    fn event(&self, user: UserId, kind: EventKind) -> AuthEvent {
        history::event(&*self.ids, &*self.clock, user, kind)
    }

    /// The same for what an administrator does. Where from is not kept: the history is its owner's to read.
    fn administered(
        &self,
        by: UserId,
        user: UserId,
        kind: EventKind,
        session: Option<SessionId>,
    ) -> AuthEvent {
        tracing::info!(target: "holdfast::security", event = kind.name(), user_id = %user, administrator = %by, "administration");
        AuthEvent { session, ..self.event(user, kind) }
    }
}
