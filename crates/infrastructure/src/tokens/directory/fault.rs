//! What can be wrong with a key directory, told so that an operator knows which file to look at and what to do. Never a
//! byte of what the file holds.

use std::io;

use super::super::{KeyError, PairAlgorithm};
use super::order::ORDER;

/// One fault of a key directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyDirectoryFault {
    /// There is nothing at its path.
    #[error("does not exist")]
    Missing,
    /// Its path leads to something else.
    #[error("is not a directory")]
    NotADirectory,
    /// The system does not let us look.
    #[error("cannot be read ({0})")]
    Unreadable(io::ErrorKind),
    /// No file ends in `.pem`.
    #[error("holds no *.pem file")]
    Empty,
    /// The system does not let us read one of its files.
    #[error("cannot be used: {file:?} cannot be read ({kind})")]
    UnreadableFile {
        /// Its name.
        file: String,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// Others than the owner may read a private key.
    #[error("cannot be used: {file:?} may be read or written by others (mode {mode:04o})")]
    Exposed {
        /// Its name.
        file: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A file is no key that can be used.
    #[error("cannot be used: {file:?} {cause}")]
    Key {
        /// Its name.
        file: String,
        /// What is wrong with it.
        cause: KeyError,
    },
    /// One key stands in two files, or with both of its halves.
    #[error("cannot be used: {first:?} and {second:?} hold the same key")]
    Twice {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// A line of the order cannot be followed.
    #[error("cannot be used: line {line} of {ORDER:?} {problem}")]
    Order {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl KeyDirectoryFault {
    /// What would be right.
    pub fn expected(&self) -> String {
        let text = match self {
            Self::Missing | Self::NotADirectory | Self::Empty => {
                "a directory with at least one key (`holdfast keys generate` makes both)"
            }
            Self::Unreadable(_) | Self::UnreadableFile { .. } => {
                "a directory and files that the server's account can read"
            }
            Self::Exposed { .. } => "private keys that their owner alone can read (chmod 600)",
            Self::Key { cause, .. } => expected_key(*cause),
            Self::Twice { .. } => "each key once, either its private or its public half",
            Self::Order { .. } => "in each line the kid of another key of the directory, the newest first",
        };
        text.to_owned()
    }
}

fn expected_key(cause: KeyError) -> &'static str {
    match cause {
        KeyError::NoPem | KeyError::Several | KeyError::Damaged => {
            "one unencrypted PEM key a file, PKCS#8 or a public key"
        }
        KeyError::Encrypted => "an unencrypted key (openssl pkcs8 -in KEY -out NEW.pem)",
        KeyError::OtherForm => "PKCS#8 (openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW.pem)",
        KeyError::OtherKind => "an Ed25519 or RSA key",
        KeyError::RsaSize { .. } => "an RSA key of 2048 to 8192 bits",
    }
}

/// Why no key of the directory signs with an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSigningKey {
    /// There is none of this algorithm.
    #[error("the key directory holds no private {0} key")]
    Missing(PairAlgorithm),
    /// There are several, and the order names none of them.
    #[error(
        "the key directory holds several private {0} keys, and {ORDER:?} does not say which of them signs"
    )]
    Undecided(PairAlgorithm),
    /// The one that should sign cannot.
    #[error("of the {0} key that stands first in {ORDER:?} only the public half is there")]
    PublicHalf(PairAlgorithm),
}

impl NoSigningKey {
    /// What would be right.
    pub fn expected(self) -> String {
        match self {
            Self::Missing(algorithm) => {
                format!("one (`holdfast keys generate --algorithm {algorithm}` makes it)")
            }
            Self::Undecided(_) | Self::PublicHalf(_) => {
                "one private key to be named first (`holdfast keys rotate KID` does that)".to_owned()
            }
        }
    }
}
