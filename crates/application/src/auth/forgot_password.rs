//! Asking for a link that sets a new password.

use holdfast_domain::users::Email;

use super::{Auth, AuthError};
use crate::ports::Errand;

impl Auth {
    /// Leaves word that somebody forgot the password of the account with this address. Whether there is one is looked up
    /// later, so that neither the answer nor its time can tell; the store is not asked here at all.
    pub fn forgot_password(&self, email: String) -> Result<(), AuthError> {
        // Whoever gave no address at all is told nothing else: adopted accounts may have one that is none.
        let Ok(email) = Email::new(email) else { return Ok(()) };
        Ok(self.outbox.submit(Errand::PasswordForgotten { email })?)
    }
}
