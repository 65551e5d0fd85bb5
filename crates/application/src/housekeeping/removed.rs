//! How many rows were removed, of each kind.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use super::Kind;

/// Numbers of rows by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed([u64; Kind::ALL.len()]);

impl Removed {
    /// How many of this kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(super) fn add(&mut self, kind: Kind, rows: u64) {
        self.0[kind as usize] += rows;
    }
}

/// As `sessions=3 history=1`: those kinds alone of which there were any.
impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = Kind::ALL.into_iter().filter(|kind| self.of(*kind) > 0);
        for (n, kind) in some.enumerate() {
            let gap = if n == 0 { "" } else { " " };
            write!(f, "{gap}{}={}", kind.name(), self.of(kind))?;
        }
        Ok(())
    }
}

/// The numbers since the process began, for whoever shows metrics.
#[derive(Debug, Default)]
pub(super) struct Totals([AtomicU64; Kind::ALL.len()]);

impl Totals {
    pub(super) fn add(&self, kind: Kind, rows: u64) {
        self.0[kind as usize].fetch_add(rows, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Removed {
        Removed(std::array::from_fn(|kind| self.0[kind].load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_place_of_its_own() {
        let mut removed = Removed::default();
        assert_eq!((removed.total(), removed.to_string()), (0, String::new()));
        for (n, kind) in (1..).zip(Kind::ALL) {
            removed.add(kind, n);
        }
        for (n, kind) in (1..).zip(Kind::ALL) {
            assert_eq!(removed.of(kind), n);
        }
        assert_eq!(removed.total(), 28);
        assert!(removed.to_string().starts_with("sessions=1 denied_tokens=2 links=3 "), "{removed}");
    }
}
