//! Secrets in files of their own, as Docker and Kubernetes mount them: `NAME_FILE` is the path of a file that holds the value of
//! `NAME`. Which variables are secrets is the catalogue's to say, which source wins is `sources`', and how strong a secret has to
//! be is its section's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::fault::{Fault, Warning};
use super::sources::{Entry, Layer, Origin, text_problem};
use super::variables::{self, FILE_SUFFIX, Variable};

/// A longer file holds something else, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What the files hold, and the variables whose file cannot be used.
#[derive(Default)]
pub(super) struct Found {
    pub(super) values: BTreeMap<&'static str, Entry>,
    pub(super) unread: BTreeSet<&'static str>,
}

/// Reads the file of each secret that the highest source with a word about it sets by one. `layers` begin with that source.
pub(super) fn read(
    directory: &Path,
    layers: [&Layer; 3],
    strict: bool,
    faults: &mut Vec<Fault>,
    warnings: &mut Vec<Warning>,
) -> Found {
    let mut found = Found::default();
    for variable in variables::ALL.iter().filter(|variable| variable.is_secret()) {
        let name = format!("{}{FILE_SUFFIX}", variable.name);
        let says_something = |layer: &&Layer| [&name, variable.name].iter().any(|it| layer.get(it).is_some());
        let Some(layer) = layers.into_iter().find(says_something) else { continue };
        let Some(path) = layer.get(&name) else { continue };
        match chosen(directory, variable, layer, path) {
            Ok((value, open_to)) => {
                if let Some(mode) = open_to.filter(|_| strict) {
                    let shown = shown(directory, path);
                    let message = format!(
                        "{shown} may be read or written by everybody on this machine (mode {mode:04o}): run chmod o-rwx on it"
                    );
                    warnings.push(Warning { variable: name, message });
                }
                let origin = Origin::SecretFile(PathBuf::from(path));
                found.values.insert(variable.name, Entry { value, origin });
            }
            Err(Problem { text, expected }) => {
                faults.push(Fault { variable: name, taken_from: None, problem: text, expected });
                found.unread.insert(variable.name);
            }
        }
    }
    found
}

/// The value of the variable by the file at `path`, and the file's mode where everybody may read or write it.
fn chosen(
    directory: &Path,
    variable: &Variable,
    layer: &Layer,
    path: &str,
) -> Result<(String, Option<u32>), Problem> {
    if layer.get(variable.name).is_some() {
        return Err(twice(variable, layer.origin()));
    }
    value(&directory.join(path)).map_err(|problem| Problem {
        text: format!("{} {problem}", shown(directory, path)),
        expected: format!(
            "the path of a UTF-8 text file of at most {} KiB that holds {} and nothing else",
            LONGEST / 1024,
            variable.name
        ),
    })
}

struct Problem {
    text: String,
    expected: String,
}

fn twice(variable: &Variable, origin: &Origin) -> Problem {
    let name = variable.name;
    Problem {
        text: format!("is set, and so is {name}, both by the same source ({})", origin.label()),
        expected: format!("one of {name} and {name}{FILE_SUFFIX}"),
    }
}

/// The path as a fault or a warning shows it. One that names nothing and does not look like a path may be the secret itself, set
/// under the wrong name.
fn shown(directory: &Path, path: &str) -> String {
    let looks_like_one = ["/", "./", "../"].iter().any(|start| path.starts_with(start));
    if (looks_like_one && !path.contains("://")) || directory.join(path).exists() {
        format!("{path:?}")
    } else {
        "its path (not shown: it does not begin with / or ./, and may be the secret itself)".to_owned()
    }
}

/// The text of a file without the line break at its end, and its mode where everybody may read or write it.
fn value(path: &Path) -> Result<(String, Option<u32>), String> {
    let unreadable = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read by the user that this process runs as".to_owned(),
        kind => format!("cannot be read ({kind})"),
    };
    // Opening a pipe would wait for somebody who writes into it.
    let metadata = path.metadata().map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        return Err("is a directory".to_owned());
    }
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("is larger than {} KiB", LONGEST / 1024));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "is not valid UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if text.starts_with('\u{feff}') {
        return Err("begins with a byte order mark".to_owned());
    }
    if let Some(problem) = text_problem(text) {
        return Err(problem.to_owned());
    }
    // Nobody would see it, and the same secret in a variable would have none.
    if text.trim() != text {
        return Err("begins or ends with white space".to_owned());
    }
    Ok((text.to_owned(), open_to_everybody(&metadata)))
}

#[cfg(unix)]
fn open_to_everybody(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = metadata.mode() & 0o777;
    (mode & 0o006 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_everybody(_: &Metadata) -> Option<u32> {
    None
}
