//! Who may deal with which account. The role is read from the account's row: a token may be older than a change of it.

use holdfast_domain::{
    Timestamp, UserId,
    users::{Role, User},
};

use super::{UserError, Users};
use crate::{Actor, ports::UnitOfWork};

/// Why a caller may deal with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authority {
    /// It is the caller's own.
    Owner,
    /// The caller administrates all of them.
    Administrator,
}

impl Authority {
    /// What it means that the account is not there.
    pub(super) fn missing(self) -> UserError {
        match self {
            Self::Owner => UserError::AccountGone,
            Self::Administrator => UserError::NotFound,
        }
    }
}

impl Users {
    /// What a caller is told who names an account that cannot exist: the same as for one that does not.
    pub async fn nobody(&self, actor: Actor) -> UserError {
        self.administrator(actor).await.map_or_else(|refusal| refusal, |()| UserError::NotFound)
    }

    /// Refuses everybody but the owner of the account and administrators: before anything else of a request is judged.
    pub async fn authorize(&self, actor: Actor, id: UserId) -> Result<(), UserError> {
        self.authority(actor, id).await.map(|_| ())
    }

    /// Refuses everybody but administrators, likewise.
    pub async fn authorize_administrator(&self, actor: Actor) -> Result<(), UserError> {
        self.administrator(actor).await
    }

    /// Lets owners through, and administrators. Anybody else is refused whether or not the account exists.
    pub(super) async fn authority(&self, actor: Actor, id: UserId) -> Result<Authority, UserError> {
        if actor.user == id {
            return Ok(Authority::Owner);
        }
        self.administrator(actor).await.map(|()| Authority::Administrator)
    }

    /// Lets administrators through.
    pub(super) async fn administrator(&self, actor: Actor) -> Result<(), UserError> {
        let user = self.store.users().find(actor.user).await?.ok_or(UserError::AccountGone)?;
        if administrates(&user, self.clock.now()) { Ok(()) } else { Err(UserError::Forbidden) }
    }

    /// Lets administrators through, and keeps all of them what they are until the unit of work ends.
    pub(super) async fn hold_administrators(
        &self,
        work: &dyn UnitOfWork,
        actor: Actor,
    ) -> Result<(), UserError> {
        let now = self.clock.now();
        let admins = work.users().lock_admins().await?;
        let caller = admins.iter().find(|admin| admin.id == actor.user);
        if caller.is_some_and(|admin| administrates(admin, now)) { Ok(()) } else { Err(UserError::Forbidden) }
    }
}

/// Whether this account may be used for administration at `now`.
pub(super) fn administrates(user: &User, now: Timestamp) -> bool {
    user.role == Role::Admin && user.admit(now).is_ok()
}
