//! What a link in a mail is for, and how long it is good. Making links and storing what proves them is the application's.

use std::time::Duration;

/// What whoever holds the link may do, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkPurpose {
    /// Set a new password without knowing the old one.
    ResetPassword,
    /// Show that mail to the account's address is read.
    VerifyEmail,
    /// Give the account the address that the link was sent to.
    ChangeEmail,
}

impl LinkPurpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ResetPassword, Self::VerifyEmail, Self::ChangeEmail];

    /// The name that is stored and logged.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset_password",
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
        }
    }

    /// The purpose with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// How long a link is good. The one that opens an account is good for the shortest time (OWASP Forgot Password Cheat
    /// Sheet: tokens expire after an appropriate period).
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::ResetPassword => Duration::from_mins(30),
            Self::VerifyEmail | Self::ChangeEmail => Duration::from_hours(24),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_is_found_by_its_name_alone() {
        for purpose in LinkPurpose::ALL {
            assert_eq!(LinkPurpose::from_name(purpose.name()), Some(purpose));
        }
        assert_eq!(LinkPurpose::from_name("RESET_PASSWORD"), None);
    }

    #[test]
    fn a_reset_is_good_for_half_an_hour_and_the_others_for_a_day() {
        let minutes = LinkPurpose::ALL.map(|purpose| purpose.lifetime().as_secs() / 60);
        assert_eq!(minutes, [30, 1_440, 1_440]);
    }
}
