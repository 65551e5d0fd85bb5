//! What the mails say. Nothing that anybody typed stands in one: no name, no address, so that nobody can use us to write
//! to others.

use holdfast_domain::users::LinkPurpose;

use crate::ports::{Letter, LinkToken};

/// Where links lead: the address of the front end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSite(String);

impl LinkSite {
    /// The address, with or without a slash at its end, in ASCII, without query and fragment.
    pub fn new(address: &str) -> Self {
        Self(address.trim_end_matches('/').to_owned())
    }

    /// The page that sets a new password.
    fn reset_password(&self, token: &LinkToken) -> String {
        format!("{}/reset-password?token={}", self.0, token.expose())
    }

    /// The page that confirms the address of an account.
    fn verify_email(&self, token: &LinkToken) -> String {
        format!("{}/verify-email?token={}", self.0, token.expose())
    }

    /// The page that confirms another address for an account.
    fn confirm_email(&self, token: &LinkToken) -> String {
        format!("{}/confirm-email?token={}", self.0, token.expose())
    }
}

/// Subject and text of a letter, as [`crate::ports::Mail`] wants them.
pub(super) fn write(letter: &Letter, site: &LinkSite) -> (&'static str, String) {
    match letter {
        Letter::ResetPassword(token) => (
            "Reset your password",
            with_link(
                "Somebody asked to reset the password of your Holdfast account. If it\nwas you, choose a new one here",
                LinkPurpose::ResetPassword,
                &site.reset_password(token),
                "If it was not you, there is nothing to do: your password stays as it\nis. Nobody can use this link who cannot read your mail.",
            ),
        ),
        Letter::VerifyEmail(token) => (
            "Confirm your e-mail address",
            with_link(
                "A Holdfast account was made with this e-mail address. If it is yours,\nconfirm the address here",
                LinkPurpose::VerifyEmail,
                &site.verify_email(token),
                "If it is not, there is nothing to do.",
            ),
        ),
        Letter::ConfirmNewEmail(token) => (
            "Confirm your new e-mail address",
            with_link(
                "Somebody wants to use this e-mail address for their Holdfast account. If\nit was you, confirm it here",
                LinkPurpose::ChangeEmail,
                &site.confirm_email(token),
                "If it was not you, there is nothing to do: without this link the address\nis not used.",
            ),
        ),
        Letter::PasswordWasChanged => (
            "Your password was changed",
            alarm("The password of your Holdfast account was changed, and every device was\nsigned out."),
        ),
        Letter::AnotherEmailWasAskedFor => (
            "Another e-mail address was asked for",
            alarm(
                "Somebody who knows your password asked to use another e-mail address for\nyour Holdfast account. It changes once that address is confirmed.",
            ),
        ),
        // Nobody can reset a password through this address any more.
        Letter::EmailWasChanged => (
            "Your e-mail address was changed",
            "Your Holdfast account has another e-mail address now. No more mail will\ncome to this one.\n\nIf it was not you, tell us at once: somebody else has your account.\n"
                .to_owned(),
        ),
        Letter::PersonalTokenWasCreated => (
            "A personal access token was made",
            alarm("A personal access token was made for your Holdfast account. A script\nthat has it reads or changes your tasks until it is over or revoked."),
        ),
        Letter::SecondFactorWasEnrolled => (
            "A second factor protects your account",
            alarm("A second factor was added to your Holdfast account: to sign in takes a code\nof your authenticator app from now on."),
        ),
        Letter::SecondFactorWasRemoved => (
            "The second factor was removed",
            alarm("The second factor of your Holdfast account was removed: your password alone\nsigns in from now on."),
        ),
        Letter::RecoveryCodeWasUsed => (
            "A recovery code was used",
            alarm("One of the recovery codes of your Holdfast account was used. It does not\nwork again."),
        ),
        Letter::WrongCodesWereTried => (
            "Wrong codes were tried",
            alarm("Somebody who knows the password of your Holdfast account tried several wrong\ncodes of your second factor."),
        ),
    }
}

fn with_link(what: &str, purpose: LinkPurpose, link: &str, otherwise: &str) -> String {
    let minutes = purpose.lifetime().as_secs() / 60;
    let while_good =
        if minutes < 120 { format!("{minutes} minutes") } else { format!("{} hours", minutes / 60) };
    format!("{what}, within {while_good}:\n\n{link}\n\n{otherwise}\n")
}

fn alarm(what: &str) -> String {
    format!("{what}\n\nIf it was not you, reset your password at once and tell us.\n")
}

#[cfg(test)]
mod tests {
    use holdfast_domain::UserId;
    use uuid::Uuid;

    use super::*;

    fn letters() -> [Letter; 11] {
        let (token, _) = LinkToken::seal(UserId::new(Uuid::from_u128(1)), &[7; 32]);
        [
            Letter::ResetPassword(token.clone()),
            Letter::VerifyEmail(token.clone()),
            Letter::ConfirmNewEmail(token),
            Letter::PasswordWasChanged,
            Letter::AnotherEmailWasAskedFor,
            Letter::EmailWasChanged,
            Letter::PersonalTokenWasCreated,
            Letter::SecondFactorWasEnrolled,
            Letter::SecondFactorWasRemoved,
            Letter::RecoveryCodeWasUsed,
            Letter::WrongCodesWereTried,
        ]
    }

    #[test]
    fn letters_are_ascii_in_short_lines_and_links_stand_alone_on_theirs() {
        for letter in letters() {
            let (subject, text) = write(&letter, &LinkSite::new("https://app.example/"));
            assert!(subject.is_ascii() && !subject.contains(['\r', '\n']), "{subject}");
            assert!(text.is_ascii() && text.ends_with('\n') && !text.contains('\r'), "{text}");
            for line in text.lines() {
                let is_link = line.starts_with("https://app.example/") && !line.contains(' ');
                assert!(is_link || (line.len() <= 76 && !line.contains("://")), "{line}");
            }
        }
    }

    #[test]
    fn links_say_how_long_they_are_good() {
        let site = LinkSite::new("https://app.example/todo");
        let [reset, verify, confirm, ..] = letters().map(|letter| write(&letter, &site).1);
        assert!(
            reset.contains("within 30 minutes:\n\nhttps://app.example/todo/reset-password?token=AAAA"),
            "{reset}"
        );
        assert!(
            verify.contains("within 24 hours:\n\nhttps://app.example/todo/verify-email?token=AAAA"),
            "{verify}"
        );
        assert!(
            confirm.contains("within 24 hours:\n\nhttps://app.example/todo/confirm-email?token=AAAA"),
            "{confirm}"
        );
    }
}
