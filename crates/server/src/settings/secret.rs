//! A text that must not be printed, logged or left behind in memory. How strong a secret has to be
//! is decided in `signing_secret`.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// What stands in place of a secret wherever one would be shown.
pub const REDACTED: &str = "[redacted]";

/// A secret text: overwritten when dropped, and redacted in `Debug`. It has no `Display`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The bytes, for the one place that makes a key of them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}
