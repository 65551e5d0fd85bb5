//! How text is folded and cut for the derived columns: a frozen copy of the domain's rules, because a migration must
//! mean the same years later. A test compares both.

/// Unicode lower case, one character at a time; the Greek final sigma folds to the common one.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// What a search looks in: title and description, folded, with a unit separator between them.
pub(super) fn search_text(title: &str, description: Option<&str>) -> String {
    let mut text = fold(title);
    if let Some(description) = description {
        text.push('\u{1f}');
        text.push_str(&fold(description));
    }
    text
}

/// What a title sorts by: its first 255 code points.
pub(super) fn title_sort(title: &str) -> &str {
    title.char_indices().nth(255).map_or(title, |(end, _)| &title[..end])
}
