//! Codes that work once each, for whoever has lost the app.

use std::fmt;

use zeroize::Zeroizing;

use super::base32;

/// How many an account has.
pub const RECOVERY_CODES: usize = 10;

/// A recovery code: 120 random bits as 24 letters. Long enough that a plain hash of it may be stored (OWASP ASVS 6.5.2 asks
/// for 112 bits). Never printed, wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    const BYTES: usize = 15;
    const LETTERS: usize = Self::BYTES * 8 / 5;
    const GROUP: usize = 4;

    /// From random bytes: all that are given must be, and the last ones are taken.
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(Zeroizing::new(base32::encode(&random[32 - Self::BYTES..])))
    }

    /// The code that somebody typed, in any case, with or without hyphens and blanks.
    pub(super) fn read(typed: &str) -> Option<Self> {
        let mut letters = Zeroizing::new(String::with_capacity(Self::LETTERS));
        for typed in typed.chars().filter(|typed| !matches!(typed, ' ' | '-')) {
            if letters.len() == Self::LETTERS {
                return None;
            }
            letters.push(base32::letter(typed)?);
        }
        (letters.len() == Self::LETTERS).then_some(Self(letters))
    }

    /// The letters alone, for the hash.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As its owner is shown it: six groups of four letters.
    pub fn shown(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        let groups: Vec<String> = letters.chunks(Self::GROUP).map(|group| group.iter().collect()).collect();
        groups.join("-")
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_as_people_type_it() {
        let code = RecoveryCode::from_random(&[0xb7; 32]);
        let shown = code.shown();
        assert_eq!((code.expose().len(), shown.len()), (24, 29));
        let typed = [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), shown.replace('-', "")];
        for typed in typed {
            assert_eq!(RecoveryCode::read(&typed), Some(code.clone()), "{typed}");
        }
        for wrong in ["", "123456", &shown[1..], &format!("{shown}A"), &shown.replace('-', "_")] {
            assert_eq!(RecoveryCode::read(wrong), None, "{wrong}");
        }
        assert!(!format!("{code:?}").contains(code.expose()));
    }
}
