//! The two texts of a task and their limits.

use crate::text::{self, TextFault};

/// The most code points of a title.
pub const TITLE_LIMIT: usize = 255;
/// The most code points of a description on the canonical surface.
pub const DESCRIPTION_LIMIT: usize = 5_000;

/// What a task is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Trims white space at both ends, then refuses a blank title, U+0000 and more than [`TITLE_LIMIT`] code points.
    pub fn new(raw: &str) -> Result<Self, TextFault> {
        let trimmed = raw.trim();
        if trimmed.is_empty() {
            return Err(TextFault::Blank);
        }
        Self::verbatim(trimmed.to_owned())
    }

    /// Keeps the text as it is, blank and padded too (contract, decision 14); the same limits otherwise.
    pub fn verbatim(raw: String) -> Result<Self, TextFault> {
        text::check(&raw, TITLE_LIMIT).map(|()| Self(raw))
    }

    /// A title that is stored already. Adopted rows may exceed today's limits and stay readable.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What titles are sorted by: the first [`TITLE_LIMIT`] code points, compared code point by code point.
    pub fn sort_key(&self) -> &str {
        text::prefix(&self.0, TITLE_LIMIT)
    }

    /// Gives the text away.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The longer text of a task. Absent and empty are two different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Refuses U+0000 and more than [`DESCRIPTION_LIMIT`] code points.
    pub fn new(raw: String) -> Result<Self, TextFault> {
        text::check(&raw, DESCRIPTION_LIMIT).map(|()| Self(raw))
    }

    /// Refuses U+0000 alone: the frozen surface is limited by the size of its bodies (contract, decision 14).
    pub fn verbatim(raw: String) -> Result<Self, TextFault> {
        text::check(&raw, usize::MAX).map(|()| Self(raw))
    }

    /// A description that is stored already.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text away.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_title_is_trimmed_before_it_is_measured() {
        let padded = format!("  {}  ", "x".repeat(TITLE_LIMIT));
        assert_eq!(Title::new(&padded).unwrap().as_str().len(), TITLE_LIMIT);
        assert_eq!(Title::new(&"x".repeat(TITLE_LIMIT + 1)), Err(TextFault::TooLong { limit: TITLE_LIMIT }));
        assert_eq!(Title::new(" \u{2003}\t\n"), Err(TextFault::Blank));
        assert_eq!(Title::new("a\0b"), Err(TextFault::Nul));
    }

    #[test]
    fn a_verbatim_title_keeps_its_blanks() {
        assert_eq!(Title::verbatim("  ".into()).unwrap().as_str(), "  ");
        assert_eq!(Title::verbatim(String::new()).unwrap().as_str(), "");
        assert_eq!(Title::verbatim("\0".into()), Err(TextFault::Nul));
    }

    #[test]
    fn titles_sort_by_as_much_as_a_new_one_may_have() {
        let short = Title::new("ü b").unwrap();
        assert_eq!((short.sort_key(), short.clone().into_string()), ("ü b", "ü b".to_owned()));
        let adopted = Title::stored(format!("{}b", "ü".repeat(TITLE_LIMIT)));
        assert_eq!(adopted.sort_key(), "ü".repeat(TITLE_LIMIT));
    }

    #[test]
    fn descriptions_differ_in_their_limit_alone() {
        let long = "ß".repeat(DESCRIPTION_LIMIT + 1);
        assert_eq!(Description::new(long.clone()), Err(TextFault::TooLong { limit: DESCRIPTION_LIMIT }));
        assert_eq!(Description::verbatim(long.clone()).unwrap().into_string(), long);
        assert_eq!(Description::new(String::new()).unwrap().as_str(), "");
    }
}
