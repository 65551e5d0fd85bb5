//! Mail on its way out: the outbox that runs errands off the path of requests, and what carries the mail, an SMTP relay or
//! a folder. What a mail says, and to whom, is the application's.

mod folder;
mod message;
mod outbox;
mod relay;
mod smtp;

pub use folder::MailFolder;
pub use message::{InvalidSender, Sender};
pub use outbox::{InProcessOutbox, MailFigures, MailOff};
pub use relay::{SmtpRelay, SmtpRelayError};
pub use smtp::{SmtpMailer, greet};
