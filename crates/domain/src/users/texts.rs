//! The texts about an account that are neither its address nor its name.

use crate::text::{self, TextFault};

/// The most code points of the address of a picture.
pub const IMAGE_LIMIT: usize = 2_048;
/// The most code points of the reason of a ban.
pub const BAN_REASON_LIMIT: usize = 500;

/// The address of a picture. It is kept and given out, never fetched and never judged: what may be shown is the front
/// end's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image(String);

impl Image {
    /// Refuses U+0000 and more than [`IMAGE_LIMIT`] code points.
    pub fn new(raw: String) -> Result<Self, TextFault> {
        text::check(&raw, IMAGE_LIMIT).map(|()| Self(raw))
    }

    /// An address that is stored already; adopted ones may be longer.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why somebody is banned, as the person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanReason(String);

impl BanReason {
    /// Refuses U+0000 and more than [`BAN_REASON_LIMIT`] code points.
    pub fn new(raw: String) -> Result<Self, TextFault> {
        text::check(&raw, BAN_REASON_LIMIT).map(|()| Self(raw))
    }

    /// A reason that is stored already; adopted ones may be longer.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_have_an_edge_in_code_points_and_hold_no_u_0000() {
        assert!(Image::new("ü".repeat(IMAGE_LIMIT)).is_ok());
        assert_eq!(Image::new("ü".repeat(IMAGE_LIMIT + 1)), Err(TextFault::TooLong { limit: IMAGE_LIMIT }));
        let long = "ü".repeat(BAN_REASON_LIMIT + 1);
        assert_eq!(BanReason::new(long), Err(TextFault::TooLong { limit: BAN_REASON_LIMIT }));
        assert_eq!(BanReason::new("\0".into()), Err(TextFault::Nul));
        for text in ["", " https://example.com/ä.png "] {
            assert_eq!(Image::new(text.to_owned()).unwrap().as_str(), text);
            assert_eq!(BanReason::new(text.to_owned()).unwrap().as_str(), text);
        }
    }
}
