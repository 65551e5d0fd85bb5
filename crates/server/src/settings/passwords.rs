//! Peppers: what goes into hashes beside the password. How strong a secret has to be is decided in `signing_secret`; what
//! a pepper does is the infrastructure crate's.

use super::describe::{self, Effective};
use super::reader::Reader;
use super::secret::{REDACTED, Secret};
use super::signing_secret;
use super::strictness::Strictness;

const PEPPER: &str = "PASSWORD_PEPPER";
const PREVIOUS: &str = "PASSWORD_PREVIOUS_PEPPERS";

/// What new hashes are made with, and what stored ones may have been made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordSettings {
    /// Goes into new hashes; none where it is not set.
    pub pepper: Option<Secret>,
    /// Went into hashes that still count.
    pub previous_peppers: Vec<Secret>,
}

impl PasswordSettings {
    pub(super) fn read(reader: &mut Reader, strictness: &Strictness) -> Self {
        let pepper = reader.set(PEPPER).map(|entry| Secret::new(entry.value.clone()));
        if let Some(pepper) = &pepper {
            signing_secret::judge(reader, PEPPER, None, None, pepper, strictness);
            for name in ["JWT_SECRET", "BETTER_AUTH_SECRET"] {
                if reader.set(name).is_some_and(|entry| entry.value.as_bytes() == pepper.expose()) {
                    reader.warn(PEPPER, format!("is {name} as well: rotating that one would lose this one"));
                }
            }
        }
        let previous_peppers = signing_secret::previous(reader, PREVIOUS, pepper.as_ref(), strictness);
        Self { pepper, previous_peppers }
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { pepper, previous_peppers } = self;
        let previous = vec![REDACTED; previous_peppers.len()];
        vec![(PEPPER, pepper.as_ref().map(|_| REDACTED.to_owned())), (PREVIOUS, describe::list(&previous))]
    }
}
