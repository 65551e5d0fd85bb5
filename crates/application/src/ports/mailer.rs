//! Delivering mail.

use std::fmt;

use async_trait::async_trait;
use holdfast_domain::{Timestamp, users::Email};
use uuid::Uuid;

use super::Cause;

/// One mail to one person, in plain text. It holds live links and is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Names it, so that the same mail sent twice is recognised (RFC 5322 §3.6.4).
    pub id: Uuid,
    /// When it was written.
    pub at: Timestamp,
    /// Who gets it.
    pub to: Email,
    /// One line of ASCII, the same for everybody.
    pub subject: &'static str,
    /// Lines of ASCII that end in a line feed; only one with a link in it is longer than 76 characters.
    pub text: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Why a mail was not delivered. The causes are logged; none of them MUST name the recipient.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// No mail can go to this address, whoever carries it.
    #[error("no mail can go to this address")]
    Unmailable,
    /// Refused for good: another try would be refused as well.
    #[error("the mail was refused")]
    Refused(#[source] Cause),
    /// Not now. Another try may succeed.
    #[error("the mail could not be handed over")]
    Unavailable(#[source] Cause),
}

/// Hands mail over to whoever delivers it.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands over one mail. It may take as long as a slow server takes; no request waits for it.
    ///
    /// - What stands in `to` comes from strangers: it MUST NOT be able to add a header, a recipient or a command.
    /// - A mail that was handed over and whose answer was lost may come twice, with the same id.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
