//! bcrypt hashes as passlib wrote them, `$2b$12$` and 53 characters: read and compared, never made.

use ::bcrypt::bcrypt;
use base64::{
    Engine,
    alphabet::BCRYPT,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// bcrypt knows no more of a password; passlib and the library beneath it cut there in silence, also in the middle of
/// a character.
const LONGEST: usize = 72;
/// Twice as much work for each step: 4 is the least that bcrypt knows, 12 what passlib chose. A row that asks for more
/// than 15 (about two seconds) was written by nobody we know, and could block a slot for hours.
const COSTS: std::ops::RangeInclusive<u32> = 4..=15;
const SALT_CHARACTERS: usize = 22;
const DIGEST_BYTES: usize = 23;
/// 22 characters carry 132 bits for a salt of 128. Early versions of passlib left stray ones in the last four, which
/// every implementation passes over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A bcrypt hash, taken apart.
#[derive(Clone)]
pub(super) struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; DIGEST_BYTES],
}

impl Bcrypt {
    /// None unless it is 60 characters of a known version and a bearable cost. Version `2x` marks hashes of a faulty
    /// implementation that never ran in Python.
    pub(super) fn read(text: &str) -> Option<Self> {
        let rest = ["$2b$", "$2a$", "$2y$"].into_iter().find_map(|version| text.strip_prefix(version))?;
        let (cost, rest) = rest.split_once('$')?;
        let digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        let cost = cost.parse().ok().filter(|cost| digits && COSTS.contains(cost))?;
        let (salt, digest) = rest.split_at_checked(SALT_CHARACTERS)?;
        Some(Self {
            cost,
            salt: BASE64.decode(salt).ok()?.try_into().ok()?,
            digest: BASE64.decode(digest).ok()?.try_into().ok()?,
        })
    }

    /// Compares in constant time. None, without any work, for a password with a NUL: passlib refused those, so that no
    /// stored hash is of one, and C implementations would take the NUL for its end.
    pub(super) fn fits(&self, password: &[u8]) -> Option<bool> {
        let Self { cost, salt, digest } = self;
        if password.contains(&0) {
            return None;
        }
        // The NUL at its end is part of what is hashed, where there is room for it.
        let mut key = Zeroizing::new([0; LONGEST]);
        let length = password.len().min(LONGEST);
        key.get_mut(..length)?.copy_from_slice(password.get(..length)?);
        let made = bcrypt(*cost, *salt, key.get(..LONGEST.min(length + 1))?);
        Some(made.get(..DIGEST_BYTES)?.ct_eq(digest).into())
    }
}
