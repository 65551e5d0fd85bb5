//! `application/x-www-form-urlencoded`, strictly: what cannot be decoded is refused, not guessed.

/// Something in the text is no percent-encoded UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotDecodable;

/// The pairs in order. A pair without `=` has an empty value.
pub(crate) fn decode(raw: &[u8]) -> Result<Vec<(String, String)>, NotDecodable> {
    let pairs = raw.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            Ok((text(&pair[..at])?, text(pair.get(at + 1..).unwrap_or_default())?))
        })
        .collect()
}

fn text(raw: &[u8]) -> Result<String, NotDecodable> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, tail) = tail.split_at_checked(2).ok_or(NotDecodable)?;
                bytes.push((digit(digits[0])? << 4) | digit(digits[1])?);
                rest = tail;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| NotDecodable)
}

fn digit(byte: u8) -> Result<u8, NotDecodable> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(NotDecodable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_in_order() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let decoded = decode(b"a=1&b=x+y%20%C3%A4&c&&d=%3D=");
        assert_eq!(decoded, Ok(vec![pair("a", "1"), pair("b", "x y ä"), pair("c", ""), pair("d", "==")]));
    }

    #[test]
    fn broken_escapes_and_broken_utf8_are_refused() {
        for raw in ["a=%", "a=%4", "a=%zz", "%e4=1", "a=%ff", "a=%c3"] {
            assert_eq!(decode(raw.as_bytes()), Err(NotDecodable), "{raw}");
        }
    }
}
