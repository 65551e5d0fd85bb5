//! Tokens that the FastAPI backend issued: what verifies them, and until when. Which secret signs our own is decided in
//! `signing_secret`.

use chrono::DateTime;
use holdfast_application::domain::Timestamp;

use super::describe::Effective;
use super::fault::quoted;
use super::reader::Reader;
use super::secret::Secret;
use super::signing_secret::{Weakness, weakness};
use super::variables;

const SECRET: &str = "BETTER_AUTH_SECRET";
const UNTIL: &str = "LEGACY_TOKENS_UNTIL";

/// Whether and how tokens of the FastAPI backend are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyTokenSettings {
    /// What verifies them; none where it is not set or can be guessed.
    pub secret: Option<Secret>,
    /// Until when they are accepted; absent where the adoption decides.
    pub until: Option<Timestamp>,
}

impl LegacyTokenSettings {
    /// `signs` says whether the FastAPI backend's secret signs our own tokens as well; it is judged for that elsewhere.
    pub(super) fn read(reader: &mut Reader, signs: bool) -> Self {
        let given = reader.set(SECRET).map(|entry| Secret::new(entry.value.clone()));
        let until = reader.parse(UNTIL, |text| {
            let at = DateTime::parse_from_rfc3339(text).ok();
            let at = at.and_then(|at| Timestamp::from_datetime(at.to_utc()).ok());
            at.ok_or_else(|| format!("{} is not a date and time with its offset", quoted(text)))
        });
        if until.is_some() && given.is_none() && !reader.is_unread(SECRET) {
            let problem = format!("is set, but there is no {SECRET} to verify such tokens with");
            reader.fault_expecting(UNTIL, problem, format!("{SECRET} as the FastAPI backend had it"));
        }
        Self { secret: given.filter(|secret| accept(reader, secret, signs)), until }
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { secret: _, until } = self;
        let until = until.map(|at| at.to_string());
        let computed = || variables::find(UNTIL).map(|variable| variable.default_text().to_owned());
        vec![(UNTIL, until.or_else(computed))]
    }
}

/// Nobody may forge a token with a secret that is published; a short one is what the field has, and its tokens are
/// over soon.
fn accept(reader: &mut Reader, secret: &Secret, signs: bool) -> bool {
    match weakness(secret.text()) {
        Some(Weakness::Short { .. }) if signs => true,
        Some(weakness @ Weakness::Short { .. }) => {
            let message = format!(
                "{weakness}; it verifies tokens of the FastAPI backend and nothing else. Remove it when they are over"
            );
            reader.warn(SECRET, message);
            true
        }
        Some(weakness @ (Weakness::Published | Weakness::Repeated)) => {
            let message = format!(
                "{weakness}: no token of the FastAPI backend is accepted, because anybody could forge one"
            );
            reader.warn(SECRET, message);
            false
        }
        None => true,
    }
}
