//! Listing accounts, a page at a time.

use holdfast_domain::users::{Role, User};

use super::{UserError, Users};
use crate::{
    Actor,
    ports::{UserFilter, UserQuery},
};

/// Which page of which accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListUsers {
    /// With exactly this role.
    pub role: Option<Role>,
    /// Banned now, or not.
    pub banned: Option<bool>,
    /// From 1.
    pub page: u64,
    /// How many at most; the surface keeps it between 1 and 100.
    pub per_page: u64,
}

/// One page, the newest accounts first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The accounts in order.
    pub users: Vec<User>,
    /// How many match on all pages together.
    pub total: u64,
}

impl Users {
    /// One page of all accounts, for administrators.
    pub async fn list(&self, actor: Actor, list: ListUsers) -> Result<UserPage, UserError> {
        self.administrator(actor.into()).await?;
        let ListUsers { role, banned, page, per_page } = list;
        let filter = UserFilter { role, banned, active: None, email_prefix: None, at: self.clock.now() };
        let offset = page.saturating_sub(1).saturating_mul(per_page);
        let query = UserQuery { filter: filter.clone(), behind: None, offset, limit: per_page };
        let users = self.store.users().list(query).await?;
        let total = self.store.users().count(filter).await?;
        Ok(UserPage { users, total })
    }
}
