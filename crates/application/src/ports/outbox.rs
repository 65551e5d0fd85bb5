//! What is done about mail once the request that caused it has been answered.

use holdfast_domain::{UserId, users::Email};

use super::LinkToken;

/// Something to write and send later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Somebody says that they forgot the password of the account with this address, whether or not there is one. All that
    /// depends on the account is done later, so that the time of the answer tells nothing.
    PasswordForgotten {
        /// As typed.
        email: Email,
    },
    /// An account was made, and nobody knows yet whether its owner reads mail to its address.
    SignedUp {
        /// The account.
        user: UserId,
    },
    /// A letter that is ready to be written.
    Letter {
        /// Who gets it.
        to: Email,
        /// What it says.
        letter: Letter,
    },
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter {
    /// How to set a new password.
    ResetPassword(LinkToken),
    /// How to show that mail to the address is read.
    VerifyEmail(LinkToken),
    /// How to make the recipient's address the one of an account.
    ConfirmNewEmail(LinkToken),
    /// The password was changed.
    PasswordWasChanged,
    /// Somebody who knows the password asked for another address.
    AnotherEmailWasAskedFor,
    /// The account has another address now.
    EmailWasChanged,
    /// A personal access token was made.
    PersonalTokenWasCreated,
    /// From now on a sign-in needs a code.
    SecondFactorWasEnrolled,
    /// From now on the password alone signs in.
    SecondFactorWasRemoved,
    /// A recovery code was used.
    RecoveryCodeWasUsed,
    /// Somebody who knows the password tried several wrong codes.
    WrongCodesWereTried,
}

impl Errand {
    /// What it is, for logs: neither an address nor a link.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PasswordForgotten { .. } => "password_forgotten",
            Self::SignedUp { .. } => "signed_up",
            Self::Letter { to: _, letter } => match letter {
                Letter::ResetPassword(_) => "reset_password",
                Letter::VerifyEmail(_) => "verify_email",
                Letter::ConfirmNewEmail(_) => "confirm_new_email",
                Letter::PasswordWasChanged => "password_was_changed",
                Letter::AnotherEmailWasAskedFor => "another_email_was_asked_for",
                Letter::EmailWasChanged => "email_was_changed",
                Letter::PersonalTokenWasCreated => "personal_token_was_created",
                Letter::SecondFactorWasEnrolled => "second_factor_was_enrolled",
                Letter::SecondFactorWasRemoved => "second_factor_was_removed",
                Letter::RecoveryCodeWasUsed => "recovery_code_was_used",
                Letter::WrongCodesWereTried => "wrong_codes_were_tried",
            },
        }
    }
}

/// As much mail waits as is allowed to. The errand was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much mail waits to be sent")]
pub struct OutboxFull;

/// Takes errands and runs them later, off the path of the request.
pub trait Outbox: Send + Sync {
    /// Keeps a place for one errand. Whoever must not do something without mail about it asks first.
    ///
    /// - It MUST NOT wait.
    /// - A place that is dropped MUST be free again.
    fn reserve(&self) -> Result<Box<dyn Place>, OutboxFull>;

    /// Takes an errand that no place was kept for.
    fn submit(&self, errand: Errand) -> Result<(), OutboxFull> {
        self.reserve()?.submit(errand);
        Ok(())
    }
}

/// A place in an outbox, for one errand.
pub trait Place: Send {
    /// Takes the errand.
    ///
    /// - It MUST NOT wait, and what it does MUST NOT depend on what the errand is about.
    /// - What was taken is tried until it is done or given up with a line in the log. It may be lost when the process ends:
    ///   no promise to a user may rest on it.
    fn submit(self: Box<Self>, errand: Errand);
}
