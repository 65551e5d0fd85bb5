//! Changing a key directory: new keys, another key that signs, keys that go. Each step leaves a directory that a server can
//! start with, also when it is interrupted.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use holdfast_application::domain::Timestamp;

use super::{
    super::{Key, PairAlgorithm, pairs},
    KeyDirectory, KeyDirectoryFault, KeyState, NoSigningKey, StoredKey, files,
    order::{self, Line, ORDER},
};

/// What a change did to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its `kid`.
    pub id: String,
    /// Its algorithm.
    pub algorithm: PairAlgorithm,
    /// Its file, which is gone where the key is.
    pub file: PathBuf,
    /// What it is for since then; nothing where it is gone.
    pub state: Option<KeyState>,
}

/// How a key is to go.
#[derive(Debug, Clone, Copy)]
pub struct Retirement {
    /// Whether its public half stays, so that its tokens are still accepted.
    pub keep_public: bool,
    /// The algorithm with which the deployment signs; none with a secret.
    pub signs: Option<PairAlgorithm>,
    /// How long after its last signature it has to stay; nothing to let it go at once, whoever that signs out.
    pub wait: Option<Duration>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// What is there cannot be understood.
    #[error("{}", told(path, faults))]
    Faults {
        /// The directory.
        path: PathBuf,
        /// Everything that is wrong with it.
        faults: Vec<KeyDirectoryFault>,
    },
    /// The system refused a write.
    #[error("{} cannot be written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// aws-lc made no key.
    #[error("no key could be made")]
    Generation,
    /// Nobody knows this key.
    #[error("there is no key {0} (`holdfast keys list` shows all)")]
    Unknown(String),
    /// There is nothing to rotate to.
    #[error("there is no published key: generate one, and restart every instance before it signs")]
    NothingPublished,
    /// It is not clear which key is meant.
    #[error("there are several published keys: name the one that is to sign")]
    SeveralPublished,
    /// Nothing would change.
    #[error("{0} signs already")]
    SignsAlready(String),
    /// It cannot do what is asked of it.
    #[error("of {0} only the public half is there")]
    PublicHalf(String),
    /// Nobody could sign in any more.
    #[error("{0} signs: let another key sign first (`holdfast keys rotate`)")]
    Signs(String),
    /// Somebody would be signed out.
    #[error("{}", still_needed(id, *until))]
    StillNeeded {
        /// The key.
        id: String,
        /// Until when there may be tokens under it, where that is known.
        until: Option<Timestamp>,
    },
}

fn told(path: &Path, faults: &[KeyDirectoryFault]) -> String {
    let lines =
        faults.iter().map(|fault| format!("{} {fault}; expected {}", path.display(), fault.expected()));
    lines.collect::<Vec<_>>().join("\n")
}

fn still_needed(id: &str, until: Option<Timestamp>) -> String {
    let until = until.map_or_else(|| "nobody noted when it stopped".to_owned(), |at| format!("until {at}"));
    format!(
        "tokens under {id} may still be about ({until}); --now lets it go all the same, and signs their owners out"
    )
}

impl KeyDirectory {
    /// Makes a key. The first of its algorithm signs at once; any other is published and signs when it is told to
    /// ([`Self::rotate`]). A directory that does not exist is made.
    pub fn generate(path: &Path, algorithm: PairAlgorithm, now: Timestamp) -> Result<Change, KeyChangeError> {
        files::create_directory(path)
            .map_err(|source| KeyChangeError::File { path: path.to_owned(), source })?;
        let before = match Self::read(path) {
            Ok(directory) => Some(directory),
            Err(faults) if faults == [KeyDirectoryFault::Empty] => None,
            Err(faults) => return Err(KeyChangeError::Faults { path: path.to_owned(), faults }),
        };
        let mut lines = before.as_ref().map(|directory| directory.order.clone()).unwrap_or_default();
        let first = match before.as_ref().map(|directory| directory.signing(algorithm)) {
            None | Some(Err(NoSigningKey::Missing(_))) => true,
            Some(Err(NoSigningKey::Undecided(_) | NoSigningKey::PublicHalf(_))) => false,
            Some(Ok(signing)) => {
                // It signs because it is the only one. It shall go on when it is not.
                if lines.iter().all(|line| line.id != signing.id()) {
                    lines.push(Line { id: signing.id().to_owned(), since: None });
                    write_order(path, &lines)?;
                }
                false
            }
        };
        let (text, key) = new_key(algorithm)?;
        let file = path.join(format!("{}.{}", key.id(), super::EXTENSION));
        files::create_private(&file, text.as_bytes())
            .map_err(|source| KeyChangeError::File { path: file.clone(), source })?;
        let since = whole_seconds(now);
        let id = key.id().to_owned();
        if first {
            lines.insert(0, Line { id: id.clone(), since });
            write_order(path, &lines)?;
        }
        let state = if first { KeyState::Signing { since } } else { KeyState::Published };
        Ok(Change { id, algorithm, file, state: Some(state) })
    }

    /// Lets a key sign: the one with this `kid`, or the only one that is published. Also the way back to a previous one.
    pub fn rotate(&self, id: Option<&str>, now: Timestamp) -> Result<Change, KeyChangeError> {
        let stored = match id {
            Some(id) => self.find(id).ok_or_else(|| KeyChangeError::Unknown(id.to_owned()))?,
            None => self.only_published()?,
        };
        let id = stored.key.id().to_owned();
        match stored.state {
            KeyState::Signing { .. } => return Err(KeyChangeError::SignsAlready(id)),
            KeyState::VerifyOnly { .. } => return Err(KeyChangeError::PublicHalf(id)),
            KeyState::Published | KeyState::Previous { .. } => {}
        }
        let algorithm = stored.algorithm;
        let since = whole_seconds(now);
        let mut lines = vec![Line { id: id.clone(), since }];
        lines.extend(self.order.iter().filter(|line| line.id != id).cloned());
        let alike = |line: &Line| self.find(&line.id).is_some_and(|other| other.algorithm == algorithm);
        if !self.order.iter().any(alike) {
            // Without an order any of the others may have signed.
            let others =
                self.keys.iter().filter(|other| other.key.can_sign() && other.algorithm == algorithm);
            let others = others.map(|other| Line { id: other.key.id().to_owned(), since: None });
            lines.extend(others.filter(|line| line.id != id));
        }
        write_order(&self.path, &lines)?;
        let file = self.path.join(&stored.file);
        Ok(Change { id, algorithm, file, state: Some(KeyState::Signing { since }) })
    }

    /// Lets a key go, or its private half: never the one that signs, and others only when no token under them can be about.
    pub fn retire(&self, id: &str, how: Retirement, now: Timestamp) -> Result<Change, KeyChangeError> {
        let stored = self.find(id).ok_or_else(|| KeyChangeError::Unknown(id.to_owned()))?;
        let Retirement { keep_public, signs, wait } = how;
        let stopped = match stored.state {
            KeyState::Signing { .. } if signs == Some(stored.algorithm) => {
                return Err(KeyChangeError::Signs(id.to_owned()));
            }
            KeyState::VerifyOnly { .. } if keep_public => {
                return Err(KeyChangeError::PublicHalf(id.to_owned()));
            }
            // It has never signed: there is nothing to wait for.
            KeyState::Published => None,
            KeyState::Signing { .. } => Some(None),
            KeyState::Previous { until } | KeyState::VerifyOnly { until } => Some(until),
        };
        if let Some((stopped, wait)) = stopped.zip(wait) {
            let until = stopped.map(|at| at.plus(wait));
            if until.is_none_or(|until| now < until) {
                return Err(KeyChangeError::StillNeeded { id: id.to_owned(), until });
            }
        }
        if keep_public { self.strip(stored) } else { self.remove(stored) }
    }

    fn remove(&self, stored: &StoredKey) -> Result<Change, KeyChangeError> {
        let StoredKey { key, algorithm, file, state: _ } = stored;
        let file = self.path.join(file);
        // The order first: a line about a key that is gone keeps a server from starting.
        if self.order.iter().any(|line| line.id == key.id()) {
            let lines: Vec<Line> = self.order.iter().filter(|line| line.id != key.id()).cloned().collect();
            write_order(&self.path, &lines)?;
        }
        files::remove(&file).map_err(|source| KeyChangeError::File { path: file.clone(), source })?;
        Ok(Change { id: key.id().to_owned(), algorithm: *algorithm, file, state: None })
    }

    /// Puts the public half in the place of the private one, in one step, and only then gives the file its usual name.
    fn strip(&self, stored: &StoredKey) -> Result<Change, KeyChangeError> {
        let StoredKey { key, algorithm, file, state } = stored;
        let path = self.path.join(file);
        let failed = |source| KeyChangeError::File { path: path.clone(), source };
        let text = key.public_pem().ok_or_else(|| KeyChangeError::Unknown(key.id().to_owned()))?;
        files::replace_public(&path, text.as_bytes()).map_err(failed)?;
        let usual = self.path.join(format!("{}.pub.{}", key.id(), super::EXTENSION));
        let file = if usual.exists() { path.clone() } else { usual };
        fs::rename(&path, &file).map_err(failed)?;
        let until = match *state {
            KeyState::Previous { until } | KeyState::VerifyOnly { until } => until,
            KeyState::Signing { .. } | KeyState::Published => None,
        };
        let state = Some(KeyState::VerifyOnly { until });
        Ok(Change { id: key.id().to_owned(), algorithm: *algorithm, file, state })
    }

    fn only_published(&self) -> Result<&StoredKey, KeyChangeError> {
        let mut published = self.keys.iter().filter(|stored| stored.state == KeyState::Published);
        match (published.next(), published.next()) {
            (Some(stored), None) => Ok(stored),
            (None, _) => Err(KeyChangeError::NothingPublished),
            (Some(_), Some(_)) => Err(KeyChangeError::SeveralPublished),
        }
    }
}

/// A new key, and the text of its file. A `kid` that begins with a hyphen would read as an option wherever it, or its
/// file, is named on a command line.
fn new_key(algorithm: PairAlgorithm) -> Result<(zeroize::Zeroizing<String>, Key), KeyChangeError> {
    loop {
        let text = pairs::generate(algorithm).map_err(|_| KeyChangeError::Generation)?;
        let (key, _) = Key::from_pem(text.as_bytes()).map_err(|_| KeyChangeError::Generation)?;
        if !key.id().starts_with('-') {
            return Ok((text, key));
        }
    }
}

fn write_order(directory: &Path, lines: &[Line]) -> Result<(), KeyChangeError> {
    let path = directory.join(ORDER);
    files::replace_public(&path, order::render(lines).as_bytes())
        .map_err(|source| KeyChangeError::File { path, source })
}

/// People read it.
fn whole_seconds(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_seconds(at.seconds()).ok()
}
