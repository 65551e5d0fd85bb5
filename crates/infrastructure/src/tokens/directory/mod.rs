//! The directory that holds key pairs: which keys there are, and what each is for. Every file that ends in `.pem` is one
//! key; a file beside them says which signs (`order`). Changing it is done in `change`, for the command line; a server only reads it.

mod change;
mod fault;
mod files;
mod order;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use change::{Change, KeyChangeError, Retirement};
pub use fault::{KeyDirectoryFault, NoSigningKey};
pub use files::exposed_mode;
use holdfast_application::domain::Timestamp;
use order::{Line, ORDER};

use super::{Key, PairAlgorithm};

const EXTENSION: &str = "pem";

/// What a key of the directory is for. All of them verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// Signs what is signed with its algorithm.
    Signing {
        /// Since when, where that was noted.
        since: Option<Timestamp>,
    },
    /// Has never signed: everybody can learn of it before it does.
    Published,
    /// Signed before; hands out the same successor again where it signed the first time.
    Previous {
        /// Until when it signed, where that was noted.
        until: Option<Timestamp>,
    },
    /// Only its public half is here.
    VerifyOnly {
        /// Until when it signed, where that was noted.
        until: Option<Timestamp>,
    },
}

impl KeyState {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signing { .. } => "signing",
            Self::Published => "published",
            Self::Previous { .. } => "previous",
            Self::VerifyOnly { .. } => "verify-only",
        }
    }
}

/// A key, its file and its state.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The key.
    pub key: Arc<Key>,
    /// Its algorithm.
    pub algorithm: PairAlgorithm,
    /// The name of its file in the directory; any name will do, the `kid` is computed.
    pub file: String,
    /// What it is for.
    pub state: KeyState,
}

/// A key directory as it was when it was read.
#[derive(Debug, Clone)]
pub struct KeyDirectory {
    path: PathBuf,
    keys: Vec<StoredKey>,
    order: Vec<Line>,
}

impl KeyDirectory {
    /// Reads every key. All faults are told together.
    ///
    /// Names that begin with a full stop and names that do not end in `.pem` are passed over. A private key that others
    /// than its owner may read is a fault ([`exposed_mode`]).
    pub fn read(path: &Path) -> Result<Self, Vec<KeyDirectoryFault>> {
        let mut faults = Vec::new();
        let found = names(path).map_err(|fault| vec![fault])?;
        let mut keys: Vec<StoredKey> = Vec::new();
        for file in found {
            match read_key(path, &file) {
                Ok(read) => match keys.iter().find(|known| known.key.id() == read.key.id()) {
                    Some(StoredKey { file: first, .. }) => {
                        faults.push(KeyDirectoryFault::Twice { first: first.clone(), second: file });
                    }
                    None => keys.push(read),
                },
                Err(fault) => faults.push(fault),
            }
        }
        // With keys missing, every line about one of them would be a second fault.
        let order = if faults.is_empty() { read_order(path, &keys, &mut faults) } else { Vec::new() };
        if !faults.is_empty() {
            return Err(faults);
        }
        let states: Vec<KeyState> = keys.iter().map(|stored| state(stored, &keys, &order)).collect();
        for (stored, state) in keys.iter_mut().zip(states) {
            stored.state = state;
        }
        keys.sort_by_key(|stored| rank(stored.state));
        Ok(Self { path: path.to_owned(), keys, order })
    }

    /// Every key: those that sign first, then what will, what did, and public halves.
    pub fn keys(&self) -> &[StoredKey] {
        &self.keys
    }

    /// The key that signs with `algorithm`: the first of its kind in the order, or without an order the only one.
    pub fn signing(&self, algorithm: PairAlgorithm) -> Result<&Arc<Key>, NoSigningKey> {
        let of_algorithm = || self.keys.iter().filter(|stored| stored.algorithm == algorithm);
        let signing = of_algorithm().find(|stored| matches!(stored.state, KeyState::Signing { .. }));
        if let Some(stored) = signing {
            return Ok(&stored.key);
        }
        if self.order.iter().any(|line| of_algorithm().any(|stored| stored.key.id() == line.id)) {
            return Err(NoSigningKey::PublicHalf(algorithm));
        }
        let any = of_algorithm().any(|stored| stored.key.can_sign());
        Err(if any { NoSigningKey::Undecided(algorithm) } else { NoSigningKey::Missing(algorithm) })
    }

    fn find(&self, id: &str) -> Option<&StoredKey> {
        self.keys.iter().find(|stored| stored.key.id() == id)
    }
}

fn rank(state: KeyState) -> u8 {
    match state {
        KeyState::Signing { .. } => 0,
        KeyState::Published => 1,
        KeyState::Previous { .. } => 2,
        KeyState::VerifyOnly { .. } => 3,
    }
}

/// The names of the files that are keys, in the order of the alphabet: the same on every system.
fn names(path: &Path) -> Result<BTreeSet<String>, KeyDirectoryFault> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => KeyDirectoryFault::Missing,
        io::ErrorKind::NotADirectory => KeyDirectoryFault::NotADirectory,
        kind => KeyDirectoryFault::Unreadable(kind),
    };
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        let is_key = Path::new(&name).extension().is_some_and(|extension| extension == EXTENSION);
        if is_key && !name.starts_with('.') {
            names.insert(name);
        }
    }
    if names.is_empty() { Err(KeyDirectoryFault::Empty) } else { Ok(names) }
}

/// A key without its state, which depends on the others.
fn read_key(directory: &Path, file: &str) -> Result<StoredKey, KeyDirectoryFault> {
    let file = file.to_owned();
    let (text, metadata) = match files::read(&directory.join(&file)) {
        Ok(read) => read,
        Err(error) => return Err(KeyDirectoryFault::UnreadableFile { file, kind: error.kind() }),
    };
    let (key, algorithm) = match Key::from_pem(&text) {
        Ok(read) => read,
        Err(cause) => return Err(KeyDirectoryFault::Key { file, cause }),
    };
    match exposed_mode(&metadata).filter(|_| key.can_sign()) {
        Some(mode) => Err(KeyDirectoryFault::Exposed { file, mode }),
        None => Ok(StoredKey { key: Arc::new(key), algorithm, file, state: KeyState::Published }),
    }
}

fn read_order(directory: &Path, keys: &[StoredKey], faults: &mut Vec<KeyDirectoryFault>) -> Vec<Line> {
    let text = match files::read(&directory.join(ORDER)) {
        Ok((text, _)) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            faults.push(KeyDirectoryFault::UnreadableFile { file: ORDER.to_owned(), kind: error.kind() });
            return Vec::new();
        }
    };
    let known = keys.iter().map(|stored| stored.key.id()).collect();
    order::parse(&String::from_utf8_lossy(&text), &known, faults)
}

/// What a key is for: by its place among the keys of its algorithm in the order, or, where none of them has one, by being
/// the only one that can sign.
fn state(stored: &StoredKey, all: &[StoredKey], order: &[Line]) -> KeyState {
    let StoredKey { key, algorithm, file: _, state: _ } = stored;
    let alike: Vec<&StoredKey> = all.iter().filter(|other| other.algorithm == *algorithm).collect();
    let listed = order.iter().filter(|line| alike.iter().any(|other| other.key.id() == line.id));
    let listed: Vec<&Line> = listed.collect();
    let place = listed.iter().position(|line| line.id == key.id());
    let until = place.and_then(|place| listed[..place].last()).and_then(|successor| successor.since);
    if !key.can_sign() {
        return KeyState::VerifyOnly { until };
    }
    match place {
        Some(0) => KeyState::Signing { since: listed[0].since },
        Some(_) => KeyState::Previous { until },
        None if listed.is_empty() && alike.iter().filter(|other| other.key.can_sign()).count() == 1 => {
            KeyState::Signing { since: None }
        }
        None => KeyState::Published,
    }
}
