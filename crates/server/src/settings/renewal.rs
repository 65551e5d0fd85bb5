//! How settings change while the server runs: what differs between two of them, and what of that takes effect without a restart.
//! Which variables do is the catalogue's to say; putting them into effect is `reload`'s, outside of the settings.

use std::fmt;

use super::Settings;
use super::variables::{ALL, RELOADED, Variable};

const KEYS: &str = "JWT_KEY_DIRECTORY";
/// These take effect while mail stays on: whether there is any is decided at the start.
const MAIL: [&str; 2] = ["SMTP_URL", "MAIL_FROM"];

/// One variable whose value is another now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The variable.
    pub variable: &'static str,
    /// Whether it takes effect without a restart.
    pub reloaded: bool,
    how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    /// As it is shown, before and after.
    Shown(String, String),
    /// A secret, of which no more can be told.
    Secret(&'static str),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, reloaded: _, how } = self;
        match how {
            How::Shown(old, new) => write!(f, "{variable}: {old} → {new}"),
            How::Secret(what) => write!(f, "{variable}: {what}"),
        }
    }
}

impl Settings {
    /// What is different in `new`, in the order of the documentation.
    pub fn changes(&self, new: &Self) -> Vec<Change> {
        ALL.iter().filter_map(|variable| self.change(new, variable)).collect()
    }

    /// These settings with everything of `new` that takes effect without a restart.
    #[must_use]
    pub fn renewed(&self, new: &Self) -> Self {
        let mut renewed = self.clone();
        renewed.http.allowed_origins.clone_from(&new.http.allowed_origins);
        renewed.http.trusted_proxies.clone_from(&new.http.trusted_proxies);
        renewed.telemetry.level = new.telemetry.level;
        renewed.auth = self.auth.with_keys_of(&new.auth);
        renewed.encryption = new.encryption.clone();
        renewed.passwords = new.passwords.clone();
        if self.mail.is_on() == new.mail.is_on() {
            renewed.mail = new.mail.with_site_of(&self.mail);
        }
        renewed.throttling = new.throttling.clone();
        let reloaded: Vec<_> = RELOADED.iter().copied().filter(|name| self.takes_over(new, name)).collect();
        renewed.description = self.description.with(&reloaded, &new.description);
        renewed
    }

    fn takes_over(&self, new: &Self, variable: &str) -> bool {
        RELOADED.contains(&variable) && (!MAIL.contains(&variable) || self.mail.is_on() == new.mail.is_on())
    }

    fn change(&self, new: &Self, variable: &Variable) -> Option<Change> {
        let name = variable.name;
        let how = if variable.is_secret() {
            match (self.description.secret(name), new.description.secret(name)) {
                (old, new) if old == new => return None,
                (None, _) => How::Secret("set"),
                (Some(_), None) => How::Secret("removed"),
                (Some(_), Some(_)) => How::Secret("changed"),
            }
        } else {
            let [old, new] = [self, new].map(|settings| settings.shown(name));
            if old == new {
                return None;
            }
            How::Shown(old, new)
        };
        Some(Change { variable: name, reloaded: self.takes_over(new, name), how })
    }

    fn shown(&self, variable: &str) -> String {
        let value = self.description.row(variable).and_then(|row| row.value.clone());
        let value = value.unwrap_or_else(|| "-".to_owned());
        if variable != KEYS {
            return value;
        }
        // The directory is the same when the keys in it change.
        let keys = self.auth.keys.ids();
        if keys.is_empty() { value } else { format!("{value} ({})", keys.join(", ")) }
    }
}
