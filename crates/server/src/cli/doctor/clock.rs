//! Whether the clocks agree: of this machine, of the database, and of whoever wrote the newest row; and what housekeeping left.
//!
//! Servers learn of sessions that ended elsewhere by the time at which they ended, and tokens are judged with a leeway of 30 s.

use std::time::Duration;

use holdfast_application::{domain::Timestamp, ports::Clock as _};
use holdfast_infrastructure::{
    clock::SystemClock,
    database::{EngineFacts, Examination},
};

use super::finding::Finding;

const CHECK: &str = "clock";
const MEND: &str = "synchronise the clocks (chrony, systemd-timesyncd), on the database's machine as well";
/// A difference that is told, and one that makes tokens of one machine useless on another.
const NOTICEABLE: Duration = Duration::from_secs(1);
const HARMFUL: Duration = Duration::from_secs(20);

pub(super) fn findings(examination: &Examination) -> Vec<Finding> {
    let now = SystemClock.now();
    let mut findings = Vec::new();
    if let EngineFacts::Postgres(facts) = &examination.engine {
        findings.push(against_database(facts.clock_ahead_micros));
    }
    findings.extend(examination.newest_row.and_then(|newest| against_newest_row(newest, now)));
    findings.extend(examination.housekeeping_until.map(|until| housekeeping(until, now)));
    findings
}

fn against_database(ahead_micros: i64) -> Finding {
    let apart = Duration::from_micros(ahead_micros.unsigned_abs());
    let way = if ahead_micros < 0 { "behind" } else { "ahead of" };
    let what = format!("the database's clock is {:.3} s {way} this machine's", apart.as_secs_f64());
    if apart >= HARMFUL {
        Finding::failure(CHECK, what, MEND)
    } else if apart >= NOTICEABLE {
        Finding::warning(CHECK, what, MEND)
    } else {
        Finding::ok(CHECK, what)
    }
}

/// Only a row of the future tells something.
fn against_newest_row(newest: Timestamp, now: Timestamp) -> Option<Finding> {
    let ahead = (newest > now).then(|| newest.since(now)).filter(|ahead| *ahead >= NOTICEABLE)?;
    let what = format!("the newest row was written {:.1} s in the future", ahead.as_secs_f64());
    Some(Finding::warning(
        CHECK,
        what,
        "the clock of a server is fast, or this one is slow: synchronise them",
    ))
}

/// The lease is held by whichever server removes what is over.
fn housekeeping(until: Timestamp, now: Timestamp) -> Finding {
    const CHECK: &str = "housekeeping";
    if until > now {
        return Finding::ok(CHECK, format!("a server does it; its lease lasts until {until}"));
    }
    Finding::ok(CHECK, format!("no server does it at the moment; the last lease was over at {until}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(finding: &Finding) -> String {
        serde_json::to_value(finding).map(|value| value["state"].to_string()).unwrap_or_default()
    }

    #[test]
    fn clocks_that_are_apart_are_told_in_either_direction() {
        for (seconds, expected) in
            [(0.0, "ok"), (0.9, "ok"), (1.5, "warning"), (19.0, "warning"), (21.0, "failure")]
        {
            for sign in [1.0, -1.0] {
                #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
                let micros = (sign * seconds * 1_000_000.0) as i64;
                assert_eq!(state(&against_database(micros)), format!("{expected:?}"), "{micros}");
            }
        }
    }
}
