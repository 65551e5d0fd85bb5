//! Showing that mail to the account's address is read.

use holdfast_domain::{
    sessions::{Client, EventKind},
    users::LinkPurpose,
};

use super::{Auth, AuthError, tell::Reserved};
use crate::{Actor, ports::Letter};

impl Auth {
    /// Sends a link to the caller's address, unless it is verified already.
    pub async fn request_verification(&self, actor: Actor) -> Result<(), AuthError> {
        let place = self.place()?;
        let work = self.store.begin().await?;
        let user = work.users().lock(actor.user).await?.ok_or(AuthError::TokenInvalid)?.user;
        if user.email_verified {
            return Ok(());
        }
        let token = self.links.issue(&*work, user.id, LinkPurpose::VerifyEmail, None).await?;
        let link = Reserved::letter(place, user.email, Letter::VerifyEmail(token));
        Ok(self.commit_and_tell(work, [link]).await?)
    }

    /// Notes that whoever has the link reads mail to the address.
    pub async fn verify_email(&self, token: &str, client: &Client) -> Result<(), AuthError> {
        let link = self.present(token, LinkPurpose::VerifyEmail).await?;
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let (user, _) = self.redeem(&*work, link, now).await?;
        work.users().verify_email(user.id, now).await?;
        work.audit().append(&self.event(user.id, EventKind::EmailVerified, None, client)).await?;
        Ok(work.commit().await?)
    }
}
