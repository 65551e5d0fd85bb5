//! Who may deal with which account. The role is read from the account's row: a token may be older than a change of it.
//! Whoever runs the program beside its database needs no role.

use holdfast_domain::{
    Timestamp, UserId,
    users::{Role, User},
};

use super::{UserError, Users};
use crate::{Actor, ports::UnitOfWork};

/// On whose behalf a use case runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// An account, signed in.
    Account(Actor),
    /// The operator at the command line, who may do what an administrator may, to every account.
    Operator,
}

impl From<Actor> for Caller {
    fn from(actor: Actor) -> Self {
        Self::Account(actor)
    }
}

impl Caller {
    /// As the log names it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Account(actor) => actor.user.to_string(),
            Self::Operator => "operator".to_owned(),
        }
    }
}

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
        self.administrator(actor.into()).await.map_or_else(|refusal| refusal, |()| UserError::NotFound)
    }

    /// Refuses everybody but the owner of the account and administrators: before anything else of a request is judged.
    pub async fn authorize(&self, actor: Actor, id: UserId) -> Result<(), UserError> {
        self.authority(actor.into(), id).await.map(|_| ())
    }

    /// Refuses everybody but administrators, likewise.
    pub async fn authorize_administrator(&self, actor: Actor) -> Result<(), UserError> {
        self.administrator(actor.into()).await
    }

    /// Lets owners through, and administrators. Anybody else is refused whether or not the account exists.
    pub(super) async fn authority(&self, caller: Caller, id: UserId) -> Result<Authority, UserError> {
        if let Caller::Account(actor) = caller
            && actor.user == id
        {
            return Ok(Authority::Owner);
        }
        self.administrator(caller).await.map(|()| Authority::Administrator)
    }

    /// Lets administrators through.
    pub(super) async fn administrator(&self, caller: Caller) -> Result<(), UserError> {
        let Caller::Account(actor) = caller else { return Ok(()) };
        let user = self.store.users().find(actor.user).await?.ok_or(UserError::AccountGone)?;
        if administrates(&user, self.clock.now()) { Ok(()) } else { Err(UserError::Forbidden) }
    }

    /// Lets administrators through, and keeps all of them what they are until the unit of work ends.
    pub(super) async fn hold_administrators(
        &self,
        work: &dyn UnitOfWork,
        caller: Caller,
    ) -> Result<HeldAdministrators, UserError> {
        let now = self.clock.now();
        let mut admins = work.users().lock_admins().await?;
        admins.retain(|admin| administrates(admin, now));
        let held = HeldAdministrators { caller, admins };
        match caller {
            Caller::Account(actor) if !held.contains(actor.user) => Err(UserError::Forbidden),
            Caller::Account(_) | Caller::Operator => Ok(held),
        }
    }
}

/// Everybody who administrates, for as long as a unit of work holds them.
pub(super) struct HeldAdministrators {
    caller: Caller,
    admins: Vec<User>,
}

impl HeldAdministrators {
    fn contains(&self, id: UserId) -> bool {
        self.admins.iter().any(|admin| admin.id == id)
    }

    /// Refuses what would leave nobody to administrate once `id` cannot any more: administrators do not do it to themselves, and
    /// the operator not to the last one.
    pub(super) fn spare(&self, id: UserId) -> Result<(), UserError> {
        match self.caller {
            Caller::Account(actor) if actor.user == id => Err(UserError::OwnAccount),
            Caller::Operator if self.contains(id) && self.admins.len() == 1 => {
                Err(UserError::LastAdministrator)
            }
            Caller::Account(_) | Caller::Operator => Ok(()),
        }
    }
}

/// Whether this account may be used for administration at `now`.
pub(super) fn administrates(user: &User, now: Timestamp) -> bool {
    user.role == Role::Admin && user.admit(now).is_ok()
}
