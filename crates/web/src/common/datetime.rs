//! Points in time as text: RFC 3339, or the same without a zone, which is read as UTC.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use holdfast_application::domain::Timestamp;

/// Reads `YYYY-MM-DD`, then `T`, `t` or a space, then `hh:mm` with or without seconds and a fraction, then `Z`, `z`,
/// `±hh:mm` or nothing. Digits beyond the microsecond are cut; 24:00, leap seconds and years outside 1–9999 (after
/// conversion to UTC, too) are refused.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date_text, rest) = text.split_at_checked(10)?;
    let date = date(date_text)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (&rest[..at], offset(&rest[at..])?),
        None => (rest, TimeDelta::zero()),
    };
    let local = NaiveDateTime::new(date, time(clock)?);
    let utc: DateTime<Utc> = local.checked_sub_signed(offset)?.and_utc();
    Timestamp::from_datetime(utc).ok()
}

/// `YYYY-MM-DD` of the years 1–9999.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = parts(text, '-', [4, 2, 2])?;
    let year = i32::try_from(year).ok().filter(|year| *year > 0)?;
    NaiveDate::from_ymd_opt(year, month, day)
}

fn time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let [hour, minute, second] = match (parts(clock, ':', [2, 2, 2]), fraction) {
        (Some(parts), _) => parts,
        (None, None) => {
            let [hour, minute] = parts(clock, ':', [2, 2])?;
            [hour, minute, 0]
        }
        (None, Some(_)) => return None,
    };
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros(fraction)?)
}

fn micros(fraction: Option<&str>) -> Option<u32> {
    let Some(fraction) = fraction else { return Some(0) };
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let padded = format!("{fraction:0<6}");
    if digits { padded.get(..6)?.parse().ok() } else { None }
}

/// `Z` or `±hh:mm`, at most a day.
fn offset(text: &str) -> Option<TimeDelta> {
    if text == "Z" || text == "z" {
        return Some(TimeDelta::zero());
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let [hours, minutes] = parts(rest, ':', [2, 2])?;
    let seconds = i32::try_from((hours * 60 + minutes) * 60).ok().filter(|_| minutes < 60)?;
    let zone = FixedOffset::east_opt(sign * seconds)?;
    Some(TimeDelta::seconds(zone.local_minus_utc().into()))
}

/// Numbers of exactly these widths, between separators.
fn parts<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[u32; N]> {
    let mut numbers = [0; N];
    let mut found = text.split(separator);
    for (number, width) in numbers.iter_mut().zip(widths) {
        let digits = found.next().filter(|part| part.len() == width)?;
        *number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    }
    found.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zones_are_converted_and_no_zone_is_utc() {
        for (text, expected) in [
            ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"),
            ("2026-03-01t10:00:00z", "2026-03-01T10:00:00Z"),
            ("2026-03-01 10:00", "2026-03-01T10:00:00Z"),
            ("2026-03-01T10:00:00.5", "2026-03-01T10:00:00.500000Z"),
            ("2026-03-01T10:00:00.123456789+02:00", "2026-03-01T08:00:00.123456Z"),
            ("2026-03-01T00:00-05:30", "2026-03-01T05:30:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T",
            "2026-03-01T10",
            "2026-03-01T10Z",
            "20260301T100000Z",
            "2026-3-1T10:00:00Z",
            "2026-02-30T10:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T23:59:60Z",
            "2026-03-01T10:00:00.Z",
            "2026-03-01T10:00.5Z",
            "2026-03-01T10:00:00+2:00",
            "2026-03-01T10:00:00+24:00",
            "2026-03-01T10:00:00+0200",
            "2026-03-01T10:00:00 Z",
            "2026-03-01X10:00:00Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "٢026-03-01T10:00:00Z",
            "1700000000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn near_misses_do_not_make_it_panic(text in "[0-9]{2,4}-[0-9]{1,2}-[0-9]{1,2}[Tt ][0-9:.]{0,16}[Zz+0-9:-]{0,7}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_goes_out_comes_back_in(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let at = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(parse(&at.to_string()), Some(at));
        }
    }
}
