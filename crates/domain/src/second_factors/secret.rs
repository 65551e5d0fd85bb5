//! What an authenticator app and the server share.

use std::fmt;

use zeroize::Zeroizing;

use super::base32;

/// The secret of codes by time: 160 bits, as long as the output of their hash (RFC 4226 §4, R6). Never printed, wiped from
/// memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Zeroizing<[u8; Self::LENGTH]>);

impl TotpSecret {
    /// Its length in bytes.
    pub const LENGTH: usize = 20;

    /// From random bytes: all that are given must be, and the last ones are taken.
    pub fn from_random(random: &[u8; 32]) -> Self {
        let mut secret = Zeroizing::new([0; Self::LENGTH]);
        secret.copy_from_slice(&random[32 - Self::LENGTH..]);
        Self(secret)
    }

    /// From what was sealed; nothing where the length is another one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// The bytes, for the algorithm and the seal alone.
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// 32 letters, as apps take them from whoever types.
    pub fn base32(&self) -> String {
        base32::encode(self.expose())
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_160_bits_and_is_never_printed() {
        let random: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        let secret = TotpSecret::from_random(&random);
        assert_eq!(secret.expose(), &random[12..]);
        assert_eq!(TotpSecret::from_bytes(secret.expose()), Some(secret.clone()));
        assert_eq!(TotpSecret::from_bytes(&random), None);
        assert_eq!(secret.base32().len(), 32);
        assert!(!format!("{secret:?}").contains(&secret.base32()));
    }
}
