//! SQLite files as a whole: a copy of one that is in use, and one that takes the place of another.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::AssertSqlSafe;
use tempfile::{TempDir, TempPath};

use super::error::TransferError;
use super::files::{folder, sync_folder};
use super::session::{Line, Session};
use crate::database_url::SqliteLocation;
use crate::error::{is_sqlite_busy, is_sqlite_damage};
use crate::{DatabaseUrl, MigrationError};

/// What SQLite keeps beside a file.
const LOGS: [&str; 2] = ["-wal", "-journal"];

/// A database that becomes the target when everything is in it. In a folder of its own, with all that SQLite puts
/// beside it; both vanish unless it is put in place.
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    folder: TempDir,
}

impl NewFile {
    /// In the folder of the target, so that a change of name is all that is left to do.
    pub(crate) fn begin(target: &Path) -> Result<Self, TransferError> {
        let fault = TransferError::file(target);
        let mut prefix = OsString::from(".");
        prefix.push(target.file_name().unwrap_or_default());
        prefix.push(".");
        let folder = tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempdir_in(folder(target));
        let folder = folder.map_err(fault)?;
        let path = folder.path().join("holdfast.db");
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).map_err(TransferError::file(&path))?;
        Ok(Self { path, folder })
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        url(&self.path)
    }

    /// Puts it where the target is, or was missing. The target is held alone meanwhile.
    pub(crate) async fn put_in_place(
        self,
        target: &Path,
        held: Option<Session>,
    ) -> Result<(), TransferError> {
        let Self { path, folder } = self;
        let file = File::open(&path).map_err(TransferError::file(&path))?;
        #[cfg(unix)]
        like_before(&file, target).map_err(TransferError::file(target))?;
        file.sync_all().map_err(TransferError::file(&path))?;
        let placed = match held {
            // While it is held, nobody can begin to use the old file. Elsewhere than on Unix an open file cannot be replaced.
            Some(session) if cfg!(unix) => {
                let renamed = fs::rename(&path, target).map_err(TransferError::file(target));
                session.close().await;
                renamed
            }
            Some(session) => {
                session.close().await;
                fs::rename(&path, target).map_err(TransferError::file(target))
            }
            None => TempPath::try_from_path(&path)
                .and_then(|path| path.persist_noclobber(target).map_err(|error| error.error))
                .map_err(TransferError::file(target)),
        };
        placed?;
        sync_folder(target)?;
        drop(folder);
        Ok(())
    }
}

/// Whoever could use the target before can use what takes its place, whoever it is that restores.
#[cfg(unix)]
fn like_before(file: &File, target: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    match fs::metadata(target) {
        Ok(before) => {
            fchown(file, Some(before.uid()), Some(before.gid()))?;
            file.set_permissions(before.permissions())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refuses to write over the database that is read, and over what SQLite keeps beside it.
pub(crate) fn refuse_own(database: &DatabaseUrl, path: &Path) -> Result<(), TransferError> {
    let DatabaseUrl::Sqlite(SqliteLocation::File(database)) = database else { return Ok(()) };
    let database = real(database)?;
    let own = ["", "-wal", "-shm", "-journal"].into_iter().any(|suffix| {
        let mut part = database.as_os_str().to_owned();
        part.push(suffix);
        place(Path::new(&part)) == place(path)
    });
    if own { Err(TransferError::Own(path.to_owned())) } else { Ok(()) }
}

/// Where a file is, or would be.
fn place(path: &Path) -> Option<PathBuf> {
    let would_be = || Some(fs::canonicalize(folder(path)).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(would_be)
}

/// Whether SQLite says that the file is damaged, or no database.
pub(crate) fn is_damage(error: &TransferError) -> bool {
    match error {
        TransferError::Schema(MigrationError::Connect { damaged, .. }) => *damaged,
        TransferError::Database(error) => is(error, is_sqlite_damage),
        _ => false,
    }
}

/// Where the target really is: what a link leads to is replaced, not the link.
pub(crate) fn real(target: &Path) -> Result<PathBuf, TransferError> {
    match fs::canonicalize(target) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(target.to_owned()),
        Err(error) => Err(TransferError::file(target)(error)),
    }
}

pub(crate) fn url(path: &Path) -> DatabaseUrl {
    DatabaseUrl::Sqlite(SqliteLocation::File(path.to_owned()))
}

/// Writes a copy of what one read transaction sees into the empty file `copy`.
pub(crate) async fn copy(session: &mut Session, copy: &Path) -> Result<(), TransferError> {
    let invalid = || TransferError::file(copy)(io::ErrorKind::InvalidFilename.into());
    let name = copy.to_str().ok_or_else(invalid)?;
    if let Line::Sqlite(line) = &mut session.line {
        sqlx::query("VACUUM INTO $1").bind(name).execute(&mut **line).await?;
    }
    Ok(())
}

/// Everything that SQLite can tell about a file: pages, indexes, constraints, and rows without their parent row.
pub(crate) async fn examine(session: &mut Session, path: &Path) -> Result<(), TransferError> {
    let damaged = |fault: String| TransferError::DamagedFile { path: path.to_owned(), fault };
    let told = session.column("PRAGMA integrity_check(3)", "").await;
    let told = told.map_err(|error| damaged(error.to_string()))?;
    if told != ["ok"] {
        return Err(damaged(told.join("; ")));
    }
    let sql = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_check";
    let dangling = session.column(sql, "").await?;
    if dangling.is_empty() {
        return Ok(());
    }
    Err(damaged(format!("rows in {} refer to rows that do not exist", dangling.join(", "))))
}

/// Brings everything into the file itself, so that it can be moved alone.
pub(crate) async fn settle(session: &mut Session) -> Result<(), TransferError> {
    Ok(session.execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE").await?)
}

/// Holds the target so that nobody else has it open or can open it, and leaves no log beside it: SQLite would read the
/// old one into the new file. Closing the session lets go.
pub(crate) async fn hold(session: &mut Session, target: &Path) -> Result<(), TransferError> {
    let Line::Sqlite(line) = &mut session.line else { return Ok(()) };
    for sql in [
        "PRAGMA busy_timeout = 1000",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA journal_mode = DELETE",
        "BEGIN EXCLUSIVE",
    ] {
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **line).await;
        done.map_err(|error| in_use(target, error))?;
    }
    Ok(())
}

/// Refuses where a log lies beside the file: without it the file is not whole, and beside another it does harm.
pub(crate) fn refuse_log(path: &Path, remedy: &'static str) -> Result<(), TransferError> {
    for suffix in LOGS {
        let mut log = path.as_os_str().to_owned();
        log.push(suffix);
        let log = PathBuf::from(log);
        if log.metadata().is_ok_and(|metadata| metadata.len() > 0) {
            return Err(TransferError::Log { path: log, remedy });
        }
    }
    Ok(())
}

fn in_use(target: &Path, error: sqlx::Error) -> TransferError {
    if is(&error, is_sqlite_busy) {
        return TransferError::InUse(format!("another process has {} open", target.display()));
    }
    error.into()
}

/// Whether it is of this kind by SQLite's code.
fn is(error: &sqlx::Error, kind: fn(&str) -> bool) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| kind(&code))
}
