//! The files that a dump or a copy is written to and read from: private (0600), and there as a whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::TransferError;
use super::reader::GZIP;

/// How a SQLite database begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Where a dump goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A file of this name, made when everything is in it.
    File {
        /// Its name.
        path: PathBuf,
        /// Whether it takes the place of another.
        replace: bool,
    },
    /// Standard output. Who reads it learns by the last line that nothing is missing.
    Stdout,
}

/// Where a dump, or a copy of a SQLite database, comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input. It is read to its end, into a temporary file, before anything is done with it.
    Stdin,
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Compressed, as a dump is.
    Dump,
    /// A SQLite database.
    Sqlite,
    /// Neither.
    Other,
}

/// What is being written.
pub(crate) enum Output {
    File { file: BufWriter<NamedTempFile>, path: PathBuf, replace: bool },
    Stdout(BufWriter<io::Stdout>),
}

impl Destination {
    /// Looks whether the file may be made, and begins it under another name.
    pub(crate) fn open(&self) -> Result<Output, TransferError> {
        match self {
            Self::File { path, replace } => {
                let file = begin_file(path, *replace)?;
                Ok(Output::File { file: BufWriter::new(file), path: path.clone(), replace: *replace })
            }
            Self::Stdout => Ok(Output::Stdout(BufWriter::new(io::stdout()))),
        }
    }

    pub(crate) fn fault(&self) -> impl Fn(io::Error) -> TransferError + Clone {
        let path = match self {
            Self::File { path, .. } => Some(path.clone()),
            Self::Stdout => None,
        };
        move |cause| match &path {
            Some(path) => TransferError::File { path: path.clone(), cause },
            None => TransferError::Stream { what: "standard output", cause },
        }
    }
}

impl Output {
    /// Brings everything to the disk, and only then gives the file its name.
    pub(crate) fn finish(self) -> Result<(), TransferError> {
        match self {
            Self::File { file, path, replace } => {
                let file =
                    file.into_inner().map_err(|error| TransferError::file(&path)(error.into_error()))?;
                finish_file(file, &path, replace)
            }
            Self::Stdout(mut out) => {
                out.flush().map_err(|cause| TransferError::Stream { what: "standard output", cause })
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File { file, .. } => file.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}

impl Source {
    /// Opens it so that it can be read twice.
    pub(crate) fn open(&self) -> Result<File, TransferError> {
        match self {
            Self::File(path) => File::open(path).map_err(TransferError::file(path)),
            Self::Stdin => {
                let fault = |cause| TransferError::Stream { what: "standard input", cause };
                let mut spool = tempfile::tempfile().map_err(fault)?;
                io::copy(&mut io::stdin().lock(), &mut spool).map_err(fault)?;
                spool.rewind().map_err(fault)?;
                Ok(spool)
            }
        }
    }
}

/// What the file is.
///
/// # Errors
/// [`TransferError::File`] when it cannot be read.
pub fn kind_of_file(path: &Path) -> Result<FileKind, TransferError> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut start));
    read.map_err(TransferError::file(path))?;
    Ok(if start == SQLITE {
        FileKind::Sqlite
    } else if start.starts_with(&GZIP) {
        FileKind::Dump
    } else {
        FileKind::Other
    })
}

/// A file beside the one that it will become. Only its owner may read it, and it vanishes unless it is finished.
pub(crate) fn begin_file(path: &Path, replace: bool) -> Result<NamedTempFile, TransferError> {
    if !replace && path.symlink_metadata().is_ok() {
        return Err(TransferError::Exists(path.to_owned()));
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename);
    let name = name.map_err(|kind| TransferError::file(path)(kind.into()))?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(".partial")
        .tempfile_in(folder(path))
        .map_err(TransferError::file(path))
}

/// Brings it to the disk and gives it its name.
pub(crate) fn finish_file(file: NamedTempFile, path: &Path, replace: bool) -> Result<(), TransferError> {
    file.as_file().sync_all().map_err(TransferError::file(path))?;
    let named = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    named.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => TransferError::Exists(path.to_owned()),
        _ => TransferError::file(path)(error.error),
    })?;
    sync_folder(path)
}

/// The new name itself survives a power cut.
pub(crate) fn sync_folder(path: &Path) -> Result<(), TransferError> {
    #[cfg(unix)]
    File::open(folder(path)).and_then(|folder| folder.sync_all()).map_err(TransferError::file(path))?;
    Ok(())
}

pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
