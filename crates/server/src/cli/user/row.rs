//! An account as the command line shows it: one JSON object, or one line of text.

use holdfast_application::{
    Services,
    domain::{
        Timestamp,
        users::{Ban, BanReason, Name, User},
    },
};
use serde::Serialize;

use crate::cli::terminal::readable;

/// The heads of the columns of [`Row::line`].
pub(super) const HEAD: &str = concat!(
    "ID                                    ROLE   STATE     CREATED               ",
    "LAST SIGN-IN          E-MAIL"
);

/// What is shown of an account; never anything secret.
#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    email: String,
    email_verified: bool,
    name: Option<String>,
    role: &'static str,
    /// `active`, `banned` or `inactive`.
    state: &'static str,
    ban: Option<BanRow>,
    created_at: String,
    updated_at: String,
    last_sign_in_at: Option<String>,
}

/// A ban, which may have ended.
#[derive(Serialize)]
struct BanRow {
    at: String,
    reason: Option<String>,
    expires_at: Option<String>,
}

impl Row {
    pub(super) fn new(services: &Services, user: &User) -> Self {
        let state = services.users.state(user).name();
        let User {
            id,
            email,
            name,
            role,
            active: _,
            email_verified,
            image: _,
            ban,
            created_at,
            updated_at,
            last_sign_in_at,
        } = user;
        Self {
            id: id.to_string(),
            email: email.as_str().to_owned(),
            email_verified: *email_verified,
            name: name.as_ref().map(Name::as_str).map(ToOwned::to_owned),
            role: role.name(),
            state,
            ban: ban.as_ref().map(|Ban { at, reason, expires_at }| BanRow {
                at: at.to_string(),
                reason: reason.as_ref().map(BanReason::as_str).map(ToOwned::to_owned),
                expires_at: expires_at.as_ref().map(Timestamp::to_string),
            }),
            created_at: created_at.to_string(),
            updated_at: updated_at.to_string(),
            last_sign_in_at: last_sign_in_at.as_ref().map(Timestamp::to_string),
        }
    }

    /// One line below [`HEAD`].
    pub(super) fn line(&self) -> String {
        let Self { id, email, role, state, created_at, last_sign_in_at, .. } = self;
        let last = last_sign_in_at.as_deref().map_or("-", seconds);
        let email = readable(email);
        format!("{id}  {role:5}  {state:8}  {:20}  {last:20}  {email}", seconds(created_at))
    }

    /// All of it, one member a line.
    pub(super) fn members(&self) -> Vec<(&'static str, String)> {
        let Self {
            id,
            email,
            email_verified,
            name,
            role,
            state,
            ban,
            created_at,
            updated_at,
            last_sign_in_at,
        } = self;
        let dash = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), readable);
        let verified = if *email_verified { "verified" } else { "not verified" };
        let mut members = vec![
            ("id", id.clone()),
            ("e-mail", format!("{} ({verified})", readable(email))),
            ("name", dash(name)),
            ("role", (*role).to_owned()),
            ("state", (*state).to_owned()),
        ];
        if let Some(BanRow { at, reason, expires_at }) = ban {
            let until = expires_at.as_deref().unwrap_or("lifted");
            members.push(("banned", format!("since {at}, until {until}; reason: {}", dash(reason))));
        }
        members.extend([
            ("created", created_at.clone()),
            ("updated", updated_at.clone()),
            ("last sign-in", dash(last_sign_in_at)),
        ]);
        members
    }
}

/// A time in UTC without its fraction of a second: a line has no room for it.
pub(super) fn seconds(time: &str) -> &str {
    time.split_once('.').map_or(time.trim_end_matches('Z'), |(whole, _)| whole)
}
