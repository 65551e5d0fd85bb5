//! Mail about what a unit of work does: its place is kept before anything changes, and it is handed over with the commit. What
//! it says is `mail`'s.

use holdfast_domain::users::Email;

use super::Auth;
use crate::{
    ports::{Errand, Letter, OutboxFull, Place, StoreError, UnitOfWork},
    undisturbed::undisturbed,
};

/// An errand in its place.
pub(super) struct Reserved {
    place: Box<dyn Place>,
    errand: Errand,
}

impl Auth {
    /// A place for mail without which nothing shall happen.
    pub(super) fn place(&self) -> Result<Box<dyn Place>, OutboxFull> {
        self.outbox.reserve()
    }

    /// A place for mail about something that is done also where there is no room for the mail.
    pub(super) fn place_if_any(&self) -> Option<Box<dyn Place>> {
        let place = self.outbox.reserve().ok();
        if place.is_none() {
            tracing::warn!(target: "holdfast::mail", "no mail about a change: too much waits to be sent already");
        }
        place
    }

    /// Commits, and then hands over the mail about it, both also when the caller goes away in the meantime. Without the commit
    /// there is no mail.
    pub(super) async fn commit_and_tell(
        &self,
        work: Box<dyn UnitOfWork>,
        mail: impl IntoIterator<Item = Reserved>,
    ) -> Result<(), StoreError> {
        let mail: Vec<Reserved> = mail.into_iter().collect();
        undisturbed(async move {
            work.commit().await?;
            for Reserved { place, errand } in mail {
                place.submit(errand);
            }
            Ok(())
        })
        .await
    }
}

impl Reserved {
    pub(super) fn new(place: Box<dyn Place>, errand: Errand) -> Self {
        Self { place, errand }
    }

    /// A letter in its place.
    pub(super) fn letter(place: Box<dyn Place>, to: Email, letter: Letter) -> Self {
        Self::new(place, Errand::Letter { to, letter })
    }
}
