//! An authenticator app: made from RFC 6238 once more and apart from the server's own code, so that the two check each other.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// An app that knows one secret.
#[derive(Debug, Clone)]
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Takes the secret as it is typed: base32 (RFC 4648) without padding.
    ///
    /// # Panics
    /// When it is none.
    pub fn new(base32: &str) -> Self {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits: Vec<usize> = base32
            .chars()
            .map(|letter| letters.find(letter).expect("the secret is not base32"))
            .flat_map(|value| (0..5).rev().map(move |bit| value >> bit & 1))
            .collect();
        let byte = |bits: &[usize]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::try_from(*bit).unwrap());
        Self(bits.chunks_exact(8).map(byte).collect())
    }

    /// The secret's bytes in hexadecimal, as a copy of a database would show them.
    pub fn secret(&self) -> String {
        self.0.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// What it shows at this time, in seconds since 1970.
    pub fn code(&self, seconds: i64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).unwrap();
        mac.update(&seconds.div_euclid(30).to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[hash.len() - 1] % 16);
        let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().unwrap()) % (1 << 31);
        format!("{:06}", number % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_what_the_rfc_says() {
        let app = Authenticator::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!((app.code(59), app.code(1_111_111_109)), ("287082".to_owned(), "081804".to_owned()));
    }
}
