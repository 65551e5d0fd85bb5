//! Whether mail would go out. None is sent.

use std::{error::Error as _, time::Duration};

use holdfast_infrastructure::mail::greet;

use super::finding::Finding;
use crate::settings::{Delivery, MailSettings};

const CHECK: &str = "mail";
/// Some relays wait on purpose before they greet; longer than this nobody at a terminal does.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) async fn look(settings: &MailSettings) -> Vec<Finding> {
    let MailSettings { delivery, sender: _, site: _ } = settings;
    let finding = match delivery {
        Delivery::Smtp(relay) => match greet(relay, PATIENCE).await {
            Ok(()) => Finding::ok(CHECK, format!("{relay} answers")),
            Err(error) => {
                let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                let mend = "check host, port, TLS, user and password in SMTP_URL, and that the relay runs";
                Finding::failure(CHECK, format!("{relay}: {cause}"), mend)
            }
        },
        Delivery::Folder(folder) => Finding::ok(CHECK, format!("written into {}", folder.display())),
        // Where that matters, the settings have warned already.
        Delivery::Off => Finding::ok(CHECK, "off"),
    };
    vec![finding]
}
