//! Which secrets sign and verify, and whether they can be guessed. Lifetimes stand in `auth`; making a
//! secret on a developer's machine is `generated_secret`'s.

use std::fmt;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::reader::Reader;
use super::secret::Secret;
use super::strictness::Strictness;
use super::variables;

/// Shorter secrets are refused (RFC 7518 §3.2: HS256 needs a key of at least 256 bits).
pub const MINIMUM_BYTES: usize = 32;

/// Shorter secrets, in characters, get a warning.
const ADVISED_CHARACTERS: usize = 64;

/// Parts of example values that are published everywhere.
const KNOWN_PARTS: [&str; 11] = [
    "dev-secret",
    "change-in-production",
    "changeme",
    "change-me",
    "change_me",
    "your-secret",
    "your_secret",
    "your-super-secret",
    "super-secret",
    "better-auth-secret",
    "replace-me",
];

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Configured.
    Given(Secret),
    /// To be read from this file, or made there, by `load_or_create_secret` at start.
    Generated {
        /// The secret's file.
        path: PathBuf,
    },
    /// Not set, and not needed: a key pair signs, or what it is for is off.
    Unneeded,
}

impl SecretSource {
    pub(super) fn given(&self) -> Option<&Secret> {
        match self {
            Self::Given(secret) => Some(secret),
            Self::Generated { path: _ } | Self::Unneeded => None,
        }
    }
}

/// The signing secret, and the variable that it was set by (`JWT_SECRET` where it is not set at all). Where a key pair
/// signs, it verifies what it signed before, so that the change of algorithm signs nobody out.
pub(super) fn choose(
    reader: &mut Reader,
    directory: &Path,
    strictness: &Strictness,
    a_pair_signs: bool,
) -> (&'static str, SecretSource) {
    let given = ["JWT_SECRET", "BETTER_AUTH_SECRET"]
        .into_iter()
        .find_map(|name| Some((name, Secret::new(reader.set(name)?.value.clone()))));
    // A weak one of the FastAPI backend's has never signed a token of ours outside of development.
    let never_signed = |name: &str, secret: &Secret| {
        a_pair_signs && name == "BETTER_AUTH_SECRET" && weakness(secret.text()).is_some()
    };
    let Some((name, secret)) = given.filter(|(name, secret)| !never_signed(name, secret)) else {
        if a_pair_signs && *strictness != Strictness::Local {
            return ("JWT_SECRET", SecretSource::Unneeded);
        }
        let path = directory.join("data").join("secret");
        missing(reader, &path, strictness);
        return ("JWT_SECRET", SecretSource::Generated { path });
    };
    let fallback = (name != "JWT_SECRET").then_some(name);
    judge(reader, "JWT_SECRET", fallback, None, &secret, strictness);
    (name, SecretSource::Given(secret))
}

fn missing(reader: &mut Reader, path: &Path, strictness: &Strictness) {
    let reason = match strictness {
        Strictness::Local => {
            let kept = path.display();
            reader.warn("JWT_SECRET", format!("is not set: one is generated and kept in {kept}"));
            return;
        }
        Strictness::Exposed { because } => {
            format!("is not set, and none is generated because ENVIRONMENT is not set and {because}")
        }
        Strictness::Strict(environment) => format!("is not set, and {} needs one", environment.as_str()),
    };
    reader.fault_expecting("JWT_SECRET", reason, expected_secret());
}

/// The list of secrets in the variable `name` that were in the place of `current` before.
pub(super) fn previous(
    reader: &mut Reader,
    name: &'static str,
    current: Option<&Secret>,
    strictness: &Strictness,
) -> Vec<Secret> {
    let text = Secret::new(reader.set(name).map(|entry| entry.value.clone()).unwrap_or_default());
    let mut secrets = Vec::new();
    let entries = text.text().split(',').map(str::trim).filter(|entry| !entry.is_empty());
    for (index, entry) in entries.enumerate() {
        let secret = Secret::new(entry.to_owned());
        if current == Some(&secret) || secrets.contains(&secret) {
            reader.warn(name, format!("entry {} is the current one or another entry again", index + 1));
            continue;
        }
        judge(reader, name, None, Some(index + 1), &secret, strictness);
        secrets.push(secret);
    }
    secrets
}

/// Refuses what can be guessed; in local development, it only warns.
pub(super) fn judge(
    reader: &mut Reader,
    variable: &'static str,
    taken_from: Option<&'static str>,
    entry: Option<usize>,
    secret: &Secret,
    strictness: &Strictness,
) {
    let entry = entry.map(|number| format!("entry {number} ")).unwrap_or_default();
    if let Some(weakness) = weakness(secret.text()) {
        let problem = format!("{entry}{weakness}");
        if *strictness == Strictness::Local {
            reader.warn(taken_from.unwrap_or(variable), format!("{problem}; only development accepts this"));
        } else {
            reader.faults.push(Fault {
                variable: variable.to_owned(),
                taken_from,
                problem,
                expected: expected_secret(),
            });
        }
    } else if secret.text().chars().count() < ADVISED_CHARACTERS {
        let advice = format!("{entry}has fewer than {ADVISED_CHARACTERS} characters, which are advised");
        reader.warn(taken_from.unwrap_or(variable), advice);
    }
}

fn expected_secret() -> String {
    let range = variables::find("JWT_SECRET").map_or("", |variable| variable.range);
    format!("{range} (openssl rand -hex 32 makes one)")
}

/// Why a secret can be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weakness {
    /// Everybody knows it.
    Published,
    /// It has far less in it than its length.
    Repeated,
    /// All of its kind can be tried, given time.
    Short {
        /// Its length in UTF-8.
        bytes: usize,
    },
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published => f.write_str("is, or holds, a published example value"),
            Self::Repeated => f.write_str("repeats one character or one short text"),
            Self::Short { bytes } => write!(f, "has {bytes} bytes"),
        }
    }
}

/// Why this secret can be guessed, the worst reason first.
pub(super) fn weakness(secret: &str) -> Option<Weakness> {
    let lower = secret.to_lowercase();
    let bytes = secret.as_bytes();
    if lower == "secret" || KNOWN_PARTS.iter().any(|known| lower.contains(known)) {
        Some(Weakness::Published)
    } else if repeats(bytes) {
        Some(Weakness::Repeated)
    } else if bytes.len() < MINIMUM_BYTES {
        Some(Weakness::Short { bytes: bytes.len() })
    } else {
        None
    }
}

/// Whether the whole text is one piece, of half its length or less, over and over.
fn repeats(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2)
        .any(|period| bytes[period..].iter().zip(bytes).all(|(later, earlier)| later == earlier))
}
