//! How the frozen surface reads single values: everything that the FastAPI backend understood (contract, Part II §1,
//! "Types").

use holdfast_application::{
    domain::{
        Timestamp,
        tasks::{Description, Priority, Title},
    },
    ports::{Direction, SortBy},
};

use utoipa::openapi::schema::Object;

use crate::common::{
    datetime,
    fields::Flaw,
    json::Json,
    values::{self, one_of, text},
};

/// Beyond this a number counts milliseconds, not seconds: the year 2603 in seconds.
const MILLISECONDS_FROM: u64 = 20_000_000_000;

pub(super) fn title(value: Json) -> Result<Title, Flaw> {
    Ok(Title::verbatim(text(value)?)?)
}

pub(super) fn description(value: Json) -> Result<Description, Flaw> {
    Ok(Description::verbatim(text(value)?)?)
}

pub(super) fn priority(value: Json) -> Result<Priority, Flaw> {
    Ok(text(value)?.parse::<Priority>()?)
}

pub(super) fn sort_by(value: Json) -> Result<SortBy, Flaw> {
    match text(value)?.as_str() {
        "created_at" => Ok(SortBy::CreatedAt),
        "updated_at" => Ok(SortBy::UpdatedAt),
        "due_datetime" => Ok(SortBy::Due),
        "priority" => Ok(SortBy::Priority),
        "title" => Ok(SortBy::Title),
        _ => Err(Flaw::invalid("must be created_at, updated_at, due_datetime, priority or title")),
    }
}

pub(super) fn direction(value: Json) -> Result<Direction, Flaw> {
    match text(value)?.as_str() {
        "asc" => Ok(Direction::Ascending),
        "desc" => Ok(Direction::Descending),
        _ => Err(Flaw::invalid("must be asc or desc")),
    }
}

pub(super) fn boolean(value: Json) -> Result<bool, Flaw> {
    let read = match value {
        Json::Bool(value) => Some(value),
        Json::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Json::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Json::Number(_) => None,
        Json::Text(text) => values::lenient_boolean(&text),
        other @ (Json::Null | Json::List(_) | Json::Object) => {
            return Err(Flaw::wrong_type("a boolean", &other));
        }
    };
    read.ok_or_else(|| Flaw::invalid("must be true or false"))
}

pub(super) fn timestamp(value: Json) -> Result<Timestamp, Flaw> {
    let read = match value {
        Json::Text(text) => unix_text(&text).or_else(|| datetime::parse(&canonical(&text)?)),
        Json::Number(number) => unix_text(&number.to_string()),
        other @ (Json::Null | Json::Bool(_) | Json::List(_) | Json::Object) => {
            return Err(Flaw::wrong_type("a date-time", &other));
        }
    };
    read.ok_or_else(|| {
        Flaw::invalid("must be a date-time such as 2026-03-01T10:00:00, in the years 1 to 9999")
    })
}

/// Unix seconds or milliseconds, with or without a fraction.
fn unix_text(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    if !digits(unsigned) || !digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let unit: i64 = if number.unsigned_abs() > MILLISECONDS_FROM { 1_000 } else { 1_000_000 };
    let padded = format!("{fraction:0<6}");
    let part = padded.get(..6)?.parse::<i64>().ok()? * unit / 1_000_000;
    let part = if whole.starts_with('-') { -part } else { part };
    Timestamp::from_micros(number.checked_mul(unit)?.checked_add(part)?).ok()
}

/// The forms that only this surface reads, as those that every surface reads: a date alone is its midnight, an offset
/// may lack its colon.
fn canonical(text: &str) -> Option<String> {
    if datetime::date(text).is_some() {
        return Some(format!("{text}T00:00"));
    }
    let (rest, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let bare = offset.starts_with(['+', '-']) && offset[1..].bytes().all(|byte| byte.is_ascii_digit());
    Some(if bare { format!("{rest}{}:{}", &offset[..3], &offset[3..]) } else { text.to_owned() })
}

/// The names of the four priorities.
pub(super) fn priority_schema() -> Object {
    one_of(Priority::ALL.map(Priority::name)).build()
}

/// What a list can be sorted by.
pub(super) fn sort_by_schema() -> Object {
    let names = ["created_at", "updated_at", "due_datetime", "priority", "title"];
    one_of(names).default(Some("created_at".into())).build()
}

/// The two directions.
pub(super) fn direction_schema() -> Object {
    one_of(["asc", "desc"]).default(Some("desc".into())).build()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &Json) -> Option<String> {
        timestamp(value.clone()).ok().map(|at| at.to_string())
    }

    fn read_text(text: &str) -> Option<String> {
        read(&Json::Text(text.to_owned()))
    }

    #[test]
    fn every_form_that_the_front_ends_send_is_understood() {
        for (text, expected) in [
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-03-01T10:00", "2026-03-01T10:00:00Z"),
            ("2026-03-01 10:00:00.1234567", "2026-03-01T10:00:00.123456Z"),
            ("2026-03-01T10:00:00+0200", "2026-03-01T08:00:00Z"),
            ("2026-03-01T10:00-0530", "2026-03-01T15:30:00Z"),
            ("2026-03-01t10:00:00z", "2026-03-01T10:00:00Z"),
            ("1767225600", "2026-01-01T00:00:00Z"),
            ("1767225600000", "2026-01-01T00:00:00Z"),
            ("1767225600.5", "2026-01-01T00:00:00.500000Z"),
            ("-1.5", "1969-12-31T23:59:58.500000Z"),
        ] {
            assert_eq!(read_text(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read(&Json::Number(1_767_225_600.into())).as_deref(), Some("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn what_the_backend_refused_is_refused() {
        for text in [
            "",
            "2026-03-01T10",
            "20260301T100000",
            "2026-03-01T24:00:00",
            "2026-03-01T23:59:60",
            "now",
            "+",
            "2026-03-01T10:00:00+02",
            "99999999999999999999",
            "-9223372036854775808",
            "1e9",
        ] {
            assert_eq!(read_text(text), None, "{text}");
        }
        assert_eq!(read(&Json::Bool(true)), None);
    }

    #[test]
    fn booleans_come_as_words_and_numbers() {
        for (value, expected) in [
            (Json::Number(1.into()), Some(true)),
            (Json::Number(0.into()), Some(false)),
            (Json::Number(2.into()), None),
            (Json::Text("Off".into()), Some(false)),
            (Json::Text(String::new()), None),
            (Json::List(Vec::new()), None),
        ] {
            assert_eq!(boolean(value.clone()).ok(), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = read_text(&text);
        }

        #[test]
        fn no_number_makes_the_reader_panic(text in "[+-]?[0-9]{0,25}[.]?[0-9]{0,25}") {
            let _ = read_text(&text);
        }
    }
}
