//! Giving an account that nobody can sign in to an address and a password, which only the operator's command line may do.
//!
//! An adoption leaves such accounts (docs/upgrading-from-fastapi.md): placeholders, on which rows of the FastAPI backend
//! hang whose owner did not exist, and accounts whose address contains U+0000, which no request may contain.

use holdfast_domain::{
    UserId,
    sessions::{EndReason, EventKind},
    users::{Email, NewPassword, PasswordHash},
};

use super::Users;
use crate::ports::{PasswordsError, StoreError, Unique};

/// Why a placeholder could not be given to anybody.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// There is no account with this id.
    #[error("there is no account with this id")]
    Missing,
    /// The account belongs to somebody, who can sign in with its address.
    #[error("this account is no placeholder: it belongs to somebody")]
    NoPlaceholder,
    /// Another account has the address.
    #[error("another account has this e-mail address")]
    EmailTaken,
    /// The hasher failed.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ClaimError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate(Unique::Email) => Self::EmailTaken,
            other => Self::Store(other),
        }
    }
}

impl Users {
    /// Gives the account an address and a password, so that whoever knows them signs in and finds the tasks. Nobody else
    /// may go on with a token from before: tokens from the field name owners that never had an account, too.
    pub async fn claim(&self, id: UserId, email: &Email, password: &NewPassword) -> Result<(), ClaimError> {
        let account = self.store.users().find_account(id).await?.ok_or(ClaimError::Missing)?;
        let unreachable = is_unreachable(&account.user.email);
        if !unreachable && !account.is_placeholder() {
            return Err(ClaimError::NoPlaceholder);
        }
        let hash = self.passwords.hash(password.password()).await?;
        if unreachable { self.readdress(id, email, &hash).await } else { self.fill(id, email, &hash).await }
    }

    async fn fill(&self, id: UserId, email: &Email, hash: &PasswordHash) -> Result<(), ClaimError> {
        let now = self.clock.now();
        let work = self.store.begin().await?;
        if !work.users().claim_placeholder(id, email, hash, now).await? {
            return Err(ClaimError::NoPlaceholder);
        }
        work.legacy_tokens().refuse_all(id, now).await?;
        work.audit().append(&self.event(id, EventKind::SignedUp)).await?;
        Ok(work.commit().await?)
    }

    async fn readdress(&self, id: UserId, email: &Email, hash: &PasswordHash) -> Result<(), ClaimError> {
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let current = work.users().lock(id).await?.ok_or(ClaimError::Missing)?;
        if !is_unreachable(&current.user.email) {
            return Err(ClaimError::NoPlaceholder);
        }
        // The operator says whose it is; that mail to it is read, nobody has seen.
        work.users().change_email(id, email, false, now).await?;
        work.users().set_password(id, hash, now).await?;
        work.sessions().end_all(id, None, EndReason::PasswordChanged, now).await?;
        work.legacy_tokens().refuse_all(id, now).await?;
        work.one_time_tokens().revoke_all(id, now).await?;
        work.personal_tokens().delete_all(id).await?;
        for kind in [EventKind::EmailChanged, EventKind::PasswordReset] {
            work.audit().append(&self.event(id, kind)).await?;
        }
        Ok(work.commit().await?)
    }
}

/// No text of a request may contain U+0000, so that nobody can name this address.
fn is_unreachable(email: &Email) -> bool {
    email.as_str().contains('\0')
}
