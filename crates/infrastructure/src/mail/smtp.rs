//! Mail by SMTP. Each mail has a connection of its own: there are few of them, and none is lost with an old connection.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use holdfast_application::ports::{Mail, MailError, Mailer};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{Error as SmtpError, response::Code},
};
use tokio::time::timeout;

use super::{Sender, SmtpRelay, message};

/// How long a relay may take for one mail, from the connection to its last word. Some wait on purpose before they greet.
const ATTEMPT: Duration = Duration::from_mins(1);

/// Hands mail over to an SMTP relay. Certificates are verified against the roots that browsers trust.
#[derive(Debug, Clone)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Sender,
}

impl SmtpMailer {
    /// Connects with the first mail.
    pub fn new(relay: &SmtpRelay, sender: Sender) -> Self {
        Self { transport: relay.transport().build(), sender }
    }
}

/// Connects to the relay, greets it, signs in where it is told how, and says goodbye: no mail is sent.
///
/// # Errors
/// As for a mail; also where that takes longer than `limit`.
pub async fn greet(relay: &SmtpRelay, limit: Duration) -> Result<(), MailError> {
    let transport: AsyncSmtpTransport<Tokio1Executor> = relay.transport().build();
    match timeout(limit, transport.test_connection()).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(MailError::Unavailable(Reply(None).into())),
        Ok(Err(error)) => Err(mail_error(error)),
        Err(elapsed) => Err(MailError::Unavailable(elapsed.into())),
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message::compose(mail, &self.sender)?;
        match timeout(ATTEMPT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(mail_error(error)),
            Err(elapsed) => Err(MailError::Unavailable(elapsed.into())),
        }
    }
}

/// A reply of the relay by its code alone: the text beside it often repeats the recipient.
#[derive(Debug)]
struct Reply(Option<Code>);

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(code) => write!(f, "the relay answered {code}"),
            None => f.write_str("the relay answered something that is not SMTP"),
        }
    }
}

impl std::error::Error for Reply {}

fn mail_error(error: SmtpError) -> MailError {
    let reply = || Reply(error.status()).into();
    if error.is_permanent() {
        MailError::Refused(reply())
    } else if error.is_transient() || error.is_response() {
        MailError::Unavailable(reply())
    } else if error.is_client() {
        // What the relay cannot do now it cannot do in a minute: no STARTTLS, no way to sign in, no addresses in Unicode.
        MailError::Refused(error.into())
    } else {
        MailError::Unavailable(error.into())
    }
}
