//! A mail as it goes over the wire (RFC 5322). Who wrote it is the operator's to say; the recipient comes from strangers.

use std::time::{Duration, SystemTime};

use holdfast_application::{
    domain::{Timestamp, users::Email},
    ports::{Mail, MailError},
};
use lettre::{
    Address, Message,
    message::{
        Body, Mailbox,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};
use url::Host;

/// The most letters of a line (RFC 5322 §2.1.1).
const LONGEST_LINE: usize = 998;

/// Who mail comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

/// The text names nobody that mail could come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no address such as name@example.com or Name <name@example.com>")]
pub struct InvalidSender;

impl Sender {
    /// Reads `name@example.com` or `Name <name@example.com>`.
    pub fn parse(text: &str) -> Result<Self, InvalidSender> {
        let mailbox: Mailbox = text.parse().map_err(|_| InvalidSender)?;
        let whole = recipient(&Email::stored(mailbox.email.to_string())).ok_or(InvalidSender)?;
        let printable = !text.chars().any(char::is_control);
        if printable { Ok(Self(Mailbox::new(mailbox.name, whole))) } else { Err(InvalidSender) }
    }
}

impl std::fmt::Display for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The message, or the refusal of an address that no mail can go to.
pub(super) fn compose(mail: &Mail, Sender(sender): &Sender) -> Result<Message, MailError> {
    let Mail { id, at, to, subject, text } = mail;
    let to = recipient(to).ok_or(MailError::Unmailable)?;
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    Message::builder()
        .from(sender.clone())
        .to(to.into())
        .subject(*subject)
        .date(system_time(*at))
        .message_id(Some(format!("<{id}@{}>", sender.email.domain())))
        // So that nobody's absence note answers (RFC 3834 §5).
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(body(text))
        .map_err(|error| MailError::Refused(error.into()))
}

/// Unencoded where that is allowed, so that a link can be read in the source, too.
fn body(text: &str) -> Body {
    if text.is_ascii() && text.lines().all(|line| line.len() <= LONGEST_LINE) {
        let lines = text.replace('\n', "\r\n").into_bytes();
        Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit)
    } else {
        Body::new(text.to_owned())
    }
}

/// Adopted accounts may have any text for an address: what no sign-up would take gets no mail, which is also what keeps
/// line breaks, blanks and brackets out of headers and commands. The domain goes out in ASCII (RFC 5891). Nothing goes to
/// bare IP addresses, nor to names that exist nowhere (RFC 6761 §6.4).
fn recipient(email: &Email) -> Option<Address> {
    let email = Email::new(email.as_str().to_owned()).ok()?;
    let (local, domain) = email.as_str().rsplit_once('@')?;
    let Host::Domain(domain) = Host::parse(domain).ok()? else { return None };
    let exists = domain != "invalid" && !domain.ends_with(".invalid");
    Address::new(local, domain).ok().filter(|_| exists)
}

/// No mail is older than 1970.
fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(at.seconds().max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn mail(to: &str) -> Mail {
        Mail {
            id: Uuid::from_u128(7),
            at: Timestamp::from_seconds(1_767_225_600).unwrap(),
            to: Email::stored(to.to_owned()),
            subject: "Reset your password",
            text: format!(
                "Here\n\nhttps://app.example/reset-password?token={}\n\n.\nEnd\n",
                "Aa0-_".repeat(13)
            ),
        }
    }

    fn sender() -> Sender {
        Sender::parse("Häuser & Co. <no-reply@Example.com>").unwrap()
    }

    fn written(to: &str) -> Option<(String, Vec<String>)> {
        let message = compose(&mail(to), &sender()).ok()?;
        let recipients = message.envelope().to().iter().map(ToString::to_string).collect();
        Some((String::from_utf8(message.formatted()).unwrap(), recipients))
    }

    #[test]
    fn a_message_is_plain_ascii_with_its_link_in_one_piece() {
        let (text, recipients) = written("ada@example.com").unwrap();
        assert!(text.is_ascii(), "{text}");
        assert_eq!(recipients, ["ada@example.com"]);
        for line in [
            "To: ada@example.com\r\n",
            "Subject: Reset your password\r\n",
            "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Transfer-Encoding: 7bit\r\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in {text}");
        }
        assert!(
            text.contains(&format!(
                "\r\nhttps://app.example/reset-password?token={}\r\n",
                "Aa0-_".repeat(13)
            ))
        );
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
    }

    #[test]
    fn domains_go_out_in_ascii() {
        let to = |address: &str| written(address).map(|(_, recipients)| recipients.join(","));
        assert_eq!(to("ada@bücher.example").as_deref(), Some("ada@xn--bcher-kva.example"));
        assert_eq!(to("ada@host").as_deref(), Some("ada@host"));
        assert_eq!(to("用户@例え.jp").as_deref(), Some("用户@xn--r8jz45g.jp"));
    }

    #[test]
    fn what_no_mail_can_go_to_is_refused() {
        for address in [
            "",
            "ada",
            "ada@example.com\r\nBcc: bob@example.com",
            "ada@example.com\nBcc: bob@example.com",
            "ada\r\n@example.com",
            "ada@example.com,bob@example.com",
            "ada@example.com> NOTIFY=SUCCESS",
            "<ada@example.com>",
            "\"ada\\\" bob\"@example.com",
            "ada @example.com",
            "ada@exam\u{2028}ple.com",
            "orphan-1@placeholder.invalid",
            "ada@invalid",
            "ada@1.2.3",
            "ada@192.0.2.7",
        ] {
            let refused = compose(&mail(address), &sender());
            assert!(matches!(refused, Err(MailError::Unmailable)), "{address:?}");
        }
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for text in ["no-reply@example.com", "Holdfast <no-reply@example.com>", "\"A, B\" <a@b.c>"] {
            assert!(Sender::parse(text).is_ok(), "{text}");
        }
        for text in
            ["", "Holdfast", "no-reply@", "a@b.c, d@e.f", "A <a@b.c>\r\nBcc: <d@e.f>", "A\n <a@b.c>", "a@b c"]
        {
            assert_eq!(Sender::parse(text), Err(InvalidSender), "{text:?}");
        }
    }

    proptest! {
        /// Whatever an account has for an address: one recipient, the lines that were meant, and no other.
        #[test]
        fn no_address_adds_a_line_or_a_recipient(address in "(\\PC|[\r\n\t @<>,;:\"])*@(\\PC|[\r\n\t <>,;:\"])*") {
            let expected = written("ada@example.com").unwrap().0;
            let names = |text: &str| -> Vec<String> {
                let head = text.split("\r\n\r\n").next().unwrap_or_default();
                head.split("\r\n").filter(|line| !line.starts_with(' '))
                    .map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
            };
            if let Some((text, recipients)) = written(&address) {
                prop_assert_eq!(recipients.len(), 1);
                prop_assert_eq!(names(&text), names(&expected));
                let bare = text.replace("\r\n", "");
                prop_assert!(!bare.contains('\r') && !bare.contains('\n'));
                prop_assert!(!recipients[0].contains(|c: char| c.is_whitespace() || c.is_control() || "<>,".contains(c)));
            }
        }
    }
}
