//! Reading JSON text: one object, of which only the outer members are kept, with what is in their lists. What the members must
//! be is told by [`super::fields`].

use std::{collections::BTreeMap, fmt, str};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::fault::{Fault, FieldFault};

/// One value. Inner objects are checked and thrown away: no request has a use for them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// What is in it; nothing where the frozen reader read it, which has no use for lists.
    List(Vec<Json>),
    Object,
}

impl Json {
    /// What it is, as told to the caller. Never the value.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object => "an object",
        }
    }
}

/// The outer members by name.
pub(crate) type Members = BTreeMap<String, Json>;

/// What happens when an object names a member twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// The text is refused.
    Refused,
    /// As in Python and JavaScript.
    LastWins,
}

/// Reads one object. The fault says where the text goes wrong and why; a text that is JSON but no object is invalid,
/// not malformed.
pub(crate) fn read(raw: &[u8], duplicates: Duplicates) -> Result<Members, Fault> {
    let raw = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    if raw.trim_ascii().is_empty() {
        return Err(Fault::invalid_json("The body is empty; a JSON object is expected"));
    }
    if let Err(error) = str::from_utf8(raw) {
        let at = error.valid_up_to();
        return Err(Fault::invalid_json(format!("The body is not UTF-8 from byte {at} on")));
    }
    let mut reader = serde_json::Deserializer::from_slice(raw);
    let top = Top(duplicates).deserialize(&mut reader);
    let top = top.and_then(|top| reader.end().map(|()| top));
    let top = top.map_err(|error| Fault::invalid_json(format!("The body is not valid JSON: {error}")))?;
    top.map_err(|found| {
        let message = format!("must be a JSON object, not {}", found.kind());
        Fault::invalid(vec![FieldFault { field: "body".to_owned(), code: "wrong_type", message }])
    })
}

struct Top(Duplicates);

impl<'de> DeserializeSeed<'de> for Top {
    type Value = Result<Members, Json>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let mut members = Members::new();
        let top = deserializer.deserialize_any(Inner { duplicates: self.0, keep: Some(&mut members) })?;
        Ok(if top == Json::Object { Ok(members) } else { Err(top) })
    }
}

/// Reads any value; the members of an object go to `keep` where there is one.
struct Inner<'a> {
    duplicates: Duplicates,
    keep: Option<&'a mut Members>,
}

impl<'de> DeserializeSeed<'de> for Inner<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inner<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let duplicates = self.duplicates;
        let mut elements = Vec::new();
        match duplicates {
            Duplicates::LastWins => while list.next_element::<IgnoredAny>()?.is_some() {},
            Duplicates::Refused => {
                while let Some(element) = list.next_element_seed(Inner { duplicates, keep: None })? {
                    elements.push(element);
                }
            }
        }
        Ok(Json::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let Self { duplicates, keep } = self;
        let mut inner = Members::new();
        let members = keep.unwrap_or(&mut inner);
        while let Some(name) = object.next_key::<String>()? {
            if duplicates == Duplicates::Refused && members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the member {name:?} appears twice")));
            }
            let value = object.next_value_seed(Inner { duplicates, keep: None })?;
            members.insert(name, value);
        }
        Ok(Json::Object)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(raw: &[u8]) -> String {
        let fault = read(raw, Duplicates::Refused).unwrap_err();
        assert_eq!(fault.code(), "INVALID_JSON", "{}", fault.detail());
        fault.detail().to_owned()
    }

    #[test]
    fn a_broken_text_is_told_with_its_place() {
        assert!(refused(b"{\"a\":\n 1,}").contains("line 2 column"));
        assert!(refused(b"{\"a\": \"\xff\"}").contains("byte 7"));
        assert!(refused(br#"{"a": 1, "a": 2}"#).contains(r#""a" appears twice"#));
        assert!(refused(br#"{"x": {"b": 1, "b": 2}}"#).contains(r#""b" appears twice"#));
        for raw in
            [&br#"{"a": "\ud800"}"#[..], br#"{"a": 1e400}"#, b"{} {}", b"{'a': 1}", b"NaN", b"{\"a\": 01}"]
        {
            refused(raw);
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        assert!(
            refused(format!("{}1{}", "[".repeat(60_000), "]".repeat(60_000)).as_bytes())
                .contains("recursion")
        );
        assert!(refused("{\"a\":".repeat(10_000).as_bytes()).contains("recursion"));
    }

    #[test]
    fn a_top_level_that_is_no_object_is_invalid() {
        for raw in [&b"[1]"[..], b"1", b"null", b"\"x\"", b"true"] {
            assert_eq!(read(raw, Duplicates::Refused).unwrap_err().code(), "VALIDATION_ERROR");
        }
    }

    #[test]
    fn the_frozen_reader_takes_the_last_of_two() {
        let members = read(br#"{"a": 1, "a": "x", "b": [{"c": 1, "c": 2}]}"#, Duplicates::LastWins).unwrap();
        assert_eq!(members["a"], Json::Text("x".to_owned()));
        assert_eq!(members["b"], Json::List(Vec::new()));
    }

    #[test]
    fn the_canonical_reader_keeps_what_is_in_a_list() {
        let members = read(br#"{"a": ["x", 1, {"b": 1}, []]}"#, Duplicates::Refused).unwrap();
        let inner =
            [Json::Text("x".to_owned()), Json::Number(1.into()), Json::Object, Json::List(Vec::new())];
        assert_eq!(members["a"], Json::List(inner.into()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(raw in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&raw, Duplicates::Refused);
        }

        #[test]
        fn every_text_comes_back_as_it_went_in(text in any::<String>()) {
            let raw = serde_json::json!({ "t": text }).to_string();
            let members = read(raw.as_bytes(), Duplicates::Refused).unwrap();
            prop_assert_eq!(&members["t"], &Json::Text(text));
        }
    }
}
