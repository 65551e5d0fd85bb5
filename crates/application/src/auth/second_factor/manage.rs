//! What the owner of a second factor does with it: looking at it, having new recovery codes made, removing it.

use holdfast_domain::{
    Timestamp, UserId,
    second_factors::{Code, RecoveryCode},
    sessions::{Client, EventKind},
    users::{Account, Password},
};

use super::{
    super::{Auth, AuthError, tell::Reserved},
    Asker, SecondFactorError, SecondFactors, Shown, active,
    enrol::recovery_codes,
};
use crate::{
    Actor,
    ports::{Letter, TokenHash, UnitOfWork},
};

/// Whether an account has a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactorState {
    /// Since when; absent where there is none that counts.
    pub since: Option<Timestamp>,
    /// How many recovery codes were not used yet.
    pub recovery_codes_left: u64,
}

impl Auth {
    /// Whether the caller's account has a second factor.
    pub async fn second_factor(&self, actor: Actor) -> Result<SecondFactorState, AuthError> {
        let since = active(&*self.store, actor.user).await?.and_then(|factor| factor.confirmed_at);
        let recovery_codes_left = self.store.second_factors().recovery_codes_left(actor.user).await?;
        Ok(SecondFactorState { since, recovery_codes_left })
    }

    /// Makes new recovery codes, which are told this once; all earlier ones are void. The password and a code confirm it.
    pub async fn renew_recovery_codes(
        &self,
        actor: Actor,
        password: &Password,
        code: Option<&Code>,
        client: &Client,
    ) -> Result<Vec<RecoveryCode>, AuthError> {
        let (codes, hashes) = recovery_codes(actor, &*self.randomness)?;
        let account = self.confirm_owner(actor, password, client).await?;
        let asker = Asker { user: &account.user, session: actor.session, client };
        let shown = self.second_factors.check(asker, code).await?;
        let renewed = self.replace_recovery_codes(&account, asker, &shown, &hashes).await;
        self.second_factors.settle(Some(&shown), renewed).await?;
        Ok(codes)
    }

    async fn replace_recovery_codes(
        &self,
        account: &Account,
        asker: Asker<'_>,
        shown: &Shown,
        hashes: &[TokenHash],
    ) -> Result<(), AuthError> {
        let (owner, work) = (account.user.id, self.confirmed(account, asker, shown).await?);
        work.second_factors().remove_recovery_codes(owner).await?;
        work.second_factors().insert_recovery_codes(owner, hashes).await?;
        let event = self.event(owner, EventKind::RecoveryCodesRenewed, asker.session, asker.client);
        work.audit().append(&event).await?;
        self.commit_with(work, owner, SecondFactors::letter(shown)).await
    }

    /// Removes the second factor with its recovery codes: from now on the password alone signs in. The password and a code
    /// confirm it.
    pub async fn remove_second_factor(
        &self,
        actor: Actor,
        password: &Password,
        code: Option<&Code>,
        client: &Client,
    ) -> Result<(), AuthError> {
        let account = self.confirm_owner(actor, password, client).await?;
        let asker = Asker { user: &account.user, session: actor.session, client };
        let shown = self.second_factors.check(asker, code).await?;
        let removed = self.remove(&account, asker, &shown).await;
        self.second_factors.settle(Some(&shown), removed).await
    }

    async fn remove(&self, account: &Account, asker: Asker<'_>, shown: &Shown) -> Result<(), AuthError> {
        let (owner, work) = (account.user.id, self.confirmed(account, asker, shown).await?);
        work.second_factors().remove(owner).await?;
        let event = self.event(owner, EventKind::SecondFactorRemoved, asker.session, asker.client);
        work.audit().append(&event).await?;
        self.commit_with(work, owner, Some(Letter::SecondFactorWasRemoved)).await
    }

    /// The caller's account, which has a second factor, once the password was right.
    async fn confirm_owner(
        &self,
        actor: Actor,
        password: &Password,
        client: &Client,
    ) -> Result<Account, AuthError> {
        let account = self.store.users().find_account(actor.user).await?.ok_or(AuthError::TokenInvalid)?;
        if active(&*self.store, actor.user).await?.is_none() {
            return Err(SecondFactorError::Missing.into());
        }
        let verified = account.password_hash.as_ref().ok_or(AuthError::NoPassword)?;
        self.attempts.confirm(actor, Some(verified), password, client).await?;
        Ok(account)
    }

    /// A unit of work that holds the account, once password and code were right. The code is used up in it.
    async fn confirmed(
        &self,
        verified: &Account,
        asker: Asker<'_>,
        shown: &Shown,
    ) -> Result<Box<dyn UnitOfWork>, AuthError> {
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let current = work.users().lock(verified.user.id).await?.ok_or(AuthError::TokenInvalid)?;
        if current.password_hash != verified.password_hash {
            return Err(AuthError::TokenInvalid);
        }
        current.user.admit(now)?;
        let work = self.second_factors.spend(work, shown, asker, now).await?;
        // It was removed at this very moment.
        if matches!(shown, Shown::Nothing) {
            return Err(SecondFactorError::Missing.into());
        }
        Ok(work)
    }

    async fn commit_with(
        &self,
        work: Box<dyn UnitOfWork>,
        owner: UserId,
        letter: Option<Letter>,
    ) -> Result<(), AuthError> {
        let mut mail = None;
        if let Some(letter) = letter
            && let Some(place) = self.place_if_any()
            && let Some(user) = work.users().find(owner).await?
        {
            mail = Some(Reserved::letter(place, user.email, letter));
        }
        Ok(self.commit_and_tell(work, mail).await?)
    }
}
