//! The wall clock of the machine. Nothing else in the workspace reads it for a decision.

use std::time::SystemTime;

use holdfast_application::{domain::Timestamp, ports::Clock};

/// The operating system's wall clock, which NTP keeps right and may move in either direction.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// The time, cut to whole microseconds. A clock set beyond the years 1 to 9999 stops at their edge.
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that implements the port")]
    #[expect(clippy::expect_used, reason = "1970 always lies within the years 1 to 9999")]
    fn now(&self) -> Timestamp {
        let epoch = Timestamp::from_seconds(0).expect("1970 is a valid year");
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => epoch.plus(after),
            Err(before) => epoch.minus(before.duration()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_lies_in_this_century_and_moves() {
        let first = SystemClock.now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let second = SystemClock.now();
        assert!(first.seconds() > 1_700_000_000 && first.seconds() < 4_102_444_800, "{first}");
        assert!(second > first, "{first} then {second}");
    }
}
