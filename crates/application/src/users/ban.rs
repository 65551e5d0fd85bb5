//! Keeping somebody out.

use holdfast_domain::{
    Timestamp, UserId,
    sessions::{EndReason, EventKind},
    users::{Ban, BanReason, User},
};

use super::{Caller, UserError, Users};

/// A wish to ban an account from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanWish {
    /// What the person is told.
    pub reason: Option<BanReason>,
    /// When it ends by itself; never, when absent.
    pub expires_at: Option<Timestamp>,
}

impl Users {
    /// Bans the account, for administrators. All its sessions end. A ban that holds already is replaced; an administrator
    /// cannot ban themselves, nor the operator the last one.
    pub async fn ban(&self, caller: impl Into<Caller>, id: UserId, wish: BanWish) -> Result<User, UserError> {
        let caller = caller.into();
        let work = self.store.begin().await?;
        self.hold_administrators(&*work, caller).await?.spare(id)?;
        let BanWish { reason, expires_at } = wish;
        let now = self.clock.now();
        let ban = Ban::speak(reason, expires_at, now)?;
        let mut user = work.users().lock(id).await?.ok_or(UserError::NotFound)?.user;
        work.users().set_ban(id, Some(&ban), now).await?;
        work.sessions().end_all(id, None, EndReason::Banned, now).await?;
        work.legacy_tokens().refuse_all(id, now).await?;
        self.commit_administered(work, caller, self.event(id, EventKind::UserBanned)).await?;
        (user.ban, user.updated_at) = (Some(ban), now);
        Ok(user)
    }
}
