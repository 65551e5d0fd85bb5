//! The key that secrets are encrypted with before they are stored. How strong it has to be is decided in `signing_secret`; what
//! is done with it is the infrastructure crate's.

use std::path::Path;

use super::describe::{self, Effective};
use super::reader::Reader;
use super::secret::{REDACTED, Secret};
use super::signing_secret::{self, SecretSource};
use super::strictness::Strictness;

pub(super) const KEY: &str = "ENCRYPTION_KEY";
const PREVIOUS: &str = "ENCRYPTION_PREVIOUS_KEYS";

/// What second factors are encrypted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionSettings {
    /// Encrypts; where it is not needed, no second factor can be enrolled.
    pub key: SecretSource,
    /// Decrypt what was encrypted before.
    pub previous_keys: Vec<Secret>,
}

impl EncryptionSettings {
    pub(super) fn read(reader: &mut Reader, directory: &Path, strictness: &Strictness) -> Self {
        let given = reader.set(KEY).map(|entry| Secret::new(entry.value.clone()));
        let key = match given {
            Some(key) => {
                signing_secret::judge(reader, KEY, None, None, &key, strictness);
                for name in ["JWT_SECRET", "BETTER_AUTH_SECRET", "PASSWORD_PEPPER"] {
                    if reader.set(name).is_some_and(|entry| entry.value.as_bytes() == key.expose()) {
                        reader.warn(KEY, format!("is {name} as well: rotating that one would lose this one"));
                    }
                }
                SecretSource::Given(key)
            }
            None if *strictness == Strictness::Local => {
                SecretSource::Generated { path: directory.join("data").join("encryption-key") }
            }
            None => SecretSource::Unneeded,
        };
        let previous_keys = signing_secret::previous(reader, PREVIOUS, key.given(), strictness);
        Self { key, previous_keys }
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { key, previous_keys } = self;
        let shown = match key {
            SecretSource::Given(_) => Some(REDACTED.to_owned()),
            SecretSource::Generated { path } => Some(format!("generated in {}", path.display())),
            SecretSource::Unneeded => None,
        };
        let previous = vec![REDACTED; previous_keys.len()];
        vec![(KEY, shown), (PREVIOUS, describe::list(&previous))]
    }
}
