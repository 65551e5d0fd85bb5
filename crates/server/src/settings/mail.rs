//! How mail goes out, who it comes from, and where the links in it lead. Sending it is the infrastructure crate's.

use std::path::{Path, PathBuf};

use holdfast_application::mail::LinkSite;
use holdfast_infrastructure::mail::{Sender, SmtpRelay};

use super::describe::Effective;
use super::fault::quoted;
use super::http::HttpSettings;
use super::reader::Reader;
use super::strictness::Strictness;

const URL: &str = "SMTP_URL";
const FROM: &str = "MAIL_FROM";
const SITE: &str = "PUBLIC_URL";

/// Where mail is written on a developer's machine, below the working directory.
const FOLDER: &str = "data/mail";
/// Who it comes from there.
const DEVELOPER: &str = "Holdfast <holdfast@localhost>";

/// What becomes of a mail.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// It is handed to a relay.
    Smtp(SmtpRelay),
    /// It becomes a file in this folder.
    Folder(PathBuf),
    /// Nothing: no mail is sent.
    Off,
}

/// Mail.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// How it goes out.
    pub delivery: Delivery,
    /// Who it comes from; absent where it is off.
    pub sender: Option<Sender>,
    /// Where links lead.
    pub site: LinkSite,
}

impl MailSettings {
    pub(super) fn read(
        reader: &mut Reader,
        directory: &Path,
        strictness: &Strictness,
        http: &HttpSettings,
    ) -> Self {
        let given = reader.set(URL).is_some();
        let sender = sender(reader, given, strictness);
        let delivery = match (given, strictness) {
            (true, _) => relay(reader, strictness).map_or(Delivery::Off, Delivery::Smtp),
            (false, Strictness::Local) => Delivery::Folder(directory.join(FOLDER)),
            (false, Strictness::Exposed { .. } | Strictness::Strict(_)) => {
                let message = "is not set, so that mail is off: nobody can reset a password, verify an address or change one";
                reader.warn(URL, message);
                Delivery::Off
            }
        };
        if given {
            judge_site(reader, strictness, http);
        }
        Self { delivery, sender, site: site(http) }
    }

    /// Whether anything becomes of a mail.
    pub(super) fn is_on(&self) -> bool {
        match &self.delivery {
            Delivery::Smtp(_) | Delivery::Folder(_) => true,
            Delivery::Off => false,
        }
    }

    /// These with links that lead where they led.
    pub(super) fn with_site_of(&self, other: &Self) -> Self {
        let Self { delivery, sender, site: _ } = self.clone();
        Self { delivery, sender, site: other.site.clone() }
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { delivery, sender, site: _ } = self;
        let delivery = match delivery {
            Delivery::Smtp(relay) => relay.to_string(),
            Delivery::Folder(folder) => format!("written into {}", folder.display()),
            Delivery::Off => "off".to_owned(),
        };
        vec![(URL, Some(delivery)), (FROM, sender.as_ref().map(Sender::to_string))]
    }
}

/// The relay, where it may be used: links in clear text would give the accounts away to whoever listens on the way.
fn relay(reader: &mut Reader, strictness: &Strictness) -> Option<SmtpRelay> {
    let relay = reader.parse(URL, |text| SmtpRelay::parse(text).map_err(|error| error.to_string()))?;
    if !relay.is_encrypted() && !relay.is_local() {
        match strictness {
            Strictness::Strict(environment) => {
                let problem =
                    format!("sends mail in clear text to another machine, in {}", environment.as_str());
                reader.fault_expecting(URL, problem, "smtps://, or smtp:// with ?tls=required");
            }
            Strictness::Local | Strictness::Exposed { .. } => {
                reader.warn(
                    URL,
                    "sends mail in clear text to another machine: whoever listens can use its links",
                );
            }
        }
    }
    Some(relay)
}

fn sender(reader: &mut Reader, needed: bool, strictness: &Strictness) -> Option<Sender> {
    if reader.set(FROM).is_some() {
        if !needed && !matches!(strictness, Strictness::Local) {
            reader.warn(FROM, format!("has no effect without {URL}"));
        }
        return reader
            .parse(FROM, |text| Sender::parse(text).map_err(|error| format!("{} {error}", quoted(text))));
    }
    if needed {
        reader.fault(FROM, format!("is not set, and {URL} needs to know who mail comes from"));
    }
    Sender::parse(DEVELOPER).ok().filter(|_| matches!(strictness, Strictness::Local))
}

/// A guess is good enough on a developer's machine.
fn judge_site(reader: &mut Reader, strictness: &Strictness, http: &HttpSettings) {
    let Strictness::Strict(environment) = strictness else { return };
    match &http.public_url {
        None if reader.set(SITE).is_none() => {
            let problem = format!("is not set, and links in mails lead there in {}", environment.as_str());
            reader.fault(SITE, problem);
        }
        Some(url) if url.scheme() == "http" => {
            reader.warn(SITE, "is not https://, so that links in mails are followed in clear text");
        }
        Some(_) | None => {}
    }
}

fn site(http: &HttpSettings) -> LinkSite {
    match (&http.public_url, http.allowed_origins.first()) {
        (Some(url), _) => LinkSite::new(url.as_str()),
        (None, Some(origin)) => LinkSite::new(origin),
        // Without an origin there is a fault, and nothing is started.
        (None, None) => LinkSite::new(""),
    }
}
