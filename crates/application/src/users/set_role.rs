//! Giving an account another role.

use holdfast_domain::{
    UserId,
    sessions::{EndReason, EventKind},
    users::{Role, User},
};

use super::{Caller, UserError, Users};

impl Users {
    /// Gives the account a role, for administrators. Its sessions end, since their tokens name the old
    /// one, and so do tokens from the field: whoever holds one was trusted with less. Giving the
    /// role that it has changes nothing; an administrator cannot give up their own, nor the operator take the last one's.
    pub async fn set_role(
        &self,
        caller: impl Into<Caller>,
        id: UserId,
        role: Role,
    ) -> Result<User, UserError> {
        let caller = caller.into();
        let work = self.store.begin().await?;
        let administrators = self.hold_administrators(&*work, caller).await?;
        let mut user = work.users().lock(id).await?.ok_or(UserError::NotFound)?.user;
        if user.role == role {
            return Ok(user);
        }
        administrators.spare(id)?;
        let now = self.clock.now();
        work.users().set_role(id, role, now).await?;
        work.sessions().end_all(id, None, EndReason::RoleChanged, now).await?;
        work.legacy_tokens().refuse_all(id, now).await?;
        self.commit_administered(work, caller, self.event(id, EventKind::RoleChanged)).await?;
        (user.role, user.updated_at) = (role, now);
        Ok(user)
    }
}
