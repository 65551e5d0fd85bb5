//! The files of a key directory: read once and whole into memory that wipes itself, written so that nobody ever meets
//! half a file. Who may read a private key is judged here.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _, Write as _},
    path::Path,
};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// More than any key or order of ours needs: an RSA key of 8,192 bits takes 6.4 KiB.
const LONGEST: usize = 64 * 1_024;

/// A file's bytes and its permission bits, both of the same open file.
pub(super) fn read(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, Metadata)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // As large as it can become at once: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LONGEST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok((bytes, metadata)) }
}

/// The permission bits of a file that holds something secret, where others than its owner may read or write it. The rule
/// is PostgreSQL's for its TLS key: a file that root owns may be read by its group, which is how a secret gets to an
/// account that is not root (Kubernetes with `fsGroup`).
///
/// Always `None` where the system has no such bits: there the directory's permissions count.
pub fn exposed_mode(metadata: &Metadata) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mode = metadata.mode() & 0o777;
        is_exposed(mode, metadata.uid(), rustix::process::geteuid().as_raw()).then_some(mode)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

#[cfg(unix)]
fn is_exposed(mode: u32, owner: u32, us: u32) -> bool {
    const ROOT: u32 = 0;
    let others = if owner == ROOT && us != ROOT { 0o037 } else { 0o077 };
    mode & others != 0
}

/// Writes a private key under a name that must be free. It is complete on disk, readable by its owner alone, before it
/// gets that name.
pub(super) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes)?.persist_noclobber(path)?;
    settle(path)
}

/// Writes what everybody may read, over what was there.
pub(super) fn replace_public(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = write(path, bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    settle(path)
}

/// Takes a file away for good.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    settle(path)
}

/// A directory that its owner alone can enter, where there is none yet.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// `tempfile` opens with `O_EXCL` and, on Unix, for the owner alone.
fn write(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// A name is on disk when its directory is.
fn settle(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory_of(path))?.sync_all() } else { Ok(()) }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pem");
        for length in [0, 1, LONGEST - 1, LONGEST] {
            fs::write(&path, vec![b'x'; length]).unwrap();
            assert_eq!(read(&path).unwrap().0.len(), length);
        }
        for length in [LONGEST + 1, 2 * LONGEST] {
            fs::write(&path, vec![b'x'; length]).unwrap();
            assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge, "{length}");
        }
    }

    #[test]
    fn a_file_is_written_in_its_own_directory() {
        for (path, directory) in [("keys/a.pem", "keys"), ("/a.pem", "/"), ("a.pem", ".")] {
            assert_eq!(directory_of(Path::new(path)), Path::new(directory));
        }
    }

    #[test]
    fn a_private_file_is_its_owners_alone_or_roots_and_our_groups() {
        const ROOT: u32 = 0;
        const WE: u32 = 1_000;
        for (mode, owner, us, exposed) in [
            (0o600, WE, WE, false),
            (0o400, WE, WE, false),
            (0o700, WE, WE, false),
            (0o640, WE, WE, true),
            (0o620, WE, WE, true),
            (0o604, WE, WE, true),
            (0o602, WE, WE, true),
            (0o644, WE, WE, true),
            (0o440, ROOT, WE, false),
            (0o640, ROOT, WE, false),
            (0o660, ROOT, WE, true),
            (0o644, ROOT, WE, true),
            (0o440, ROOT, ROOT, true),
            (0o600, ROOT, ROOT, false),
        ] {
            assert_eq!(is_exposed(mode, owner, us), exposed, "{mode:o} of {owner}, read by {us}");
        }
    }
}
