//! What a person wants to be called.

use crate::text::{self, TextFault};

/// The most code points of a name.
pub const NAME_LIMIT: usize = 100;

/// A display name, kept as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Refuses U+0000 and more than [`NAME_LIMIT`] code points.
    pub fn new(raw: String) -> Result<Self, TextFault> {
        text::check(&raw, NAME_LIMIT).map(|()| Self(raw))
    }

    /// A name that is stored already; adopted ones may be longer.
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
    fn a_name_is_kept_as_typed_and_has_an_edge_in_code_points() {
        for name in ["", "  Ada  ", "Ǆ 𝄞", &"ü".repeat(NAME_LIMIT)] {
            assert_eq!(Name::new(name.to_owned()).unwrap().as_str(), name);
        }
        assert_eq!(Name::new("ü".repeat(NAME_LIMIT + 1)), Err(TextFault::TooLong { limit: NAME_LIMIT }));
        assert_eq!(Name::stored("ü".repeat(NAME_LIMIT + 1)).as_str().len(), 2 * (NAME_LIMIT + 1));
    }
}
