//! Making the first administrator, which only the operator's command line may do.

use holdfast_domain::{
    UserId,
    sessions::{EndReason, EventKind},
    users::{Account, Email, NewPassword, Role, User},
};

use super::Users;
use crate::ports::{PasswordsError, StoreError};

/// What became of the wish for an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminMade {
    /// A new account with the role.
    Created(UserId),
    /// An account that existed has the role now; its sessions ended, its password stayed.
    Promoted(UserId),
    /// The account had the role already; nothing changed.
    Unchanged(UserId),
}

/// Why no administrator could be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAdminError {
    /// The account does not exist and no password was given to make it with.
    #[error("there is no account with this e-mail address; give a password to create it")]
    PasswordMissing,
    /// The account was deleted at this very moment.
    #[error("the account has just been deleted; try again")]
    Vanished,
    /// The hasher failed.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Users {
    /// Gives the account with this address the role `admin`, and creates it with `password` where it does not exist.
    pub async fn create_admin(
        &self,
        email: Email,
        password: Option<&NewPassword>,
    ) -> Result<AdminMade, CreateAdminError> {
        match self.store.users().find_by_email(email.as_str()).await? {
            Some(account) => self.promote(&account.user).await,
            None => self.create(email, password.ok_or(CreateAdminError::PasswordMissing)?).await,
        }
    }

    async fn promote(&self, user: &User) -> Result<AdminMade, CreateAdminError> {
        if user.role == Role::Admin {
            return Ok(AdminMade::Unchanged(user.id));
        }
        let work = self.store.begin().await?;
        // Not before: a command may wait for long until a database wakes, and running servers look for what is recent.
        let now = self.clock.now();
        if !work.users().set_role(user.id, Role::Admin, now).await? {
            return Err(CreateAdminError::Vanished);
        }
        // Tokens name the role: those of before must not outlive it.
        work.sessions().end_all(user.id, None, EndReason::RoleChanged, now).await?;
        work.legacy_tokens().refuse_all(user.id, now).await?;
        work.audit().append(&self.event(user.id, EventKind::RoleChanged)).await?;
        work.commit().await?;
        Ok(AdminMade::Promoted(user.id))
    }

    async fn create(&self, email: Email, password: &NewPassword) -> Result<AdminMade, CreateAdminError> {
        let hash = self.passwords.hash(password.password()).await?;
        let user = User::register(UserId::new(self.ids.next()), email, None, Role::Admin, self.clock.now());
        let id = user.id;
        let work = self.store.begin().await?;
        work.users().insert(&Account { user, password_hash: Some(hash) }).await?;
        work.audit().append(&self.event(id, EventKind::SignedUp)).await?;
        work.commit().await?;
        Ok(AdminMade::Created(id))
    }
}
