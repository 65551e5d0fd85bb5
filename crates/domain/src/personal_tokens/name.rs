//! What the owner calls a personal access token.

use crate::text::{self, TextFault};

/// The most code points of the name.
pub const TOKEN_NAME_LIMIT: usize = 100;

/// A name by which the owner knows the script again. Two tokens may have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    /// Trimmed. Refuses what is blank then, U+0000, and more than [`TOKEN_NAME_LIMIT`] code points.
    pub fn new(raw: &str) -> Result<Self, TextFault> {
        let trimmed = raw.trim();
        if trimmed.is_empty() {
            return Err(TextFault::Blank);
        }
        text::check(trimmed, TOKEN_NAME_LIMIT).map(|()| Self(trimmed.to_owned()))
    }

    /// A name that is stored already.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_has_from_one_to_a_hundred_characters() {
        assert_eq!(
            TokenName::new(" backup \n").map(|name| name.as_str().to_owned()),
            Ok("backup".to_owned())
        );
        assert!(TokenName::new(&"ü".repeat(TOKEN_NAME_LIMIT)).is_ok());
        let long = "ü".repeat(TOKEN_NAME_LIMIT + 1);
        assert_eq!(TokenName::new(&long), Err(TextFault::TooLong { limit: TOKEN_NAME_LIMIT }));
        assert_eq!(TokenName::new(" \t"), Err(TextFault::Blank));
        assert_eq!(TokenName::new("a\0b"), Err(TextFault::Nul));
    }
}
