//! Numbers that look random and are the same each time. Nothing secret may come from here.

use uuid::{Builder, Uuid};

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
pub(super) struct Draw(u64);

impl Draw {
    /// A sequence of its own for each list of numbers.
    pub(super) fn of(path: &[u64]) -> Self {
        let mut draw = Self(0);
        for number in path {
            draw.0 = draw.next() ^ number;
        }
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is small.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        // The high half is the better one; what is left of it fits.
        u32::try_from(((self.next() >> 32) * u64::from(end)) >> 32).unwrap_or_default()
    }

    /// One of a few.
    pub(super) fn one_of<T: Copy>(&mut self, few: &[T]) -> Option<T> {
        let end = u32::try_from(few.len()).ok()?;
        few.get(self.below(end) as usize).copied()
    }

    /// A UUID of version 8, whose bits mean what their maker wants (RFC 9562 §5.8).
    pub(super) fn uuid(&mut self) -> Uuid {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high);
        bytes[8..].copy_from_slice(&low);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}
