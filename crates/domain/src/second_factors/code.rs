//! What somebody types as their second factor.

use std::fmt;

use zeroize::Zeroizing;

use super::RecoveryCode;

/// A code exactly as it was received, never printed, wiped from memory when dropped.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

/// Which kind of code a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Six digits, which are a code by time.
    Digits(u32),
    /// A recovery code.
    Recovery(RecoveryCode),
}

impl Code {
    const DIGITS: usize = 6;

    /// Any text: one that is no code is a wrong one.
    pub fn new(raw: String) -> Self {
        Self(Zeroizing::new(raw))
    }

    /// The same where a code may be left out: nothing but blanks is none.
    pub fn given(raw: String) -> Option<Self> {
        let code = Self::new(raw);
        (!code.0.trim().is_empty()).then_some(code)
    }

    /// What it is. Blanks between digits are left out, as apps show them.
    pub fn read(&self) -> Option<Typed> {
        let (mut number, mut digits) = (0_u32, 0);
        for typed in self.0.chars().filter(|typed| *typed != ' ') {
            match typed.to_digit(10) {
                Some(digit) if digits < Self::DIGITS => (number, digits) = (number * 10 + digit, digits + 1),
                _ => return RecoveryCode::read(&self.0).map(Typed::Recovery),
            }
        }
        (digits == Self::DIGITS).then_some(Typed::Digits(number))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Typed> {
        Code::new(text.to_owned()).read()
    }

    #[test]
    fn six_digits_are_a_code_by_time() {
        assert_eq!(read("000000"), Some(Typed::Digits(0)));
        assert_eq!(read("012 345"), Some(Typed::Digits(12_345)));
        assert_eq!(read(" 999999 "), Some(Typed::Digits(999_999)));
        for wrong in ["", "12345", "1234567", "12345a", "-12345", "+12345", "٠١٢٣٤٥", "1.2345"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nothing_but_blanks_is_no_code() {
        for none in ["", " ", "  \t\n", "\u{a0}\u{3000}"] {
            assert!(Code::given(none.to_owned()).is_none(), "{none:?}");
        }
        for some in ["000000", " 0 ", "-"] {
            assert!(Code::given(some.to_owned()).is_some(), "{some:?}");
        }
    }

    #[test]
    fn twenty_four_letters_are_a_recovery_code_even_where_they_look_like_digits() {
        let code = RecoveryCode::read(&"2345".repeat(6));
        assert!(code.is_some());
        for typed in ["2345-2345-2345-2345-2345-2345", "234523452345234523452345"] {
            assert_eq!(read(typed), code.clone().map(Typed::Recovery), "{typed}");
        }
        assert!(!format!("{:?}", Code::new("123456".to_owned())).contains("123456"));
    }
}
