//! Setting a new password with a link from a mail.

use holdfast_domain::{
    sessions::{Client, EndReason, EventKind},
    users::{LinkPurpose, NewPassword, Password},
};

use super::{Auth, AuthError, redeem::end_access, tell::Reserved};
use crate::ports::Letter;

/// A wish for a new password of who cannot sign in. It holds a live token and cannot be printed.
#[derive(Clone)]
pub struct ResetPassword {
    /// The token of the link.
    pub token: String,
    /// As typed; judged once the token is.
    pub password: Password,
    /// Where the wish comes from.
    pub client: Client,
}

impl Auth {
    /// Sets the new password. All sessions end, and so do tokens from the field and every other link. An account that had no
    /// password has one from then on. A ban or a deactivation stays: it is told at sign-in.
    ///
    /// Whoever has the link reads mail to the address, which is noted, too; attempts from their network are not held up by what
    /// others do.
    pub async fn reset_password(&self, wish: ResetPassword) -> Result<(), AuthError> {
        let ResetPassword { token, password, client } = wish;
        let link = self.present(&token, LinkPurpose::ResetPassword).await?;
        // Only now: what is refused as a password tells something about the address.
        let user = self.store.users().find(link.owner).await?.ok_or(AuthError::LinkInvalid)?;
        let password = NewPassword::new(password, &user.email)?;
        let hash = self.passwords.hash(password.password()).await?;
        let place = self.place_if_any();
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let (user, _) = self.redeem(&*work, link, now).await?;
        work.users().set_password(user.id, &hash, now).await?;
        work.users().verify_email(user.id, now).await?;
        end_access(&*work, user.id, None, EndReason::PasswordChanged, now).await?;
        self.attempts.vouch(&*work, user.id, &client, now).await?;
        work.audit().append(&self.event(user.id, EventKind::PasswordReset, None, &client)).await?;
        let letter = place.map(|place| Reserved::letter(place, user.email, Letter::PasswordWasChanged));
        Ok(self.commit_and_tell(work, letter).await?)
    }
}
