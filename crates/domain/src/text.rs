//! How text is measured, cut and compared, the same for every adapter.

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Nothing is left once white space is trimmed.
    #[error("must not be blank")]
    Blank,
    /// More code points than allowed.
    #[error("must have at most {limit} characters")]
    TooLong {
        /// The most Unicode code points that are allowed.
        limit: usize,
    },
    /// U+0000, which PostgreSQL cannot store.
    #[error("must not contain the character U+0000")]
    Nul,
}

/// Refuses U+0000 and more than `limit` Unicode code points.
pub fn check(text: &str, limit: usize) -> Result<(), TextFault> {
    if text.contains('\0') {
        return Err(TextFault::Nul);
    }
    // Bytes bound code points from above, so a short text never pays for counting.
    if text.len() > limit && text.chars().nth(limit).is_some() {
        return Err(TextFault::TooLong { limit });
    }
    Ok(())
}

/// Unicode lower case, one character at a time, for comparing without regard to case.
///
/// Unlike `str::to_lowercase` the result never depends on neighbours: whatever contains a text also contains it
/// after folding. The Greek final sigma therefore folds to the common one.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// The first `count` Unicode code points.
pub fn prefix(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_code_points() {
        assert_eq!(check(&"ü".repeat(255), 255), Ok(()));
        assert_eq!(check(&"ü".repeat(256), 255), Err(TextFault::TooLong { limit: 255 }));
        assert_eq!(prefix("aüb", 2), "aü");
        assert_eq!(prefix("a", 2), "a");
    }

    #[test]
    fn folding_keeps_substrings_findable() {
        assert!(fold("ΑΣΑ").contains(&fold("ΑΣ")));
        assert_eq!(fold("ÉCOLE ΟΔΟΣ"), fold("école οδος"));
    }
}
