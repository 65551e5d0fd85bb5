//! Mail on its way out: a conversation with a relay, a folder, and an outbox that does not give up too soon.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

mod folder;
mod outbox;
mod relay;
mod smtp;

use holdfast_application::{
    domain::{Timestamp, users::Email},
    ports::Mail,
};
use uuid::Uuid;

const LINK: &str = "https://app.example/reset-password?token=AZDELn86fMGbagEjRWeJq6enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6en";

fn mail(to: &str) -> Mail {
    Mail {
        id: Uuid::from_u128(0x0190_c42e_7f3a_7cc1_9b6a_0123_4567_89ab),
        at: Timestamp::from_seconds(1_767_225_600).unwrap(),
        to: Email::stored(to.to_owned()),
        subject: "Reset your password",
        text: format!("Choose a new one here:\n\n{LINK}\n\n.\n.. and goodbye\n"),
    }
}
