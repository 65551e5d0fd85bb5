//! Giving an account another address: asked for with the password, confirmed by a link that only the new address gets.

use holdfast_domain::{
    second_factors::Code,
    sessions::{Client, EndReason, EventKind},
    users::{Email, LinkPurpose, Password, PasswordHash},
};

use super::{Asker, Auth, AuthError, redeem::end_access, second_factor::Shown, tell::Reserved};
use crate::{
    Actor,
    ports::{Letter, StoreError, Unique},
};

/// A wish for another address.
#[derive(Debug, Clone)]
pub struct ChangeEmail {
    /// The new one. Whether somebody has it already is not told here.
    pub email: Email,
    /// Shows that the account's owner asks.
    pub password: Password,
    /// As typed, where the account has a second factor.
    pub code: Option<Code>,
    /// Where the wish comes from.
    pub client: Client,
}

impl Auth {
    /// Verifies the password and sends a link to the new address, and notice of it to the old one. Nothing changes yet.
    /// Exactly one verification is done, unless the attempt is throttled.
    pub async fn request_email_change(&self, actor: Actor, wish: ChangeEmail) -> Result<(), AuthError> {
        let ChangeEmail { email, password, code, client } = wish;
        let account = self.store.users().find_account(actor.user).await?.ok_or(AuthError::TokenInvalid)?;
        let verified = account.password_hash.ok_or(AuthError::NoPassword)?;
        self.attempts.confirm(actor, Some(&verified), &password, &client).await?;
        let asker = Asker { user: &account.user, session: actor.session, client: &client };
        let shown = self.second_factors.check(asker, code.as_ref()).await?;
        let sent = self.send_links(asker, &verified, &shown, email).await;
        self.second_factors.settle(Some(&shown), sent).await
    }

    /// The same once password and code were looked at.
    async fn send_links(
        &self,
        asker: Asker<'_>,
        verified: &PasswordHash,
        shown: &Shown,
        email: Email,
    ) -> Result<(), AuthError> {
        let owner = asker.user.id;
        // Neither letter goes without the other, and no link is made that cannot be sent.
        let [to_new, to_old] = [self.place()?, self.place()?];
        let work = self.store.begin().await?;
        let current = work.users().lock(owner).await?.ok_or(AuthError::TokenInvalid)?;
        // Whoever shows a password that was changed meanwhile gets no link that outlives the change.
        if current.password_hash.as_ref() != Some(verified) {
            return Err(AuthError::TokenInvalid);
        }
        let now = self.clock.now();
        current.user.admit(now)?;
        let work = self.second_factors.spend(work, shown, asker, now).await?;
        let purpose = LinkPurpose::ChangeEmail;
        let token = self.links.issue(&*work, owner, purpose, Some(email.clone())).await?;
        let link = Reserved::letter(to_new, email, Letter::ConfirmNewEmail(token));
        let notice = Reserved::letter(to_old, current.user.email, Letter::AnotherEmailWasAskedFor);
        Ok(self.commit_and_tell(work, [link, notice]).await?)
    }

    /// Gives the account the address that the link was sent to. All sessions end but the caller's own, where they are
    /// signed in to this account; so do tokens from the field and every other link.
    pub async fn confirm_email_change(
        &self,
        token: &str,
        caller: Option<Actor>,
        client: &Client,
    ) -> Result<(), AuthError> {
        let link = self.present(token, LinkPurpose::ChangeEmail).await?;
        let place = self.place_if_any();
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let (user, redeemed) = self.redeem(&*work, link, now).await?;
        user.admit(now).map_err(|_| AuthError::LinkInvalid)?;
        let email = redeemed.email.ok_or(AuthError::LinkInvalid)?;
        work.users().change_email(user.id, &email, true, now).await.map_err(|error| match error {
            StoreError::Duplicate(Unique::Email) => AuthError::EmailExists,
            other => other.into(),
        })?;
        let session = caller.filter(|actor| actor.user == user.id).and_then(|actor| actor.session);
        end_access(&*work, user.id, session, EndReason::EmailChanged, now).await?;
        work.audit().append(&self.event(user.id, EventKind::EmailChanged, session, client)).await?;
        let letter = place.map(|place| Reserved::letter(place, user.email, Letter::EmailWasChanged));
        Ok(self.commit_and_tell(work, letter).await?)
    }
}
