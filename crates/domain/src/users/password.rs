//! Passwords: what somebody typed, what a new one must be like, and the stored hash, none of which is ever printed.

use std::fmt;

use zeroize::Zeroizing;

use crate::{text::fold, users::Email};

const SHORTEST: usize = 8;
const LONGEST: usize = 256;
const LONGEST_BYTES: usize = 1_024;
/// A local part shorter than this would forbid too many good passwords.
const TELLING_LOCAL_PART: usize = 4;
const PRODUCT: &str = "holdfast";
/// The entries of 8 and more characters from the list of 20,000 common passwords that Django ships (BSD-3-Clause),
/// in lower case, sorted by bytes, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

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
        if is_common(&folded) {
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

fn is_common(folded: &str) -> bool {
    // A binary search over byte offsets: no table is built at start-up.
    let (mut low, mut high) = (0, COMMON.len());
    while low < high {
        let middle = COMMON.floor_char_boundary(low.midpoint(high));
        let start = COMMON[..middle].rfind('\n').map_or(0, |newline| newline + 1);
        let end = COMMON[start..].find('\n').map_or(COMMON.len(), |length| start + length);
        match COMMON[start..end].cmp(folded) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
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
        let listed: Vec<&str> = COMMON.lines().collect();
        assert!(listed.is_sorted(), "the search needs a sorted list");
        for common in [listed[0], listed[listed.len() / 2], listed[listed.len() - 1]] {
            assert_eq!(judge(common), Err(PasswordFault::Common), "{common}");
        }
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
        assert!(!shown.contains("hunter2!") && !shown.contains("$argon2"), "{shown}");
    }
}
