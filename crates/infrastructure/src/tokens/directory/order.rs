//! The file that says which keys sign: one line a key, the newest first, its `kid` and when it began to sign. Of each
//! algorithm the first key signs, and those below it signed before. A key without a line has never signed.

use std::{collections::BTreeSet, fmt::Write as _};

use chrono::DateTime;
use holdfast_application::domain::Timestamp;

use super::KeyDirectoryFault;

/// Its name.
pub(super) const ORDER: &str = "signing-order";

const HEAD: &str = "\
# Which keys sign: of each algorithm the first one here, those below it signed before.
# Written by `holdfast keys`; one line a key: its kid, and since when it signs.
";

/// A key that signs or has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) id: String,
    /// When it began to sign, where that was noted.
    pub(super) since: Option<Timestamp>,
}

/// Reads the file. `known` are the ids of the directory's keys: a line about another one is a fault, because a
/// directory that was copied in part would make an instance sign with a key of the past.
pub(super) fn parse(text: &str, known: &BTreeSet<&str>, faults: &mut Vec<KeyDirectoryFault>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let mut words = text.split_whitespace();
        let Some(id) = words.next().filter(|word| !word.starts_with('#')) else { continue };
        let since = words.next().map(time);
        let problem = if !known.contains(id) {
            "names a key that is not there"
        } else if lines.iter().any(|line| line.id == id) {
            "names a key again"
        } else if since == Some(None) || words.next().is_some() {
            "is not a kid and a time (RFC 3339)"
        } else {
            lines.push(Line { id: id.to_owned(), since: since.flatten() });
            continue;
        };
        faults.push(KeyDirectoryFault::Order { line: number, problem });
    }
    lines
}

fn time(text: &str) -> Option<Timestamp> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    Timestamp::from_datetime(at.to_utc()).ok()
}

/// The file's text.
pub(super) fn render(lines: &[Line]) -> String {
    let mut text = HEAD.to_owned();
    for Line { id, since } in lines {
        // Writing to a string cannot fail.
        let _ = match since {
            Some(since) => writeln!(text, "{id} {since}"),
            None => writeln!(text, "{id}"),
        };
    }
    text
}
