//! The secrets that a developer's machine makes for itself and keeps, so that sign-ins and second factors survive a restart.
//! When one may be generated is decided in `signing_secret` and `encryption`.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use holdfast_infrastructure::tokens::exposed_mode;
use thiserror::Error;

use super::secret::Secret;
use super::signing_secret::MINIMUM_BYTES;

/// Random bytes in a generated secret; written as twice as many hexadecimal digits.
const RANDOM_BYTES: usize = 32;

/// Why there is no generated secret.
#[derive(Debug, Error)]
pub enum GeneratedSecretError {
    /// The file exists, but what it holds is no secret of ours.
    #[error("{} holds no secret of at least 32 bytes; remove the file to have one generated, or set {variable}", path.display())]
    Unusable {
        /// The variable in whose place it stands.
        variable: &'static str,
        /// The secret's file.
        path: PathBuf,
    },
    /// The file or its directory cannot be read or written.
    #[error("{} can be neither read nor written: {cause}; make it writable or set {variable}", path.display())]
    File {
        /// The variable in whose place it stands.
        variable: &'static str,
        /// The secret's file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Reads the secret at `path` in the place of `variable`, or makes one of 256 random bits there that only the owner may read. Where others may read
/// it by now, the log warns: on a developer's machine that is a mistake, and no reason to stop.
///
/// Of several processes that do this at once, one creates the file and all return its secret: the
/// text is complete on disk before it gets its name, and the name is never given twice.
pub fn load_or_create_secret(variable: &'static str, path: &Path) -> Result<Secret, GeneratedSecretError> {
    let failed = |cause| GeneratedSecretError::File { variable, path: path.to_owned(), cause };
    if let Some(secret) = load(variable, path)? {
        return Ok(secret);
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(failed)?;
    let secret = random_secret().map_err(failed)?;
    match write_new(path, directory, &secret) {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            load(variable, path)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
        }
        Err(error) => Err(failed(error)),
    }
}

fn load(variable: &'static str, path: &Path) -> Result<Option<Secret>, GeneratedSecretError> {
    let unusable = || GeneratedSecretError::Unusable { variable, path: path.to_owned() };
    let text = match read(variable, path) {
        Ok(text) => Secret::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(unusable());
        }
        Err(cause) => return Err(GeneratedSecretError::File { variable, path: path.to_owned(), cause }),
    };
    let trimmed = text.text().trim();
    if trimmed.len() < MINIMUM_BYTES {
        return Err(unusable());
    }
    Ok(Some(Secret::new(trimmed.to_owned())))
}

fn read(variable: &str, path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    if let Some(mode) = exposed_mode(&file.metadata()?) {
        tracing::warn!(
            target: "holdfast::settings",
            "{variable}: {} may be read or written by others (mode {mode:04o}): run chmod 600 on it, or remove it to have \
             another one generated",
            path.display()
        );
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

#[expect(clippy::disallowed_methods, reason = "the secret is made before there is any port to ask")]
fn random_secret() -> io::Result<Secret> {
    let mut bytes = zeroize::Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(io::Error::other)?;
    let mut text = String::with_capacity(2 * RANDOM_BYTES);
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    Ok(Secret::new(text))
}

/// `tempfile` opens with owner-only permission on Unix; elsewhere the directory's permissions hold.
fn write_new(path: &Path, directory: &Path, secret: &Secret) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".secret-").tempfile_in(directory)?;
    file.write_all(secret.expose())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}
