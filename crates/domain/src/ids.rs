//! Identifiers: one type per kind of row, so that an owner can never be passed where a task is meant.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// The text is no UUID in any of its spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a UUID")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID of any version: adopted rows keep the ids that they came with.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself, for adapters.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Accepts every UUID spelling: with or without hyphens, in braces, as `urn:uuid:`, in any case.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId)
            }
        }

        /// Lower case with hyphens, the one spelling that goes out.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id!(
    /// An account.
    UserId
);
id!(
    /// A task; unique together with its owner.
    TaskId
);
id!(
    /// A session, which is also a refresh-token family; unique together with its account.
    SessionId
);
id!(
    /// The `jti` of one token.
    TokenId
);
id!(
    /// An entry of the security history.
    EventId
);
id!(
    /// What proves one link in a mail; unique together with its account, and later ones are larger.
    OneTimeTokenId
);
id!(
    /// A personal access token; unique together with its account.
    PersonalTokenId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_uuid_spelling_names_the_same_row() {
        let canonical = "0190c42e-7f3a-7cc1-9b6a-0123456789ab";
        for spelling in [
            canonical,
            "0190C42E-7F3A-7CC1-9B6A-0123456789AB",
            "0190c42e7f3a7cc19b6a0123456789ab",
            "{0190c42e-7f3a-7cc1-9b6a-0123456789ab}",
            "urn:uuid:0190c42e-7f3a-7cc1-9b6a-0123456789ab",
        ] {
            assert_eq!(spelling.parse::<TaskId>().unwrap().to_string(), canonical, "{spelling}");
        }
    }

    #[test]
    fn text_that_is_no_uuid_is_refused() {
        for text in ["", "1", "0190c42e-7f3a-7cc1-9b6a-0123456789a", "../etc/passwd", "0190c42e 7f3a"] {
            assert_eq!(text.parse::<TaskId>(), Err(InvalidId), "{text}");
        }
    }
}
