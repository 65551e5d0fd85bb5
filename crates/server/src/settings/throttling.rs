//! How fast clients may try: buckets per client address, and how failures slow further attempts at a password down. What
//! counts them is the web and application crates'.

use std::time::Duration;

use holdfast_application::domain::throttle::{Backoff, Limits};
use holdfast_web::{Allowance, RateLimit};
use validator::{Validate, ValidationError};

use super::describe::Effective;
use super::environment::Environment;
use super::reader::Reader;

/// The limits of the throttle. None of them can be set to nothing: only the switch turns it off.
#[derive(Debug, Clone, Validate)]
#[validate(schema(function = "the_longest_wait_is_the_longest", skip_on_field_errors = false))]
pub struct ThrottlingSettings {
    /// Whether anything waits.
    pub on: bool,
    /// Requests at once, 1–1000.
    #[validate(range(min = 1, max = 1_000, code = "RATE_LIMIT_SIGN_IN_BURST"))]
    pub sign_in_burst: u32,
    /// 1–1000.
    #[validate(range(min = 1, max = 1_000, code = "RATE_LIMIT_SIGN_IN_PER_MINUTE"))]
    pub sign_in_per_minute: u32,
    /// 1–1000; as many at once.
    #[validate(range(min = 1, max = 1_000, code = "RATE_LIMIT_REFRESH_PER_MINUTE"))]
    pub refresh_per_minute: u32,
    /// Failures, 1–100.
    #[validate(range(min = 1, max = 100, code = "RATE_LIMIT_NETWORK_FAILURES"))]
    pub network_failures: u32,
    /// Seconds, 1–3600.
    #[validate(range(min = 1, max = LONGEST, code = "RATE_LIMIT_NETWORK_DELAY"))]
    pub network_delay_seconds: u32,
    /// Failures a day, 1–10000.
    #[validate(range(min = 1, max = 10_000, code = "RATE_LIMIT_ACCOUNT_FAILURES"))]
    pub account_failures: u32,
    /// Seconds, 1–3600.
    #[validate(range(min = 1, max = LONGEST, code = "RATE_LIMIT_ACCOUNT_DELAY"))]
    pub account_delay_seconds: u32,
    /// Seconds, 1–3600, not below the two delays.
    #[validate(range(min = 1, max = LONGEST, code = "RATE_LIMIT_MAX_DELAY"))]
    pub max_delay_seconds: u32,
}

/// No wait may be longer, in seconds: nobody is locked out.
const LONGEST: u32 = 3_600;

fn the_longest_wait_is_the_longest(section: &ThrottlingSettings) -> Result<(), ValidationError> {
    // One that is out of range is told as that.
    let waits = [section.network_delay_seconds, section.account_delay_seconds];
    let first = waits.into_iter().filter(|wait| *wait <= LONGEST).max().unwrap_or_default();
    let longest = section.max_delay_seconds;
    if longest >= first {
        return Ok(());
    }
    let message = format!("{longest} s are less than a first wait of {first} s");
    let mut error = ValidationError::new("RATE_LIMIT_MAX_DELAY").with_message(message.into());
    error.add_param("expected".into(), &"at least RATE_LIMIT_NETWORK_DELAY and RATE_LIMIT_ACCOUNT_DELAY");
    Err(error)
}

impl ThrottlingSettings {
    pub(super) fn read(reader: &mut Reader, environment: Environment) -> Self {
        let section = Self {
            on: reader.boolean("RATE_LIMIT"),
            sign_in_burst: reader.number("RATE_LIMIT_SIGN_IN_BURST"),
            sign_in_per_minute: reader.number("RATE_LIMIT_SIGN_IN_PER_MINUTE"),
            refresh_per_minute: reader.number("RATE_LIMIT_REFRESH_PER_MINUTE"),
            network_failures: reader.number("RATE_LIMIT_NETWORK_FAILURES"),
            network_delay_seconds: reader.seconds("RATE_LIMIT_NETWORK_DELAY"),
            account_failures: reader.number("RATE_LIMIT_ACCOUNT_FAILURES"),
            account_delay_seconds: reader.seconds("RATE_LIMIT_ACCOUNT_DELAY"),
            max_delay_seconds: reader.seconds("RATE_LIMIT_MAX_DELAY"),
        };
        reader.check(&section);
        match (section.on, environment.is_strict()) {
            (true, _) => {}
            (false, true) => reader.fault_expecting(
                "RATE_LIMIT",
                format!("is off in {}", environment.as_str()),
                "on (off is for load tests in development)",
            ),
            (false, false) => reader
                .warn("RATE_LIMIT", "is off: nothing is throttled, passwords can be guessed without delay"),
        }
        section
    }

    /// The buckets per client address.
    pub fn buckets(&self) -> RateLimit {
        if !self.on {
            return RateLimit::Off;
        }
        RateLimit::On {
            sign_in: Allowance::per_minute(self.sign_in_burst, self.sign_in_per_minute),
            refresh: Allowance::per_minute(self.refresh_per_minute, self.refresh_per_minute),
        }
    }

    /// How failures slow further attempts at a password down; nothing when throttling is off.
    pub fn limits(&self) -> Option<Limits> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let backoff = |free, first| Backoff::new(free, seconds(first), seconds(self.max_delay_seconds));
        self.on.then(|| Limits {
            network: backoff(self.network_failures, self.network_delay_seconds),
            account: backoff(self.account_failures, self.account_delay_seconds),
        })
    }

    pub(super) fn effective(&self) -> Effective {
        let Self {
            on,
            sign_in_burst,
            sign_in_per_minute,
            refresh_per_minute,
            network_failures,
            network_delay_seconds,
            account_failures,
            account_delay_seconds,
            max_delay_seconds,
        } = self;
        let mut effective = vec![("RATE_LIMIT", Some(if *on { "on" } else { "off" }.to_owned()))];
        let numbers = [
            ("RATE_LIMIT_SIGN_IN_BURST", sign_in_burst),
            ("RATE_LIMIT_SIGN_IN_PER_MINUTE", sign_in_per_minute),
            ("RATE_LIMIT_REFRESH_PER_MINUTE", refresh_per_minute),
            ("RATE_LIMIT_NETWORK_FAILURES", network_failures),
            ("RATE_LIMIT_NETWORK_DELAY", network_delay_seconds),
            ("RATE_LIMIT_ACCOUNT_FAILURES", account_failures),
            ("RATE_LIMIT_ACCOUNT_DELAY", account_delay_seconds),
            ("RATE_LIMIT_MAX_DELAY", max_delay_seconds),
        ];
        effective.extend(numbers.map(|(name, number)| (name, Some(number.to_string()))));
        effective
    }
}
