//! What mail goes out by, and its exchange while the server runs. Which settings there are is theirs to say; what a mail says, and
//! when it is sent, is the application's.

use anyhow::Context as _;
use holdfast_application::ports::Mailer;
use holdfast_infrastructure::mail::{MailFolder, SmtpMailer};

use crate::settings::{Delivery, MailSettings};

/// Who hands mail over; nobody where it is off. Connects to nothing yet.
pub(crate) fn mailer(settings: &MailSettings) -> anyhow::Result<Option<Box<dyn Mailer>>> {
    let MailSettings { delivery, sender, site: _ } = settings;
    let sender = || sender.clone().context("mail comes from nobody (MAIL_FROM)");
    Ok(match delivery {
        Delivery::Smtp(relay) => Some(Box::new(SmtpMailer::new(relay, sender()?))),
        Delivery::Folder(folder) => Some(Box::new(MailFolder::new(folder.clone(), sender()?))),
        Delivery::Off => None,
    })
}

/// Tells the log where mail is that nobody gets.
pub(crate) fn tell_of_mail(settings: &MailSettings) {
    if let Delivery::Folder(folder) = &settings.delivery {
        tracing::info!(target: "holdfast::mail", "mail is written into {}", folder.display());
    }
}
