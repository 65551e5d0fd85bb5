//! What fuzzers call of the frozen surface; see [`crate::fuzzing`].

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer is told what is wrong")]

use holdfast_application::{Patch, domain::tasks::TITLE_LIMIT, ports::TaskChanges};

use super::{values::timestamp, wire::LegacyTaskUpdate};
use crate::common::{
    datetime,
    fields::{Fields, FromFields},
    json::{self, Duplicates, Json},
};

/// A date-time, as text and as a number: what the canonical surface reads, this one reads as the same.
pub fn date_time(raw: &[u8]) {
    let Ok(text) = std::str::from_utf8(raw) else { return };
    let read = timestamp(Json::Text(text.to_owned())).ok();
    let canonical = datetime::parse(text);
    assert!(canonical.is_none() || read == canonical, "{text}: {read:?}, not {canonical:?}");
    if let Ok(number) = text.parse::<serde_json::Number>() {
        let _ = timestamp(Json::Number(number));
    }
}

/// An update of a task: no value breaks its rules, and with the whole task told nothing is kept.
pub fn patch(raw: &[u8]) {
    let Ok(members) = json::read(raw, Duplicates::LastWins) else { return };
    let whole = ["title", "priority", "is_completed"].iter().all(|name| members.contains_key(*name));
    let Ok(update) = LegacyTaskUpdate::read(Fields::new(members)) else { return };
    let TaskChanges { title, description, due, priority: _, completed: _ } = update.into();
    if let Some(title) = title {
        let text = title.as_str();
        assert!(text.chars().count() <= TITLE_LIMIT && !text.contains('\0'), "{text:?}");
    }
    let kept = matches!(description, Patch::Keep) || matches!(due, Patch::Keep);
    assert!(!(whole && kept), "a whole task keeps what it leaves out");
}
