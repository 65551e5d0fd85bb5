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
mod export_events;
mod find;
mod linked_accounts;
mod list;
mod reset_second_factor;
mod sessions;
mod set_password;
mod set_role;
mod show;
mod unban;
mod update;

use std::sync::Arc;

pub use authority::Caller;
pub use ban::BanWish;
pub use claim::ClaimError;
pub use create_admin::{AdminMade, CreateAdminError};
pub use error::UserError;
pub use events::EventPage;
pub use export::{Export, ExportPiece};
pub use export_events::EventExport;
pub use find::{UserSearch, UserState};
use holdfast_domain::{
    UserId,
    sessions::{AuthEvent, EventKind},
};
pub use list::{ListUsers, UserPage};
pub use reset_second_factor::ResetSecondFactorError;
pub use set_password::SetPasswordError;

use crate::{
    auth::{Attempts, SecondFactors},
    history,
    page::CursorKey,
    ports::{Clock, Ids, Passwords, Store, StoreError, UnitOfWork},
    undisturbed::undisturbed,
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
    second_factors: SecondFactors,
}

impl Users {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        passwords: Arc<dyn Passwords>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        cursors: CursorKey,
        attempts: Attempts,
        second_factors: SecondFactors,
    ) -> Self {
        Self { store, passwords, clock, ids, cursors, attempts, second_factors }
    }

    /// An entry for the security history of `user`. Whoever calls this stores it with its cause.
    fn event(&self, user: UserId, kind: EventKind) -> AuthEvent {
        history::event(&*self.ids, &*self.clock, user, kind)
    }

    /// Commits what an administrator did, with its entry in the history, and logs who it was once that is done. Where from is not
    /// kept: the history is its owner's to read.
    async fn commit_administered(
        &self,
        work: Box<dyn UnitOfWork>,
        by: Caller,
        event: AuthEvent,
    ) -> Result<(), StoreError> {
        work.audit().append(&event).await?;
        undisturbed(async move {
            work.commit().await?;
            let (kind, user) = (event.kind.name(EventKind::name), event.user);
            let by = by.name();
            tracing::info!(target: "holdfast::security", event = kind, user_id = %user, administrator = by, "administration");
            Ok(())
        })
        .await
    }
}
