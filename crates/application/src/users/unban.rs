//! Letting somebody in again.

use holdfast_domain::{UserId, sessions::EventKind, users::User};

use super::{Caller, UserError, Users};

impl Users {
    /// Lifts the ban of the account, for administrators. Its sessions stay ended. Without a ban nothing changes.
    pub async fn unban(&self, caller: impl Into<Caller>, id: UserId) -> Result<User, UserError> {
        let caller = caller.into();
        let work = self.store.begin().await?;
        self.hold_administrators(&*work, caller).await?;
        let mut user = work.users().lock(id).await?.ok_or(UserError::NotFound)?.user;
        if user.ban.is_none() {
            return Ok(user);
        }
        let now = self.clock.now();
        work.users().set_ban(id, None, now).await?;
        self.commit_administered(work, caller, self.event(id, EventKind::UserUnbanned)).await?;
        (user.ban, user.updated_at) = (None, now);
        Ok(user)
    }
}
