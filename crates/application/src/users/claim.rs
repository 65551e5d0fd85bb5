//! Giving a placeholder account to somebody, which only the operator's command line may do.
//!
//! An adoption makes placeholders: rows of the FastAPI backend whose owner did not exist hang on them
//! (docs/upgrading-from-fastapi.md).

use holdfast_domain::{
    UserId,
    sessions::EventKind,
    users::{Account, Email, NewPassword},
};

use super::Users;
use crate::ports::{PasswordsError, StoreError, Unique};

/// Why a placeholder could not be given to anybody.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// There is no account with this id.
    #[error("there is no account with this id")]
    Missing,
    /// The account belongs to somebody.
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
    /// Gives the placeholder an address and a password, so that whoever knows them signs in and finds the tasks.
    pub async fn claim(&self, id: UserId, email: &Email, password: &NewPassword) -> Result<(), ClaimError> {
        let account = self.store.users().find_account(id).await?.ok_or(ClaimError::Missing)?;
        if !is_placeholder(&account) {
            return Err(ClaimError::NoPlaceholder);
        }
        let hash = self.passwords.hash(password.password()).await?;
        let work = self.store.begin().await?;
        if !work.users().claim_placeholder(id, email, &hash, self.clock.now()).await? {
            return Err(ClaimError::NoPlaceholder);
        }
        work.audit().append(&self.event(id, EventKind::SignedUp)).await?;
        work.commit().await?;
        Ok(())
    }
}

/// An account that an administrator deactivated may lack a password as well, but it has an address of its own.
fn is_placeholder(account: &Account) -> bool {
    let Account { user, password_hash } = account;
    let made_up = format!("orphan-{}@placeholder.invalid", user.id);
    !user.active && password_hash.is_none() && user.email.as_str() == made_up
}
