//! Writing the mail that an errand comes to, and handing it over. Nobody waits for this: it may take its time, look things
//! up and fail, and whoever caused it has had the same answer long before.

use std::sync::Arc;

use holdfast_domain::{
    UserId,
    users::{Account, Email, LinkPurpose},
};

use super::{LinkError, LinkSite, Links, letters};
use crate::ports::{Clock, Errand, Ids, Letter, LinkToken, Mail, MailError, Mailer, Randomness, Store};

/// Runs errands.
#[derive(Clone)]
pub struct Courier {
    store: Arc<dyn Store>,
    mailer: Arc<dyn Mailer>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    links: Links,
    site: LinkSite,
}

impl Courier {
    /// Connects the courier to its adapters. `site` is where links lead.
    pub fn new(
        store: Arc<dyn Store>,
        mailer: Arc<dyn Mailer>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        randomness: Arc<dyn Randomness>,
        site: LinkSite,
    ) -> Self {
        let links = Links::new(clock.clone(), ids.clone(), randomness);
        Self { store, mailer, clock, ids, links, site }
    }

    /// The mail that the errand comes to; none where there is nobody to write to, or they were written to often enough.
    ///
    /// An error that is [`crate::ErrorKind::Unavailable`] is worth another try.
    pub async fn write(&self, errand: &Errand) -> Result<Option<Mail>, LinkError> {
        let written = match errand {
            Errand::PasswordForgotten { email } => self.reset(email).await,
            Errand::SignedUp { user } => self.verification(*user).await,
            Errand::Letter { to, letter } => Ok(Some((to.clone(), letter.clone()))),
        };
        match written {
            Ok(letter) => Ok(letter.map(|(to, letter)| self.mail(to, &letter))),
            Err(LinkError::TooMany { retry_after: _ }) => {
                tracing::info!(target: "holdfast::mail", errand = errand.name(), "no mail: too many were sent already");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Hands the mail over.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.mailer.send(mail).await
    }

    /// It goes to the address that the account has, never to the one that was typed: the two may be equal without regard to
    /// case and still belong to two people.
    async fn reset(&self, email: &Email) -> Result<Option<(Email, Letter)>, LinkError> {
        let account = self.store.users().find_by_email(email.as_str()).await?;
        let Some(account) = account.filter(|account| !account.is_placeholder()) else {
            tracing::debug!(target: "holdfast::mail", "no mail: nobody has this address");
            return Ok(None);
        };
        let issued = self.issue(account.user.id, LinkPurpose::ResetPassword, |_| true).await?;
        Ok(issued.map(|(to, token)| (to, Letter::ResetPassword(token))))
    }

    async fn verification(&self, user: UserId) -> Result<Option<(Email, Letter)>, LinkError> {
        let unverified = |account: &Account| !account.user.email_verified;
        let issued = self.issue(user, LinkPurpose::VerifyEmail, unverified).await?;
        Ok(issued.map(|(to, token)| (to, Letter::VerifyEmail(token))))
    }

    /// A token for the account, with the address that it has while it is held: one that changes a moment later takes the
    /// token along.
    async fn issue(
        &self,
        user: UserId,
        purpose: LinkPurpose,
        wanted: impl FnOnce(&Account) -> bool + Send,
    ) -> Result<Option<(Email, LinkToken)>, LinkError> {
        let work = self.store.begin().await?;
        let Some(account) = work.users().lock(user).await?.filter(wanted) else { return Ok(None) };
        let token = self.links.issue(&*work, user, purpose, None).await?;
        work.commit().await?;
        Ok(Some((account.user.email, token)))
    }

    fn mail(&self, to: Email, letter: &Letter) -> Mail {
        let (subject, text) = letters::write(letter, &self.site);
        Mail { id: self.ids.next(), at: self.clock.now(), to, subject, text }
    }
}
