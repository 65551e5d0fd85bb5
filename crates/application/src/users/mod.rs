//! Use cases of the administration of accounts.

mod create_admin;

use std::sync::Arc;

pub use create_admin::{AdminMade, CreateAdminError};

use crate::ports::{Clock, Ids, Passwords, Store};

/// Administration of accounts.
#[derive(Clone)]
pub struct Users {
    store: Arc<dyn Store>,
    passwords: Arc<dyn Passwords>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Users {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        passwords: Arc<dyn Passwords>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { store, passwords, clock, ids }
    }
}
