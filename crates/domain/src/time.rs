//! Points in time: UTC, whole microseconds, years 1 to 9999. Reading the clock is a port of the application layer.

use std::{fmt, time::Duration};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, Utc};

/// A point in time in UTC, with microseconds as its smallest step (what PostgreSQL keeps), in the years 1 to 9999
/// (what RFC 3339 can write).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

/// The point lies outside the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lies outside the years 1 to 9999")]
pub struct OutOfRange;

impl Timestamp {
    /// Digits beyond the microsecond are cut, not rounded.
    pub fn from_datetime(at: DateTime<Utc>) -> Result<Self, OutOfRange> {
        if (1..=9999).contains(&at.year()) { Ok(Self(at.trunc_subsecs(6))) } else { Err(OutOfRange) }
    }

    /// Microseconds since 1970-01-01T00:00:00Z; negative before it.
    pub fn from_micros(micros: i64) -> Result<Self, OutOfRange> {
        DateTime::from_timestamp_micros(micros).ok_or(OutOfRange).and_then(Self::from_datetime)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, the `NumericDate` of RFC 7519.
    pub fn from_seconds(seconds: i64) -> Result<Self, OutOfRange> {
        DateTime::from_timestamp(seconds, 0).ok_or(OutOfRange).and_then(Self::from_datetime)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// The same point as a `chrono` value, for adapters that format or store it.
    pub fn datetime(self) -> DateTime<Utc> {
        self.0
    }

    /// This point moved forward; the end of the year 9999 at most.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let moved = chrono::Duration::from_std(by).ok().and_then(|by| self.0.checked_add_signed(by));
        moved.and_then(|at| Self::from_datetime(at).ok()).unwrap_or(Self::last())
    }

    /// This point moved back; the first day of the year 1 at least.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let moved = chrono::Duration::from_std(by).ok().and_then(|by| self.0.checked_sub_signed(by));
        moved.and_then(|at| Self::from_datetime(at).ok()).unwrap_or(Self::first())
    }

    /// How long `earlier` is ago as seen from here; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or(Duration::ZERO)
    }

    fn first() -> Self {
        Self(NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN).and_utc())
    }

    fn last() -> Self {
        let midnight: NaiveDateTime =
            NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default().and_time(NaiveTime::MIN);
        Self(midnight.and_utc() + chrono::Duration::microseconds(86_400_000_000 - 1))
    }
}

/// RFC 3339 with `Z`; six fraction digits, or none when they are all zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = if self.0.timestamp_subsec_micros() == 0 {
            "%Y-%m-%dT%H:%M:%SZ"
        } else {
            "%Y-%m-%dT%H:%M:%S%.6fZ"
        };
        self.0.format(pattern).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_cut_to_microseconds() {
        let at = DateTime::from_timestamp(1, 999_999_999).unwrap();
        assert_eq!(Timestamp::from_datetime(at).unwrap().micros(), 1_999_999);
    }

    #[test]
    fn years_one_and_9999_are_the_edges() {
        assert_eq!(Timestamp::first().to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::last().to_string(), "9999-12-31T23:59:59.999999Z");
        assert!(Timestamp::from_micros(Timestamp::last().micros() + 1).is_err());
        assert!(Timestamp::from_micros(Timestamp::first().micros() - 1).is_err());
        assert_eq!(Timestamp::last().plus(Duration::from_secs(1)), Timestamp::last());
        assert_eq!(Timestamp::first().minus(Duration::MAX), Timestamp::first());
    }

    #[test]
    fn a_point_ahead_is_zero_time_ago() {
        let now = Timestamp::from_seconds(100).unwrap();
        assert_eq!(now.since(now.plus(Duration::from_secs(5))), Duration::ZERO);
        assert_eq!(now.plus(Duration::from_secs(5)).since(now), Duration::from_secs(5));
    }
}
