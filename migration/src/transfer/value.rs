//! The values of a row as both engines can tell them, and their form on a line of a dump.
//!
//! There are as many kinds as SQLite's STRICT tables have: what PostgreSQL calls uuid is 16 bytes there, a time is
//! microseconds since the Unix epoch, a truth value 0 or 1. So a row has one spelling, whichever engine it came from.

use std::io::Write as _;

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Integer,
    Text,
    Blob,
}

/// What one field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// Writes the line of a row, with its end: a JSON array of numbers, strings, and strings of hexadecimal digits for bytes.
pub(crate) fn write_row(line: &mut Vec<u8>, row: &[Value]) {
    line.push(b'[');
    for (place, value) in row.iter().enumerate() {
        if place > 0 {
            line.push(b',');
        }
        // Writing to a Vec cannot fail, and a text is always a JSON string.
        match value {
            Value::Null => line.extend_from_slice(b"null"),
            Value::Integer(number) => drop(write!(line, "{number}")),
            Value::Text(text) => drop(serde_json::to_writer(&mut *line, text)),
            Value::Blob(bytes) => {
                line.push(b'"');
                line.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]));
                line.push(b'"');
            }
        }
    }
    line.extend_from_slice(b"]\n");
}

/// Reads the line of a row; `None` where it is not one of these kinds.
pub(crate) fn read_row(line: &[u8], kinds: impl ExactSizeIterator<Item = Kind>) -> Option<Vec<Value>> {
    let fields: Vec<serde_json::Value> = serde_json::from_slice(line).ok()?;
    if fields.len() != kinds.len() {
        return None;
    }
    fields.into_iter().zip(kinds).map(|(field, kind)| read_field(field, kind)).collect()
}

fn read_field(field: serde_json::Value, kind: Kind) -> Option<Value> {
    match (field, kind) {
        (serde_json::Value::Null, _) => Some(Value::Null),
        (serde_json::Value::Number(number), Kind::Integer) => number.as_i64().map(Value::Integer),
        (serde_json::Value::String(text), Kind::Text) => Some(Value::Text(text)),
        (serde_json::Value::String(digits), Kind::Blob) => bytes(&digits).map(Value::Blob),
        _ => None,
    }
}

/// As hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).map(char::from).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}

fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_from_its_line() {
        let row = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Integer(9_007_199_254_740_993),
            Value::Text("\u{0}\n\"\\ ä 🦀 \u{2028}\u{7f}".to_owned()),
            Value::Text(String::new()),
            Value::Blob(vec![0, 0x0f, 0xf0, 0xff]),
            Value::Blob(Vec::new()),
        ];
        let kinds =
            [Kind::Blob, Kind::Integer, Kind::Integer, Kind::Text, Kind::Text, Kind::Blob, Kind::Blob];
        let mut line = Vec::new();
        write_row(&mut line, &row);
        assert!(line.ends_with(b"]\n") && !line[..line.len() - 1].contains(&b'\n'));
        assert_eq!(read_row(&line, kinds.into_iter()).unwrap(), row);
    }

    #[test]
    fn what_is_of_another_kind_is_no_row() {
        for (line, kind) in [
            ("[1.5]", Kind::Integer),
            ("[9223372036854775808]", Kind::Integer),
            ("[\"1\"]", Kind::Integer),
            ("[1]", Kind::Text),
            ("[\"0\"]", Kind::Blob),
            ("[\"0F\"]", Kind::Blob),
            ("[true]", Kind::Integer),
            ("[1,1]", Kind::Integer),
            ("[]", Kind::Integer),
            ("{}", Kind::Integer),
        ] {
            assert_eq!(read_row(line.as_bytes(), [kind].into_iter()), None, "{line}");
        }
    }
}
