//! Deleting one's own account.

use holdfast_domain::{
    second_factors::Code,
    sessions::{AuthEvent, Client, EventKind},
    throttle::Principal,
    users::{Account, Password, Role},
};

use super::{UserError, Users, authority::administrates};
use crate::{
    Actor,
    auth::{Asker, Shown},
};

impl Users {
    /// Removes the caller's account for good, with its tasks, sessions and links. The password confirms it, and a code where it
    /// has a second factor; the last administrator must stay. The security history is kept.
    pub async fn delete_account(
        &self,
        actor: Actor,
        password: &Password,
        code: Option<&Code>,
        client: &Client,
    ) -> Result<(), UserError> {
        let account = self.store.users().find_account(actor.user).await?.ok_or(UserError::AccountGone)?;
        self.attempts.confirm(actor, account.password_hash.as_ref(), password, client).await?;
        let asker = Asker { user: &account.user, session: actor.session, client };
        let shown = self.second_factors.check(asker, code).await?;
        let deleted = self.delete(actor, &account, asker, &shown).await;
        self.second_factors.settle(Some(&shown), deleted).await
    }

    /// The same once password and code were looked at.
    async fn delete(
        &self,
        actor: Actor,
        account: &Account,
        asker: Asker<'_>,
        shown: &Shown,
    ) -> Result<(), UserError> {
        let now = self.clock.now();
        let work = self.store.begin().await?;
        if account.user.role == Role::Admin {
            let admins = work.users().lock_admins().await?;
            if !admins.iter().any(|admin| admin.id != actor.user && administrates(admin, now)) {
                return Err(UserError::LastAdministrator);
            }
        }
        let current = work.users().lock(actor.user).await?.ok_or(UserError::AccountGone)?;
        // What was checked above must still hold.
        if current.password_hash != account.password_hash || current.user.role != account.user.role {
            return Err(UserError::AccountGone);
        }
        let work = self.second_factors.spend(work, shown, asker, now).await?;
        work.users().delete(actor.user).await?;
        for principal in [Principal::account(actor.user), Principal::second_factor(actor.user)] {
            work.throttle().forget(principal).await?;
        }
        work.audit().append(&self.of(actor, EventKind::AccountDeleted, asker.client)).await?;
        Ok(work.commit().await?)
    }

    fn of(&self, actor: Actor, kind: EventKind, client: &Client) -> AuthEvent {
        AuthEvent { session: actor.session, client: client.clone(), ..self.event(actor.user, kind) }
    }
}
