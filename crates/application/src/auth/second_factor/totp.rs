//! Codes by time: HOTP (RFC 4226 §5.3) with SHA-1 and six digits over periods of 30 s (RFC 6238), which is what every
//! authenticator app computes, and the address by which an app takes the secret.

use hmac::{Hmac, KeyInit, Mac};
use holdfast_domain::{
    second_factors::{TimeStep, TotpSecret},
    users::Email,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// Ten to the number of digits.
const CODES: u32 = 1_000_000;
/// Under which name an app lists the account.
const ISSUER: &str = "Holdfast";

/// The code of a period.
pub(super) fn code(secret: &TotpSecret, step: TimeStep) -> u32 {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104 §3)")]
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose()).expect("HMAC takes a key of any length");
    mac.update(&step.number().to_be_bytes());
    let digest: [u8; 20] = mac.finalize().into_bytes().into();
    let offset = usize::from(digest[19] & 0xf);
    let four = [digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]];
    (u32::from_be_bytes(four) & 0x7fff_ffff) % CODES
}

/// The latest of the periods that are accepted now whose code this is. How long it takes tells nothing about the codes.
pub(super) fn matching(secret: &TotpSecret, typed: u32, now: TimeStep) -> Option<TimeStep> {
    let mut latest = i64::MIN;
    for step in now.accepted() {
        let later = subtle::Choice::from(u8::from(step.number() > latest));
        let hit = code(secret, step).ct_eq(&typed) & later;
        latest.conditional_assign(&step.number(), hit);
    }
    (latest != i64::MIN).then_some(TimeStep::new(latest))
}

/// What an authenticator app reads from a picture
/// (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>).
pub(super) fn address(secret: &TotpSecret, email: &Email) -> String {
    let account = utf8_percent_encode(email.as_str(), NON_ALPHANUMERIC);
    let (secret, period) = (secret.base32(), TimeStep::SECONDS);
    format!(
        "otpauth://totp/{ISSUER}:{account}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits=6&period={period}"
    )
}

#[cfg(test)]
mod tests {
    use holdfast_domain::Timestamp;

    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn step(seconds: i64) -> TimeStep {
        TimeStep::at(Timestamp::from_seconds(seconds).unwrap())
    }

    #[test]
    fn the_vectors_of_the_rfcs_come_out() {
        // RFC 6238, appendix B: the last six of its eight digits.
        for (seconds, expected) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(code(&secret(), step(seconds)), expected, "{seconds}");
        }
        // RFC 4226, appendix D.
        let counted = (0..10).map(|counter| code(&secret(), TimeStep::new(counter)));
        let expected =
            [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        assert_eq!(counted.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_code_is_good_for_its_period_and_one_on_either_side() {
        let now = step(1_234_567_890);
        for apart in -3..=3 {
            let step = TimeStep::new(now.number() + apart);
            let found = matching(&secret(), code(&secret(), step), now);
            assert_eq!(found, (apart.abs() <= 1).then_some(step), "{apart}");
        }
        assert_eq!(matching(&secret(), CODES, now), None);
    }

    #[test]
    fn the_address_tells_apps_all_that_they_need() {
        let email = Email::new("ada+1@example.com".to_owned()).unwrap();
        assert_eq!(
            address(&secret(), &email),
            "otpauth://totp/Holdfast:ada%2B1%40example%2Ecom?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Holdfast&algorithm=SHA1&digits=6&period=30"
        );
    }
}
