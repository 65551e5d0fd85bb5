//! Which algorithm signs tokens, and the key pairs of the key directory. Secrets are chosen in `signing_secret`; what is in a
//! directory is read by the infrastructure crate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use holdfast_infrastructure::tokens::{Key, KeyDirectory, KeyDirectoryFault, PairAlgorithm};

use super::describe::Effective;
use super::fault::quoted;
use super::reader::Reader;
use super::sources::{self, Sources};

const ALGORITHM: &str = "JWT_ALGORITHM";
const DIRECTORY: &str = "JWT_KEY_DIRECTORY";
const SECRETS_ALGORITHM: &str = "HS256";

/// How tokens are signed, and every key pair that there is.
#[derive(Debug, Clone)]
pub struct KeySettings {
    /// The algorithm of the key pair that signs; none where the secret signs, with HS256.
    pub algorithm: Option<PairAlgorithm>,
    /// The key pair that signs.
    pub signing: Option<Arc<Key>>,
    /// The key pairs that verify besides.
    pub verifying: Vec<Arc<Key>>,
    /// Where they lie.
    pub directory: Option<PathBuf>,
}

impl KeySettings {
    /// The keys are read here, so that everything that is wrong with them is told with all other faults.
    pub(super) fn read(reader: &mut Reader, working_directory: &Path) -> Self {
        let wanted = algorithm(reader);
        let directory = directory(reader, working_directory);
        let mut section = Self { algorithm: wanted, signing: None, verifying: Vec::new(), directory };
        let Some(path) = &section.directory else {
            section.algorithm = without_directory(reader, wanted);
            return section;
        };
        match KeyDirectory::read(path) {
            Ok(found) => {
                section.signing = wanted.and_then(|algorithm| signing(reader, &found, algorithm));
                let signs = |key: &Key| section.signing.as_ref().is_some_and(|it| it.id() == key.id());
                let keys = found.keys().iter().map(|stored| Arc::clone(&stored.key));
                section.verifying = keys.filter(|key| !signs(key)).collect();
            }
            Err(faults) => {
                for fault in &faults {
                    tell(reader, path, fault);
                }
            }
        }
        section
    }

    /// The key pairs by their `kid`, the one that signs first.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.signing.iter().chain(&self.verifying).map(|key| key.id()).collect()
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { algorithm, signing: _, verifying: _, directory } = self;
        let algorithm = algorithm.map_or(SECRETS_ALGORITHM, PairAlgorithm::name);
        vec![
            (ALGORITHM, Some(algorithm.to_owned())),
            (DIRECTORY, directory.as_ref().map(|path| path.display().to_string())),
        ]
    }
}

/// What changing a key directory goes by. It is read without judging anything else: where there is no key yet, the
/// settings as a whole cannot be right.
#[derive(Debug, Clone)]
pub struct KeyCommandSettings {
    /// `JWT_KEY_DIRECTORY`
    pub directory: Option<PathBuf>,
    /// The algorithm that signs with a key pair, where one does.
    pub algorithm: Option<PairAlgorithm>,
    /// The longest life of a token: after so long without a signature nothing needs a key any more.
    pub longest_token: Duration,
    /// How long the same successor of a refresh token is signed again.
    pub reuse: Duration,
}

impl KeyCommandSettings {
    /// Reads what is there. What is wrong counts as not set.
    pub fn load(sources: &Sources) -> Self {
        let layers = sources::layer(sources, &mut Vec::new(), &mut Vec::new());
        let mut reader = Reader::new(layers, Vec::new(), Vec::new());
        let hours = [
            24 * u64::from(reader.number::<u32>("REFRESH_TOKEN_IDLE_DAYS")),
            u64::from(reader.number::<u32>("JWT_EXPIRATION_DELTA_HOURS")),
        ];
        Self {
            algorithm: algorithm(&mut reader),
            directory: directory(&mut reader, &sources.directory),
            longest_token: Duration::from_hours(hours.into_iter().max().unwrap_or_default()),
            reuse: Duration::from_secs(reader.number::<u32>("REFRESH_REUSE_SECONDS").into()),
        }
    }
}

/// The algorithm of a key pair; none for a secret's.
fn algorithm(reader: &mut Reader) -> Option<PairAlgorithm> {
    let parse = |text: &str| match text {
        SECRETS_ALGORITHM => Ok(None),
        other => match other.parse() {
            Ok(algorithm) => Ok(Some(algorithm)),
            Err(_) => Err(format!("{} is not an algorithm of this version", quoted(text))),
        },
    };
    reader.parse(ALGORITHM, parse).flatten()
}

fn directory(reader: &mut Reader, working_directory: &Path) -> Option<PathBuf> {
    reader.set(DIRECTORY).map(|entry| working_directory.join(&entry.value))
}

/// The FastAPI backend's default was RS256, and it signed HS256 all the same.
fn without_directory(reader: &mut Reader, wanted: Option<PairAlgorithm>) -> Option<PairAlgorithm> {
    match wanted {
        None => None,
        Some(PairAlgorithm::Rs256) => {
            let message = format!("is RS256, but {DIRECTORY} is not set: tokens are signed with HS256");
            reader.warn(ALGORITHM, message);
            None
        }
        Some(algorithm @ PairAlgorithm::EdDsa) => {
            let problem = format!("is {algorithm}, but {DIRECTORY} is not set");
            reader.fault_expecting(
                ALGORITHM,
                problem,
                format!("{DIRECTORY} to name a directory with its keys"),
            );
            wanted
        }
    }
}

fn signing(reader: &mut Reader, found: &KeyDirectory, algorithm: PairAlgorithm) -> Option<Arc<Key>> {
    match found.signing(algorithm) {
        Ok(key) => Some(Arc::clone(key)),
        Err(missing) => {
            let problem = format!("is {algorithm}, but {missing}");
            reader.fault_expecting(ALGORITHM, problem, missing.expected());
            None
        }
    }
}

fn tell(reader: &mut Reader, path: &Path, fault: &KeyDirectoryFault) {
    reader.fault_expecting(DIRECTORY, format!("\"{}\" {fault}", path.display()), fault.expected());
}
