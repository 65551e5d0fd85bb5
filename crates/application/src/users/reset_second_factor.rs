//! Removing the second factor of somebody who has lost it, which only the operator's command line may do.

use holdfast_domain::{
    UserId,
    sessions::{EndReason, EventKind},
    throttle::Principal,
    users::Email,
};

use super::Users;
use crate::ports::StoreError;

/// Why no second factor was removed.
#[derive(Debug, thiserror::Error)]
pub enum ResetSecondFactorError {
    /// Nobody has the address.
    #[error("there is no account with this e-mail address")]
    Missing,
    /// There is nothing to remove.
    #[error("this account has no second factor")]
    NotEnrolled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Users {
    /// Removes the second factor of the account with this address, and its recovery codes; from then on the password alone
    /// signs in. All sessions and personal access tokens end, since whoever has them may not be the owner. Who asks for this must be known by other
    /// means: that is the operator's to find out.
    pub async fn reset_second_factor(&self, email: &Email) -> Result<UserId, ResetSecondFactorError> {
        let account = self.store.users().find_by_email(email.as_str()).await?;
        let id = account.ok_or(ResetSecondFactorError::Missing)?.user.id;
        let work = self.store.begin().await?;
        // Not before: a command may wait for long until a database wakes, and running servers look for what is recent.
        let now = self.clock.now();
        work.users().lock(id).await?.ok_or(ResetSecondFactorError::Missing)?;
        if !work.second_factors().remove(id).await? {
            return Err(ResetSecondFactorError::NotEnrolled);
        }
        work.throttle().forget(Principal::second_factor(id)).await?;
        work.sessions().end_all(id, None, EndReason::Administrator, now).await?;
        work.legacy_tokens().refuse_all(id, now).await?;
        work.personal_tokens().delete_all(id).await?;
        work.audit().append(&self.event(id, EventKind::SecondFactorReset)).await?;
        work.commit().await?;
        Ok(id)
    }
}
