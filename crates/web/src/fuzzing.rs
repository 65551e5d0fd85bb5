//! What fuzzers call: the readers of bodies, forms, queries, headers and date-times, each with what must hold whatever they
//! are given. Built for tests and fuzzers alone; the fuzz targets stand in `fuzz/`. The frozen surface has its own.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer is told what is wrong")]

use std::{collections::BTreeSet, fmt::Write as _};

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use chrono::{DateTime, SubsecRound, Utc};
use holdfast_application::{
    Patch,
    domain::tasks::{DESCRIPTION_LIMIT, Revision, TITLE_LIMIT},
    ports::TaskChanges,
};

pub use crate::frozen_fuzzing as frozen;
use crate::{
    common::{
        auth, datetime,
        fields::{Fields, FromFields},
        form,
        json::{self, Duplicates, Json, Members},
    },
    v1::{etag, page::TaskListQuery, tasks::PatchTask, users::UpdateUser},
};

/// A body as each surface reads it: what is taken is an object to serde as well, with the same members, and none twice
/// where that is refused.
pub fn json_body(raw: &[u8]) {
    for duplicates in [Duplicates::Refused, Duplicates::LastWins] {
        let Ok(members) = json::read(raw, duplicates) else { continue };
        let text = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
        let told: Result<Names, _> = serde_json::from_slice(text);
        assert!(told.is_ok(), "taken, and no JSON: {told:?}");
        let names = told.map(|Names(names)| names).unwrap_or_default();
        assert!(members.keys().eq(names.iter().collect::<BTreeSet<_>>()), "{members:?}");
        let once = names.len() == members.len();
        assert!(once || duplicates == Duplicates::LastWins, "a member was taken twice: {names:?}");
    }
}

/// The names of an object's members, in order.
#[derive(Debug, Default)]
struct Names(Vec<String>);

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> serde::de::Visitor<'de> for Object {
            type Value = Names;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, serde::de::IgnoredAny)) = map.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A form, which is also how query strings are read: what is decoded can be encoded and decoded again.
pub fn form(raw: &[u8]) {
    let Ok(pairs) = form::decode(raw) else { return };
    assert_eq!(pairs.len(), raw.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).count());
    let encoded: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    assert_eq!(form::decode(encoded.join("&").as_bytes()).as_ref(), Ok(&pairs));
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        // Writing to a string cannot fail.
        let _ = write!(encoded, "%{byte:02x}");
        encoded
    })
}

/// A query string of the list of tasks: what is taken is within its limits.
pub fn query(raw: &[u8]) {
    let Ok(text) = std::str::from_utf8(raw) else { return };
    let Ok(list) = Fields::of_query(text).and_then(TaskListQuery::read) else { return };
    assert!((1..=100).contains(&list.limit) && list.offset <= i64::MAX.unsigned_abs());
}

/// A date-time: what is taken comes back from its own spelling, and is the same to another reader of RFC 3339.
pub fn date_time(raw: &[u8]) {
    let Ok(text) = std::str::from_utf8(raw) else { return };
    let Some(at) = datetime::parse(text) else { return };
    assert_eq!(datetime::parse(&at.to_string()), Some(at), "{text}");
    if let Ok(other) = DateTime::parse_from_rfc3339(text) {
        assert_eq!(at.datetime(), other.with_timezone(&Utc).trunc_subsecs(6), "{text}");
    }
}

/// A merge patch of a task or an account: what is left out stays, null clears, and no value breaks its rules.
pub fn patch(raw: &[u8]) {
    let Ok(members) = json::read(raw, Duplicates::Refused) else { return };
    let read = || Fields::new(members.clone());
    let _ = UpdateUser::read(read());
    let Ok(task) = PatchTask::read(read()) else { return };
    let TaskChanges { title, description, due, priority, completed } = task.into();
    let kept = |changes: bool| if changes { Patch::Set(()) } else { Patch::Keep };
    says(&members, "title", &kept(title.is_some()), false);
    says(&members, "priority", &kept(priority.is_some()), false);
    says(&members, "is_completed", &kept(completed.is_some()), false);
    says(&members, "description", &description, false);
    says(&members, "due_datetime", &due, true);
    if let Some(title) = title {
        let text = title.as_str();
        assert!(
            !text.trim().is_empty() && text.trim() == text && text.chars().count() <= TITLE_LIMIT,
            "{text:?}"
        );
        assert!(!text.contains('\0'));
    }
    if let Patch::Set(description) = description {
        let text = description.as_str();
        assert!(text.chars().count() <= DESCRIPTION_LIMIT && !text.contains('\0'));
    }
}

/// The patch of a member is what the member says.
fn says<T>(members: &Members, name: &str, patch: &Patch<T>, blank_is_null: bool) {
    let blank = |value: &Json| blank_is_null && *value == Json::Text(String::new());
    let expected = match members.get(name) {
        None => matches!(patch, Patch::Keep),
        Some(value) if *value == Json::Null || blank(value) => matches!(patch, Patch::Clear),
        Some(_) => matches!(patch, Patch::Set(_)),
    };
    assert!(expected, "{name} was read as something else");
}

/// Headers that are taken apart: the token of a caller and the revisions of a condition.
pub fn headers(raw: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(raw) else { return };
    let mut headers = HeaderMap::new();
    for name in [AUTHORIZATION, IF_MATCH, IF_NONE_MATCH] {
        headers.append(name, value.clone());
    }
    if let Ok(token) = auth::bearer(&headers) {
        assert!(!token.is_empty() && !token.contains(' '), "{token:?}");
    }
    let _ = etag::Preconditions::of(&headers).is_known(Revision::new(7));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Objects with members that we know, some of them twice, and everything that JSON has.
    fn objects() -> impl Strategy<Value = Vec<u8>> {
        let name = prop::sample::select(vec![
            "title",
            "description",
            "due_datetime",
            "priority",
            "is_completed",
            "completed",
            "name",
            "image",
            "x",
        ]);
        let value = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            "-?[0-9]{1,20}(\\.[0-9]{1,3})?([eE][0-9]{1,3})?",
            any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
            "[ \t]{0,3}[a-zA-Z]{1,5}[ ]{0,3}".prop_map(|text| serde_json::json!(text).to_string()),
            prop::sample::select(vec![
                "\"\"",
                "\"urgent_important\"",
                "\"2026-03-01T10:00:00Z\"",
                "\"\\ud800\"",
                "\"\\u0000\"",
                "[]",
                "{}",
                "[{\"a\":1,\"a\":2}]",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec((name, value), 0..6).prop_map(|members| {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", members.join(",")).into_bytes()
        })
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..200)
    }

    proptest! {
        #[test]
        fn any_bytes_everywhere(raw in bytes()) {
            json_body(&raw);
            form(&raw);
            query(&raw);
            date_time(&raw);
            patch(&raw);
            headers(&raw);
            frozen::date_time(&raw);
            frozen::patch(&raw);
        }

        #[test]
        fn objects_as_bodies_and_patches(object in objects(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut edited = object.clone();
            let place = place.index(edited.len());
            edited[place] = byte;
            for raw in [object, edited] {
                json_body(&raw);
                patch(&raw);
                frozen::patch(&raw);
            }
        }

        #[test]
        fn forms_and_queries(raw in "(limit|offset|q|a|cursor)=[0-9a-f%+&=;]{0,40}(&(limit|due_after)=[0-9%T:Z+-]{0,30})?") {
            form(raw.as_bytes());
            query(raw.as_bytes());
        }

        #[test]
        fn nearly_date_times(raw in "[0-9]{4}-[01][0-9]-[0-3][0-9]([Tt ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{0,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?") {
            date_time(raw.as_bytes());
            frozen::date_time(raw.as_bytes());
        }

        #[test]
        fn nearly_headers(raw in "(Bearer|bearer|W/)?[ ,\"*]{0,3}(r?[0-9]{0,20}\"?[ ,]{0,2}){0,4}") {
            headers(raw.as_bytes());
        }
    }
}
