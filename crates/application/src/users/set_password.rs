//! Setting the password of somebody who cannot, which only the operator's command line may do.

use holdfast_domain::{
    UserId,
    sessions::{EndReason, EventKind},
    users::NewPassword,
};

use super::{Caller, Users};
use crate::{
    auth::end_access,
    ports::{PasswordsError, StoreError},
};

/// Why no password was set.
#[derive(Debug, thiserror::Error)]
pub enum SetPasswordError {
    /// The account is not there any more.
    #[error("there is no account with this id")]
    Missing,
    /// Nobody could sign in with it: the account belongs to nobody yet.
    #[error("this account is a placeholder: `holdfast user claim` gives it to somebody")]
    Placeholder,
    /// The hasher failed.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Users {
    /// Sets the password of the account and answers how many sessions ended: all of them do, and so do tokens from the field,
    /// personal access tokens and links in mails, as when the owner sets it with a link. A ban or a deactivation stays, and so
    /// does a second factor. That the address is read, nobody has seen.
    pub async fn set_password(&self, id: UserId, password: &NewPassword) -> Result<usize, SetPasswordError> {
        let hash = self.passwords.hash(password.password()).await?;
        let work = self.store.begin().await?;
        // Not before: a command may wait for long until a database wakes, and running servers look for what is recent.
        let now = self.clock.now();
        let account = work.users().lock(id).await?.ok_or(SetPasswordError::Missing)?;
        if account.is_placeholder() {
            return Err(SetPasswordError::Placeholder);
        }
        work.users().set_password(id, &hash, now).await?;
        let ended = end_access(&*work, id, None, EndReason::PasswordChanged, now).await?;
        self.commit_administered(work, Caller::Operator, self.event(id, EventKind::PasswordReset)).await?;
        Ok(ended.sessions.len())
    }
}
