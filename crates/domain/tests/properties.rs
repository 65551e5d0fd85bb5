//! What holds for every input of the value types, whatever somebody sends.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use holdfast_domain::{
    SessionId, TaskId, Timestamp, TokenId, UserId,
    sessions::{Client, Lifetimes, Presented, Session},
    tasks::{Description, TITLE_LIMIT, Title, search_text},
    text::{fold, prefix},
    users::{Email, NewPassword, Password},
};
use proptest::prelude::*;
use uuid::Uuid;

fn lifetimes() -> impl Strategy<Value = Lifetimes> {
    (1..10_000_u64, 1..10_000_u64, 0..600_u64).prop_map(|(idle, absolute, reuse)| Lifetimes {
        idle: Duration::from_secs(idle),
        absolute: Duration::from_secs(absolute),
        reuse: Duration::from_secs(reuse),
    })
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(0)).unwrap_or_else(|error| panic!("{error}"))
}

proptest! {
    #[test]
    fn a_canonical_title_is_trimmed_short_and_free_of_nul(raw in "\\PC{0,300}|.{0,300}") {
        if let Ok(title) = Title::new(&raw) {
            prop_assert_eq!(title.as_str(), raw.trim());
            prop_assert!((1..=TITLE_LIMIT).contains(&title.as_str().chars().count()));
            prop_assert!(!title.as_str().contains('\0'));
            prop_assert_eq!(Title::new(title.as_str()), Ok(title.clone()), "what is valid stays valid");
        }
    }

    #[test]
    fn what_stands_in_a_task_is_found_in_any_case(title in "\\PC{0,40}", text in "\\PC{0,40}", from in 0..40_usize) {
        let (title, description) = (Title::stored(title), Description::stored(text.clone()));
        let found = search_text(&title, Some(&description));
        let part: String = text.chars().skip(from).collect();
        prop_assert!(found.contains(&fold(&part)));
        prop_assert!(found.contains(&fold(title.as_str())));
    }

    #[test]
    fn folding_twice_is_folding_once(text in "\\PC{0,60}") {
        prop_assert_eq!(fold(&fold(&text)), fold(&text));
    }

    #[test]
    fn a_prefix_is_a_prefix_of_that_length(text in ".{0,60}", count in 0..80_usize) {
        prop_assert!(text.starts_with(prefix(&text, count)));
        prop_assert_eq!(prefix(&text, count).chars().count(), count.min(text.chars().count()));
    }

    #[test]
    fn an_address_is_kept_as_typed_or_refused(raw in "\\PC{0,20}@\\PC{0,20}|.{0,40}") {
        if let Ok(email) = Email::new(raw.clone()) {
            prop_assert_eq!(email.as_str(), &raw);
            prop_assert!(raw.len() <= 254 && !raw.contains('\0') && !raw.contains(char::is_whitespace));
        }
    }

    #[test]
    fn a_password_is_accepted_exactly_as_received_or_refused(raw in "\\PC{0,300}") {
        let email = Email::stored("somebody@example.com".to_owned());
        let judged = NewPassword::new(Password::new(raw.clone()), &email);
        let length = raw.chars().count();
        prop_assert_eq!(judged.is_ok() && !(8..=256).contains(&length), false);
        if let Ok(password) = judged {
            prop_assert_eq!(password.password().expose(), &raw);
        }
    }

    #[test]
    fn a_point_in_time_survives_the_way_to_microseconds_and_back(micros in -62_135_596_800_000_000_i64..=253_402_300_799_999_999) {
        prop_assert_eq!(Timestamp::from_micros(micros).map(Timestamp::micros), Ok(micros));
    }

    #[test]
    fn moving_in_time_never_leaves_the_years_1_to_9999(micros in any::<i64>(), by in any::<u64>()) {
        if let Ok(point) = Timestamp::from_micros(micros) {
            let by = Duration::from_micros(by);
            prop_assert!(point.plus(by) >= point && point.minus(by) <= point);
            prop_assert!(Timestamp::from_datetime(point.plus(by).datetime()).is_ok());
        }
    }

    #[test]
    fn an_id_reads_what_it_writes(n in any::<u128>()) {
        let id = TaskId::new(Uuid::from_u128(n));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    /// Whatever the intervals between refreshes are: the current token rotates or the session is over, the one before it is
    /// honoured within the interval alone, and no end ever moves past the absolute one.
    #[test]
    fn a_session_keeps_its_promises_over_any_history(lifetimes in lifetimes(), pauses in prop::collection::vec(0..4_000_u64, 1..12)) {
        let (id, owner) = (SessionId::new(Uuid::from_u128(1)), UserId::new(Uuid::from_u128(2)));
        let token = |n: usize| TokenId::new(Uuid::from_u128(n as u128));
        let mut session =
            Session::begin(id, owner, token(0), "k".into(), Client::default(), lifetimes, Duration::ZERO, at(0));
        let mut now = 0;
        for (n, pause) in pauses.into_iter().enumerate() {
            now += pause;
            let current = session.present(token(n), at(now), lifetimes.reuse);
            prop_assert_eq!(current == Presented::Current, session.check(at(now)).is_ok());
            let Ok(rotation) = session.rotate(token(n + 1), "k".into(), lifetimes, at(now)) else { break };
            let Some(rotated) = session.rotated(&rotation) else { break };
            prop_assert_eq!(rotated.generation, session.generation + 1);
            prop_assert_eq!(rotated.absolute_expires_at, session.absolute_expires_at);
            prop_assert!(rotated.idle_expires_at <= rotated.absolute_expires_at);
            session = rotated;
            if session.check(at(now)).is_ok() {
                let honoured = session.present(token(n), at(now), lifetimes.reuse);
                let expected = if lifetimes.reuse.is_zero() { Presented::Reused } else { Presented::JustReplaced };
                prop_assert_eq!(honoured, expected);
                if n > 0 {
                    prop_assert_eq!(session.present(token(n - 1), at(now), lifetimes.reuse), Presented::Reused);
                }
            }
        }
    }
}
