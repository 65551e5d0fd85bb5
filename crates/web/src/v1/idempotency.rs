//! `Idempotency-Key` on the canonical surface (draft-ietf-httpapi-idempotency-key-header): how the header is read, and how
//! an answer that was kept goes out. Which requests may be repeated is told by their handlers.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
};
use holdfast_application::idempotency::{IdempotencyKey, InvalidKey, KeptAnswer, Settled};

use crate::common::{
    fault::Fault,
    fields::{Fields, Flaw, Taken},
};

/// As it is named among the faults of a request.
const NAME: &str = "Idempotency-Key";
/// On the answer to a repeat.
pub(crate) const REPLAYED: &str = "Idempotent-Replayed";

/// The key of a request, if it has one; what is wrong with it is told with the faults of the body.
pub(crate) fn key(headers: &HeaderMap, fields: &mut Fields) -> Taken<Option<IdempotencyKey>> {
    let mut lines = headers.get_all(NAME);
    let Some(line) = lines.next() else { return Some(None) };
    if lines.next().is_some() {
        return fields.note(NAME, Flaw::invalid("must be sent once"));
    }
    fields.check(NAME, read(line.as_bytes())).map(Some)
}

/// A String (RFC 9651 §3.3.3) without parameters, or the same without its quotation marks, as many clients send it.
fn read(line: &[u8]) -> Result<IdempotencyKey, Flaw> {
    let line = str::from_utf8(line.trim_ascii()).map_err(|_| malformed())?;
    let text = match line.strip_prefix('"') {
        Some(rest) => quoted(rest).ok_or_else(malformed)?,
        None if line.bytes().all(is_bare) => line.to_owned(),
        None => return Err(malformed()),
    };
    Ok(IdempotencyKey::new(text)?)
}

/// What stands between the quotation marks, of which the first is read already.
fn quoted(rest: &str) -> Option<String> {
    let (mut text, mut rest) = (String::new(), rest.chars());
    loop {
        match rest.next()? {
            '"' => return rest.as_str().is_empty().then_some(text),
            '\\' => text.push(rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            plain => text.push(plain),
        }
    }
}

/// Neither white space nor anything that means something in a structured field: two keys that a proxy has joined, or a
/// key with parameters, are none.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',' | b';')
}

fn malformed() -> Flaw {
    Flaw::invalid("must be one token, or one string in quotation marks, of printable ASCII characters")
}

impl From<InvalidKey> for Flaw {
    fn from(fault: InvalidKey) -> Self {
        let code = match fault {
            InvalidKey::Empty => "blank",
            InvalidKey::TooLong => "too_long",
            InvalidKey::Unprintable => "invalid_value",
        };
        Self { code, message: fault.to_string() }
    }
}

/// The answer as it goes out, the same bytes every time.
pub(crate) fn answer(settled: Settled) -> Result<HttpResponse, Fault> {
    let Settled { answer: KeptAnswer { status, location, etag, body }, replayed } = settled;
    let status = StatusCode::from_u16(status).map_err(|error| Fault::unexpected(error.to_string()))?;
    let mut response = HttpResponse::build(status);
    for (name, value) in [(header::LOCATION, location), (header::ETAG, etag)] {
        if let Some(value) = value {
            response.insert_header((name, value));
        }
    }
    if replayed {
        response.insert_header((REPLAYED, "true"));
    }
    Ok(response.content_type("application/json").body(body))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn told(lines: &[&str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(HeaderName::from_static("idempotency-key"), value);
        }
        let mut fields = Fields::default();
        let taken = key(&headers, &mut fields);
        let told = fields.complete(taken).map_err(|fault| fault.fields()[0].code);
        told.map(|key| key.map(|key| key.as_str().to_owned()))
    }

    #[test]
    fn a_key_is_a_string_or_a_bare_token() {
        assert_eq!(told(&[]), Ok(None));
        for (line, expected) in [
            ("\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
            ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
            ("  \"a b, c; d\"\t", "a b, c; d"),
            (r#""a \"b\" \\ c""#, r#"a "b" \ c"#),
            ("a/b+c==.:_~!", "a/b+c==.:_~!"),
            ("Ab", "Ab"),
        ] {
            assert_eq!(told(&[line]), Ok(Some(expected.to_owned())), "{line}");
        }
        let longest = "x".repeat(255);
        assert_eq!(told(&[&format!("\"{longest}\"")]), Ok(Some(longest)));
    }

    #[test]
    fn what_is_no_key_is_told_and_not_guessed() {
        for (lines, code) in [
            (&[""][..], "blank"),
            (&["\"\""], "blank"),
            (&["a", "a"], "invalid_value"),
            (&["\"a\", \"a\""], "invalid_value"),
            (&["a, b"], "invalid_value"),
            (&["a b"], "invalid_value"),
            (&["\"a"], "invalid_value"),
            (&["\"a\\\""], "invalid_value"),
            (&["\"a\\b\""], "invalid_value"),
            (&["a\""], "invalid_value"),
            (&["\"a\";p=1"], "invalid_value"),
            (&["a;p=1"], "invalid_value"),
            (&["\"\u{fc}\""], "invalid_value"),
            (&["\u{fc}"], "invalid_value"),
            (&["\"a\tb\""], "invalid_value"),
            (&[&"x".repeat(256)], "too_long"),
        ] {
            assert_eq!(told(lines), Err(code), "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn every_printable_text_can_be_a_string(text in "[ -~]{1,255}") {
            let line = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(told(&[&line]), Ok(Some(text)));
        }
    }
}
