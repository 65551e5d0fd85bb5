//! Claims and lifetimes of tokens and sessions, with the secrets that `signing_secret` chose and judged and the key pairs that
//! `signing_keys` found. Signing is the infrastructure crate's.

use std::path::Path;
use std::time::Duration;

use validator::{Validate, ValidationError};

use super::describe::Effective;
use super::legacy_tokens::LegacyTokenSettings;
use super::reader::Reader;
use super::revocation::Revocation;
use super::secret::{REDACTED, Secret};
use super::signing_keys::KeySettings;
use super::signing_secret::{self, SecretSource};
use super::strictness::Strictness;

/// Tokens and sessions.
#[derive(Debug, Clone, Validate)]
#[validate(schema(function = "sessions_end_after_they_idle", skip_on_field_errors = false))]
pub struct AuthSettings {
    /// Key pairs, and whether one of them signs.
    pub keys: KeySettings,
    /// What signs, where no key pair does; it verifies in any case.
    pub secret: SecretSource,
    /// What verifies besides.
    pub previous_secrets: Vec<Secret>,
    /// The `iss` claim.
    #[validate(length(min = 1, max = 255, code = "JWT_ISSUER"))]
    pub issuer: String,
    /// The `aud` claim.
    #[validate(length(min = 1, max = 255, code = "JWT_AUDIENCE"))]
    pub audience: String,
    /// 1–60.
    #[validate(range(min = 1, max = 60, code = "ACCESS_TOKEN_MINUTES"))]
    pub access_token_minutes: u32,
    /// 1–365.
    #[validate(range(min = 1, max = 365, code = "REFRESH_TOKEN_IDLE_DAYS"))]
    pub refresh_token_idle_days: u32,
    /// 1–365, not below the idle days.
    #[validate(range(min = 1, max = 365, code = "REFRESH_TOKEN_MAX_DAYS"))]
    pub refresh_token_max_days: u32,
    /// 0–600.
    #[validate(range(max = 600, code = "REFRESH_REUSE_SECONDS"))]
    pub refresh_reuse_seconds: u32,
    /// 1–720.
    #[validate(range(min = 1, max = 720, code = "JWT_EXPIRATION_DELTA_HOURS"))]
    pub compatibility_token_hours: u32,
    /// Tokens that the FastAPI backend issued.
    pub legacy: LegacyTokenSettings,
    /// How tokens of sessions that ended are refused.
    pub revocation: Revocation,
    signed_by: &'static str,
}

fn sessions_end_after_they_idle(section: &AuthSettings) -> Result<(), ValidationError> {
    let (idle, max) = (section.refresh_token_idle_days, section.refresh_token_max_days);
    if max >= idle {
        return Ok(());
    }
    let message = format!("{max} days are less than REFRESH_TOKEN_IDLE_DAYS, which is {idle}");
    let mut error = ValidationError::new("REFRESH_TOKEN_MAX_DAYS").with_message(message.into());
    error.add_param("expected".into(), &"at least REFRESH_TOKEN_IDLE_DAYS");
    Err(error)
}

impl AuthSettings {
    pub(super) fn read(reader: &mut Reader, directory: &Path, strictness: &Strictness) -> Self {
        let keys = KeySettings::read(reader, directory);
        let (signed_by, secret) =
            signing_secret::choose(reader, directory, strictness, keys.algorithm.is_some());
        let previous_secrets =
            signing_secret::previous(reader, "JWT_PREVIOUS_SECRETS", secret.given(), strictness);
        let section = Self {
            keys,
            secret,
            previous_secrets,
            issuer: reader.text("JWT_ISSUER"),
            audience: reader.text("JWT_AUDIENCE"),
            access_token_minutes: reader.number("ACCESS_TOKEN_MINUTES"),
            refresh_token_idle_days: reader.number("REFRESH_TOKEN_IDLE_DAYS"),
            refresh_token_max_days: reader.number("REFRESH_TOKEN_MAX_DAYS"),
            refresh_reuse_seconds: reader.number("REFRESH_REUSE_SECONDS"),
            compatibility_token_hours: reader.number("JWT_EXPIRATION_DELTA_HOURS"),
            legacy: LegacyTokenSettings::read(reader, signed_by == "BETTER_AUTH_SECRET"),
            revocation: reader.word("REVOCATION", Revocation::parse),
            signed_by,
        };
        reader.check(&section);
        section
    }

    /// These settings with the keys of `new`.
    pub(super) fn with_keys_of(&self, new: &Self) -> Self {
        Self {
            keys: new.keys.clone(),
            secret: new.secret.clone(),
            previous_secrets: new.previous_secrets.clone(),
            legacy: new.legacy.clone(),
            signed_by: new.signed_by,
            ..self.clone()
        }
    }

    /// How long an access token lives.
    pub fn access_token_lifetime(&self) -> Duration {
        Duration::from_mins(self.access_token_minutes.into())
    }

    /// After how long without a refresh a session ends.
    pub fn session_idle(&self) -> Duration {
        days(self.refresh_token_idle_days)
    }

    /// After how long a session ends in any case.
    pub fn session_maximum(&self) -> Duration {
        days(self.refresh_token_max_days)
    }

    /// How long the token before the current one still gets the same successor.
    pub fn refresh_reuse(&self) -> Duration {
        Duration::from_secs(self.refresh_reuse_seconds.into())
    }

    /// How long `data.token` of sign-up and sign-in lives.
    pub fn compatibility_token_lifetime(&self) -> Duration {
        Duration::from_hours(self.compatibility_token_hours.into())
    }

    pub(super) fn effective(&self) -> Effective {
        let Self {
            keys,
            secret,
            previous_secrets,
            issuer,
            audience,
            access_token_minutes,
            refresh_token_idle_days,
            refresh_token_max_days,
            refresh_reuse_seconds,
            compatibility_token_hours,
            legacy,
            revocation,
            signed_by,
        } = self;
        let signing = |name| (*signed_by == name).then(|| REDACTED.to_owned());
        let own = match secret {
            SecretSource::Given(_) => signing("JWT_SECRET"),
            SecretSource::Generated { path } => Some(format!("generated in {}", path.display())),
            SecretSource::Unneeded => None,
        };
        let previous = vec![REDACTED; previous_secrets.len()];
        let verifying = legacy.secret.as_ref().map(|_| REDACTED.to_owned());
        let mut effective = vec![
            ("JWT_SECRET", own),
            ("JWT_PREVIOUS_SECRETS", super::describe::list(&previous)),
            ("BETTER_AUTH_SECRET", signing("BETTER_AUTH_SECRET").or(verifying)),
            ("JWT_ISSUER", Some(issuer.clone())),
            ("JWT_AUDIENCE", Some(audience.clone())),
            ("ACCESS_TOKEN_MINUTES", Some(access_token_minutes.to_string())),
            ("REFRESH_TOKEN_IDLE_DAYS", Some(refresh_token_idle_days.to_string())),
            ("REFRESH_TOKEN_MAX_DAYS", Some(refresh_token_max_days.to_string())),
            ("REFRESH_REUSE_SECONDS", Some(refresh_reuse_seconds.to_string())),
            ("JWT_EXPIRATION_DELTA_HOURS", Some(compatibility_token_hours.to_string())),
            ("REVOCATION", Some(revocation.as_str().to_owned())),
        ];
        effective.extend(keys.effective());
        effective.extend(legacy.effective());
        effective
    }
}

fn days(count: u32) -> Duration {
    Duration::from_hours(24 * u64::from(count))
}
