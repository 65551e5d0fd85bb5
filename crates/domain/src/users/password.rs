//! Passwords: what somebody typed, what a new one must be like, and the stored hash, none of which is ever printed.

use std::fmt;

use zeroize::Zeroizing;

use super::common_passwords;
use crate::{text::fold, users::Email};

const SHORTEST: usize = 8;
const LONGEST: usize = 256;
const LONGEST_BYTES: usize = 1_024;
/// A local part shorter than this would forbid too many good passwords.
const TELLING_LOCAL_PART: usize = 4;
const PRODUCT: &str = "holdfast";

/// A password exactly as it was received, wiped from memory when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Any text: no rule ever keeps an existing password from being tried.
    pub fn new(raw: String) -> Self {
        Self(Zeroizing::new(raw))
    }

    /// The text, for the hasher alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// Why a new password was refused. There are no composition rules (NIST SP 800-63B §3.1.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Fewer than 8 code points.
    #[error("must have at least {SHORTEST} characters")]
    TooShort,
    /// More than 256 code points or 1,024 bytes.
    #[error("must have at most {LONGEST} characters and {LONGEST_BYTES} bytes")]
    TooLong,
    /// One of those that are tried first.
    #[error("is one of the most common passwords; choose another")]
    Common,
    /// Contains the product's name or the e-mail address's local part.
    #[error("must not contain the name of this service or of your e-mail address")]
    Guessable,
    /// The one that the account has already.
    #[error("must differ from the current password")]
    Unchanged,
}

/// A password that may be set.
#[derive(Debug, Clone)]
pub struct NewPassword(Password);

impl NewPassword {
    /// Judges `raw` for the account with this e-mail address.
    pub fn new(raw: Password, email: &Email) -> Result<Self, PasswordFault> {
        let text = raw.expose();
        let length = text.chars().take(LONGEST + 1).count();
        if length < SHORTEST {
            return Err(PasswordFault::TooShort);
        }
        if length > LONGEST || text.len() > LONGEST_BYTES {
            return Err(PasswordFault::TooLong);
        }
        let folded = Zeroizing::new(fold(text));
        if common_passwords::contain(&folded) {
            return Err(PasswordFault::Common);
        }
        let local_part = fold(email.local_part());
        let telling = local_part.chars().count() >= TELLING_LOCAL_PART;
        if folded.contains(PRODUCT) || (telling && folded.contains(&local_part)) {
            return Err(PasswordFault::Guessable);
        }
        Ok(Self(raw))
    }

    /// Judges `raw` as the successor of `current`.
    pub fn replacing(current: &Password, raw: Password, email: &Email) -> Result<Self, PasswordFault> {
        let new = Self::new(raw, email)?;
        if new.0.expose() == current.expose() { Err(PasswordFault::Unchanged) } else { Ok(new) }
    }

    /// The password itself.
    pub fn password(&self) -> &Password {
        &self.0
    }
}

/// A stored hash in its own text format (PHC string, or bcrypt's), never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what a hasher made or what is stored.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the hasher and the store alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(raw: &str) -> Result<(), PasswordFault> {
        let email = Email::new("gertrude@example.com".to_owned()).unwrap();
        NewPassword::new(Password::new(raw.to_owned()), &email).map(|_| ())
    }

    #[test]
    fn length_has_two_edges_in_characters_and_one_in_bytes() {
        assert_eq!(judge("xq7-Zt!"), Err(PasswordFault::TooShort));
        assert_eq!(judge("xq7-Zt!p"), Ok(()));
        assert_eq!(judge(&"äb".repeat(128)), Ok(()));
        assert_eq!(judge(&"äb".repeat(129)), Err(PasswordFault::TooLong));
        assert_eq!(judge(&"𝄞".repeat(256)), Ok(()));
        assert_eq!(judge(&format!("{}é", "𝄞".repeat(256))), Err(PasswordFault::TooLong));
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        assert_eq!(judge("PassWord1"), Err(PasswordFault::Common));
        assert_eq!(judge("QWERTYUIOP"), Err(PasswordFault::Common));
        assert_eq!(judge("PassWord1-and-more"), Ok(()));
    }

    #[test]
    fn the_product_and_the_address_may_not_be_part_of_it() {
        assert_eq!(judge("myHoldFast99"), Err(PasswordFault::Guessable));
        assert_eq!(judge("xxGERTRUDExx"), Err(PasswordFault::Guessable));
    }

    #[test]
    fn a_successor_differs_and_is_judged_like_any_other() {
        let email = Email::new("gertrude@example.com".to_owned()).unwrap();
        let judge = |current: &str, new: &str| {
            let [current, new] = [current, new].map(|text| Password::new(text.to_owned()));
            NewPassword::replacing(&current, new, &email).map(|_| ())
        };
        assert_eq!(judge("correct horse", "correct horse"), Err(PasswordFault::Unchanged));
        assert_eq!(judge("correct horse", "Correct horse"), Ok(()));
        assert_eq!(judge("old", "old"), Err(PasswordFault::TooShort));
    }

    #[test]
    fn nothing_prints_a_password() {
        let shown =
            format!("{:?} {:?}", Password::new("hunter2!".into()), PasswordHash::new("$argon2".into()));
        assert_eq!(shown, "Password(redacted) PasswordHash(redacted)");
        assert_eq!(PasswordHash::new("$argon2".into()).expose(), "$argon2");
    }
}
