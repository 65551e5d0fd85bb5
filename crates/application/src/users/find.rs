//! Finding an account by what an operator has at hand, which only the command line may do without a role.

use holdfast_domain::{
    UserId,
    users::{Role, User},
};

use super::{UserError, Users};
use crate::ports::{StoreError, UserFilter, UserPosition, UserQuery};

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// It may.
    Active,
    /// It is banned now.
    Banned,
    /// It is switched off.
    Inactive,
}

impl UserState {
    /// The name that an operator reads and writes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Banned => "banned",
            Self::Inactive => "inactive",
        }
    }
}

/// Which accounts an operator looks for. Absent members do not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserSearch {
    /// With exactly this role.
    pub role: Option<Role>,
    /// In exactly this state, of which a ban counts more than being switched off.
    pub state: Option<UserState>,
    /// With an address that begins like this, in any case.
    pub email_prefix: Option<String>,
}

impl Users {
    /// The state of an account now.
    pub fn state(&self, user: &User) -> UserState {
        match (user.ban_at(self.clock.now()), user.active) {
            (Some(_), _) => UserState::Banned,
            (None, true) => UserState::Active,
            (None, false) => UserState::Inactive,
        }
    }

    /// The account that signs in with this address, for the operator.
    pub async fn find_by_email(&self, email: &str) -> Result<User, UserError> {
        let account = self.store.users().find_by_email(email).await?;
        account.map(|account| account.user).ok_or(UserError::NotFound)
    }

    /// The account with this id, for the operator, also where nobody can sign in to it.
    pub async fn find_by_id(&self, id: UserId) -> Result<User, UserError> {
        self.store.users().find(id).await?.ok_or(UserError::NotFound)
    }

    /// The accounts that are looked for, for the operator: the newest first, those behind `behind`, `limit` at most. Pages that
    /// follow each other by place show every account once, whoever comes and goes meanwhile.
    pub async fn search(
        &self,
        search: &UserSearch,
        behind: Option<UserPosition>,
        limit: u64,
    ) -> Result<Vec<User>, StoreError> {
        let UserSearch { role, state, email_prefix } = search;
        let (banned, active) = match state {
            None => (None, None),
            Some(UserState::Active) => (Some(false), Some(true)),
            Some(UserState::Banned) => (Some(true), None),
            Some(UserState::Inactive) => (Some(false), Some(false)),
        };
        let email_prefix = email_prefix.as_deref().map(holdfast_domain::text::fold);
        let filter = UserFilter { role: *role, banned, active, email_prefix, at: self.clock.now() };
        self.store.users().list(UserQuery { filter, behind, offset: 0, limit }).await
    }
}
