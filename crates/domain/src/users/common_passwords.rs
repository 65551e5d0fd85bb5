//! The passwords that are tried first. What is done with one that is among them is `password`'s to say.
//!
//! `common_passwords.txt.gz` holds the entries of 8 and more characters from the list of common passwords that Django ships, in
//! lower case, sorted by bytes, one a line. `common_passwords.py` makes it and compares it with its source; it is under
//! Django's licence, BSD-3-Clause, which is `LICENSE-COMMON-PASSWORDS` in the root of the repository.

use std::{io::Read as _, sync::LazyLock};

use flate2::read::GzDecoder;

const COMPRESSED: &[u8] = include_bytes!("common_passwords.txt.gz");

/// The lines, unpacked at the first look into them, which takes about a millisecond, and kept: 82 kB of text and 134 kB to find
/// them by. The text is never given back, as nothing here is.
static LINES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut text = String::new();
    #[expect(clippy::expect_used, reason = "it is a part of the program, and a test reads all of it")]
    GzDecoder::new(COMPRESSED).read_to_string(&mut text).expect("the list of common passwords is whole");
    text.leak().lines().collect()
});

/// Whether a password, folded already, is on the list.
pub(super) fn contain(folded: &str) -> bool {
    LINES.binary_search(&folded).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::text::fold;

    #[test]
    fn the_list_is_whole_sorted_folded_and_holds_only_what_the_other_rules_let_through() {
        assert_eq!(LINES.len(), 8_354);
        assert!(LINES.is_sorted_by(|one, next| one < next), "the search needs a sorted list");
        for line in &*LINES {
            assert!(line.chars().count() >= 8 && fold(line) == *line, "{line}");
        }
    }

    #[test]
    fn every_entry_is_found_and_nothing_that_is_nearly_one() {
        let entries: HashSet<&str> = LINES.iter().copied().collect();
        for line in &*LINES {
            assert!(contain(line), "{line}");
            let (end, _) = line.char_indices().next_back().unwrap();
            for nearly in [line[..end].to_owned(), format!("{line}a"), format!("{line}\n")] {
                assert_eq!(contain(&nearly), entries.contains(nearly.as_str()), "{nearly}");
            }
        }
        for none in ["", "\n", "password1\npassword2"] {
            assert!(!contain(none), "{none:?}");
        }
    }
}
