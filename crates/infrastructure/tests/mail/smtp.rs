//! Conversations with a relay.

use std::error::Error;

use base64::{Engine, engine::general_purpose::STANDARD};
use holdfast_application::ports::{MailError, Mailer};
use holdfast_infrastructure::mail::{Sender, SmtpMailer, SmtpRelay};

use crate::{LINK, mail, relay};

fn mailer(url: &str) -> SmtpMailer {
    let sender = Sender::parse("Holdfast <no-reply@example.com>").unwrap();
    SmtpMailer::new(&SmtpRelay::parse(url).unwrap(), sender)
}

/// Everything that the error and what lies beneath it say.
fn chain(error: &dyn Error) -> String {
    let below = error.source().map(chain).unwrap_or_default();
    format!("{error:?} {error}\n{below}")
}

#[tokio::test]
async fn a_mail_is_handed_over_in_one_conversation() {
    let (port, heard) = relay::start(|_| None).await;
    let mailer = mailer(&format!("smtp://app:two%20words@127.0.0.1:{port}"));
    mailer.send(&mail("ada@example.com")).await.unwrap();
    let lines = heard.take();
    assert_eq!(lines[1], format!("AUTH PLAIN {}", STANDARD.encode("\0app\0two words")));
    assert_eq!(lines[2..5], ["MAIL FROM:<no-reply@example.com>", "RCPT TO:<ada@example.com>", "DATA"]);
    for line in ["From: Holdfast <no-reply@example.com>", "To: ada@example.com"] {
        assert!(lines.contains(&line.to_owned()), "{lines:#?}");
    }
    let body = lines.iter().position(String::is_empty).unwrap();
    // Lines that begin with a full stop are protected (RFC 5321 §4.5.2), so that no text ends the mail.
    let said = ["Choose a new one here:", "", LINK, "", "..", "... and goodbye", "", "."];
    assert_eq!(lines[body + 1..body + 1 + said.len()], said, "{lines:#?}");
    mailer.send(&mail("bob@example.com")).await.unwrap();
    assert!(heard.take().contains(&"RCPT TO:<bob@example.com>".to_owned()));
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_and_names_nobody() {
    let (port, _) = relay::start(|line| {
        line.starts_with("RCPT").then_some("550 5.1.1 <ada@example.com>: no such person")
    })
    .await;
    let refused =
        mailer(&format!("smtp://127.0.0.1:{port}")).send(&mail("ada@example.com")).await.unwrap_err();
    assert!(matches!(refused, MailError::Refused(_)), "{refused:?}");
    assert!(chain(&refused).contains("550") && !chain(&refused).contains("ada"), "{}", chain(&refused));

    let (port, _) =
        relay::start(|line| line.starts_with("RCPT").then_some("451 ada@example.com later")).await;
    let later = mailer(&format!("smtp://127.0.0.1:{port}")).send(&mail("ada@example.com")).await.unwrap_err();
    assert!(matches!(later, MailError::Unavailable(_)), "{later:?}");
    assert!(chain(&later).contains("451") && !chain(&later).contains("ada"), "{}", chain(&later));

    let (port, _) = relay::start(|line| line.starts_with("RCPT").then_some("ada@example.com what?")).await;
    let odd = mailer(&format!("smtp://127.0.0.1:{port}")).send(&mail("ada@example.com")).await.unwrap_err();
    assert!(matches!(odd, MailError::Unavailable(_)), "{odd:?}");
    assert!(!chain(&odd).contains("ada"), "{}", chain(&odd));
}

#[tokio::test]
async fn a_wrong_password_of_ours_is_not_tried_again_and_not_shown() {
    let (port, heard) = relay::start(|line| line.starts_with("AUTH").then_some("535 5.7.8 who?")).await;
    let refused =
        mailer(&format!("smtp://app:hunter2@127.0.0.1:{port}")).send(&mail("ada@example.com")).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, MailError::Refused(_)), "{refused:?}");
    assert!(!chain(&refused).contains("hunter2"));
    assert!(heard.take().iter().all(|line| !line.starts_with("MAIL")));
}

#[tokio::test]
async fn nothing_is_said_in_clear_text_where_encryption_is_required() {
    // A relay that offers no STARTTLS, or somebody on the way who has removed the offer.
    let (port, heard) = relay::start(|_| None).await;
    let url = format!("smtp://app:hunter2@127.0.0.1:{port}?tls=required");
    let refused = mailer(&url).send(&mail("ada@example.com")).await.unwrap_err();
    assert!(matches!(refused, MailError::Refused(_)), "{refused:?}");
    let said = heard.take();
    assert!(said.iter().all(|line| line.starts_with("EHLO") || line.starts_with("QUIT")), "{said:?}");

    let (port, first_byte) = relay::first_byte().await;
    let broken =
        mailer(&format!("smtps://app:hunter2@127.0.0.1:{port}")).send(&mail("ada@example.com")).await;
    assert!(matches!(broken, Err(MailError::Unavailable(_))), "{broken:?}");
    // The record of a TLS handshake (RFC 8446 §5.1).
    assert_eq!(first_byte.await.unwrap(), 22);
}

#[tokio::test]
async fn an_address_that_no_mail_can_go_to_makes_no_conversation() {
    let (port, heard) = relay::start(|_| None).await;
    let mailer = mailer(&format!("smtp://127.0.0.1:{port}"));
    for address in ["ada@example.com>\r\nRCPT TO:<bob@example.com", "orphan-1@placeholder.invalid", "ada"] {
        let refused = mailer.send(&mail(address)).await;
        assert!(matches!(refused, Err(MailError::Unmailable)), "{address:?}: {refused:?}");
    }
    assert_eq!(heard.take(), [""; 0]);
}
