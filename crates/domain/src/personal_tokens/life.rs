//! How long a personal access token may live.

use std::time::Duration;

/// A number of days, from 1 to 366. No token lives for ever: one that nobody remembers is over some day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLife(u16);

/// The number is none of those that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of days from 1 to {}", TokenLife::LONGEST.0)]
pub struct InvalidTokenLife;

impl TokenLife {
    /// The longest: a year, and a leap one.
    pub const LONGEST: Self = Self(366);

    /// So many days.
    pub fn days(days: u64) -> Result<Self, InvalidTokenLife> {
        let days = u16::try_from(days).map_err(|_| InvalidTokenLife)?;
        if (1..=Self::LONGEST.0).contains(&days) { Ok(Self(days)) } else { Err(InvalidTokenLife) }
    }

    /// The same as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_hours(24 * u64::from(self.0))
    }
}

/// 90 days.
impl Default for TokenLife {
    fn default() -> Self {
        Self(90)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_lasts_from_a_day_to_366_and_90_when_nothing_is_said() {
        for (days, hours) in [(1, Some(24)), (366, Some(8_784)), (0, None), (367, None), (u64::MAX, None)] {
            let life = TokenLife::days(days).ok().map(|life| life.duration().as_secs() / 3_600);
            assert_eq!(life, hours, "{days}");
        }
        assert_eq!(TokenLife::days(90), Ok(TokenLife::default()));
        assert_eq!(InvalidTokenLife.to_string(), "must be a whole number of days from 1 to 366");
    }
}
