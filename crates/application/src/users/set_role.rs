//! Giving an account another role.

use holdfast_domain::{
    UserId,
    sessions::{EndReason, EventKind},
    users::{Role, User},
};

use super::{UserError, Users};
use crate::Actor;

impl Users {
    /// Gives the account a role, for administrators. Its sessions end, since their tokens name the old
    /// one, and so do tokens from the field: whoever holds one was trusted with less. Giving the
    /// role that it has changes nothing; an administrator cannot give up their own.
    pub async fn set_role(&self, actor: Actor, id: UserId, role: Role) -> Result<User, UserError> {
        let work = self.store.begin().await?;
        self.hold_administrators(&*work, actor).await?;
        let mut user = work.users().lock(id).await?.ok_or(UserError::NotFound)?.user;
        if user.role == role {
            return Ok(user);
        }
        if id == actor.user {
            return Err(UserError::OwnAccount);
        }
        let now = self.clock.now();
        work.users().set_role(id, role, now).await?;
        work.sessions().end_all(id, None, EndReason::RoleChanged, now).await?;
        work.legacy_tokens().refuse_all(id, now).await?;
        self.commit_administered(work, actor.user, self.event(id, EventKind::RoleChanged)).await?;
        (user.role, user.updated_at) = (role, now);
        Ok(user)
    }
}
