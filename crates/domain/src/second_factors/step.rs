//! The clock of codes by time.

use crate::Timestamp;

/// The number of whole periods of 30 s since 1970 (RFC 6238 §4.2, T). Each has one code, and a larger number is a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeStep(i64);

impl TimeStep {
    /// How long one code is shown, in seconds (RFC 6238 §4.1, X).
    pub const SECONDS: i64 = 30;

    /// The period that is running at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(at.seconds().div_euclid(Self::SECONDS))
    }

    /// The period with this number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number, which is the moving factor of the code.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The periods whose codes are accepted while this one runs: its own, the one before for whoever types slowly, and the
    /// next one for clocks that run ahead (RFC 6238 §5.2 advises one period at most).
    pub const fn accepted(self) -> [Self; 3] {
        [self, Self(self.0 - 1), Self(self.0 + 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_lasts_thirty_seconds_and_is_accepted_for_ninety() {
        let at = |seconds| TimeStep::at(Timestamp::from_seconds(seconds).unwrap());
        assert_eq!((at(0), at(29), at(30), at(-1)), (TimeStep(0), TimeStep(0), TimeStep(1), TimeStep(-1)));
        // RFC 6238, appendix B.
        assert_eq!(at(1_111_111_109).number(), 0x0000_0000_0235_23EC);
        assert_eq!(at(20_000_000_000).number(), 0x0000_0000_27BC_86AA);
        let accepted = |seconds| at(seconds).accepted().contains(&TimeStep(2));
        assert_eq!([29, 30, 119, 120].map(accepted), [false, true, true, false]);
    }
}
