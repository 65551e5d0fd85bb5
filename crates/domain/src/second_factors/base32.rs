//! Base32 (RFC 4648 §6) without padding: how secrets and recovery codes are written for people.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Five bits a letter. The length in bits is a multiple of five wherever this is used, so that nothing is padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = (buffer << 8 | u32::from(*byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
    }
    text
}

/// The letter that is meant, in upper case; digits that are no letters of the alphabet are read as those that they look like.
pub(super) fn letter(typed: char) -> Option<char> {
    let meant = match typed.to_ascii_uppercase() {
        '0' => 'O',
        '1' => 'I',
        '8' => 'B',
        other => other,
    };
    ALPHABET.iter().any(|letter| char::from(*letter) == meant).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_the_rfc_writes_them() {
        // RFC 4648 §10, and the secret of RFC 6238's test vectors as every authenticator app reads it.
        assert_eq!(encode(b"fooba"), "MZXW6YTB");
        assert_eq!(encode(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(encode(&[0xff; 15]), "7".repeat(24));
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn letters_are_read_in_any_case_and_digits_as_what_they_look_like() {
        let read = |text: &str| text.chars().map(letter).collect::<Option<String>>();
        assert_eq!(read("abYZ27").as_deref(), Some("ABYZ27"));
        assert_eq!(read("018").as_deref(), Some("OIB"));
        for wrong in ["9", "-", " ", "=", "ä", "ſ"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
