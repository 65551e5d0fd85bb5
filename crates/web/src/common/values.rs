//! Values as both surfaces read them, and how points in time and identifiers are written.

use std::fmt::Display;

use chrono::{Datelike, Timelike};
use holdfast_application::domain::{Timestamp, text::TextFault};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{fields::Flaw, json::Json};

/// Any text but one with U+0000, which PostgreSQL cannot store.
pub(crate) fn text(value: Json) -> Result<String, Flaw> {
    match value {
        Json::Text(text) if text.contains('\0') => Err(TextFault::Nul.into()),
        Json::Text(text) => Ok(text),
        other => Err(Flaw::wrong_type("a string", &other)),
    }
}

/// The booleans that the FastAPI backend read from text, in any case.
pub(crate) fn lenient_boolean(text: &str) -> Option<bool> {
    let is = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
    if is(&["true", "1", "yes", "on", "t", "y"]) {
        Some(true)
    } else if is(&["false", "0", "no", "off", "f", "n"]) {
        Some(false)
    } else {
        None
    }
}

/// A lenient boolean of a query string.
pub(crate) fn query_boolean(value: Json) -> Result<bool, Flaw> {
    lenient_boolean(&text(value)?).ok_or_else(|| Flaw::invalid("must be true or false"))
}

/// A whole number of a query string within `range`, which ends at the largest number where nothing limits it: larger
/// ones then count as that.
pub(crate) fn query_number(value: Json, range: std::ops::RangeInclusive<u64>) -> Result<u64, Flaw> {
    let text = text(value)?;
    let digits = text.strip_prefix('+').unwrap_or(&text);
    let number = (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().unwrap_or(u64::MAX));
    let number = number.filter(|number| range.contains(number));
    number.ok_or_else(|| {
        Flaw::invalid(match range.end() {
            &u64::MAX => format!("must be a whole number of at least {}", range.start()),
            end => format!("must be a whole number from {} to {end}", range.start()),
        })
    })
}

/// The schema of a text that is one of these names.
pub(crate) fn one_of<const N: usize>(names: [&str; N]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names))
}

/// Writes RFC 3339 with `Z`.
pub(crate) fn zoned<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    Written::of(*at, true).serialize(serializer)
}

/// Writes RFC 3339 with `Z`, or null.
#[expect(clippy::ref_option, reason = "the signature is serde's")]
pub(crate) fn zoned_option<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| Written::of(at, true)).serialize(serializer)
}

/// Writes ISO 8601 in UTC without a zone.
pub(crate) fn naive<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    Written::of(*at, false).serialize(serializer)
}

/// Writes ISO 8601 in UTC without a zone, or null.
#[expect(clippy::ref_option, reason = "the signature is serde's")]
pub(crate) fn naive_option<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| Written::of(at, false)).serialize(serializer)
}

/// Writes anything that can be shown as a text.
pub(crate) fn shown<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Writes anything that can be shown as a text, or null.
#[expect(clippy::ref_option, reason = "the signature is serde's")]
pub(crate) fn shown_option<T: Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// `YYYY-MM-DDThh:mm:ss.ffffffZ` without an allocation: a page of tasks holds up to 300 of these.
struct Written {
    bytes: [u8; 27],
    length: usize,
}

impl Written {
    fn of(at: Timestamp, zone: bool) -> Self {
        let at = at.datetime();
        let mut written = Self { bytes: *b"0000-00-00T00:00:00.000000Z", length: 19 };
        // Years run from 1 to 9999, so every part fits its digits.
        written.digits(0..4, at.year().unsigned_abs());
        for (from, part) in
            [(5, at.month()), (8, at.day()), (11, at.hour()), (14, at.minute()), (17, at.second())]
        {
            written.digits(from..from + 2, part);
        }
        let micros = at.nanosecond() / 1_000;
        if micros > 0 {
            written.digits(20..26, micros);
            written.length = 26;
        }
        if zone {
            written.bytes[written.length] = b'Z';
            written.length += 1;
        }
        written
    }

    fn digits(&mut self, place: std::ops::Range<usize>, mut number: u32) {
        for byte in self.bytes[place].iter_mut().rev() {
            // A remainder of ten always fits.
            *byte = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(at: Timestamp, zone: bool) -> String {
        serde_json::to_value(Written::of(at, zone)).unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn fractions_are_six_digits_or_none() {
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        assert_eq!(written(at(0), true), "1970-01-01T00:00:00Z");
        assert_eq!(written(at(1), true), "1970-01-01T00:00:00.000001Z");
        assert_eq!(written(at(1_500_000), false), "1970-01-01T00:00:01.500000");
        assert_eq!(written(at(60_000_000), false), "1970-01-01T00:01:00");
    }

    #[test]
    fn booleans_of_every_spelling_are_understood() {
        for (text, expected) in
            [("TRUE", true), ("1", true), ("Yes", true), ("oN", true), ("f", false), ("N", false)]
        {
            assert_eq!(lenient_boolean(text), Some(expected), "{text}");
        }
        for text in ["", "2", "null", "truee", " true"] {
            assert_eq!(lenient_boolean(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_of_a_query_have_edges() {
        let number = |text: &str, range| query_number(Json::Text(text.to_owned()), range).ok();
        assert_eq!(number("100", 1..=100), Some(100));
        assert_eq!(number("+1", 1..=100), Some(1));
        for text in ["0", "101", "-1", "1.0", "", " 1", "1e1", "٣", "18446744073709551616"] {
            assert_eq!(number(text, 1..=100), None, "{text}");
        }
        assert_eq!(number("99999999999999999999999", 0..=u64::MAX), Some(u64::MAX));
    }

    proptest! {
        #[test]
        fn the_fast_writer_agrees_with_the_domain(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let at = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(written(at, true), at.to_string());
        }
    }
}
