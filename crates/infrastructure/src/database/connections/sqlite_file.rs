//! A SQLite file as its connections share it: which file it is, and whether it can be written at the moment.
//!
//! SQLite goes on writing into a file, or into a write-ahead log, that has been deleted or replaced, and what is
//! acknowledged then is gone with the process. So each write looks first whether the paths still lead to what was opened.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use holdfast_application::ports::WriteOutage;
use sea_orm::{DbErr, RuntimeErr};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{sync::mpsc, time::Instant};

use crate::database::sqlite_errors::{outage, remedy};

/// A log that is longer than this is written back while nobody else may read from it: readers that follow on each other
/// without a gap would let it grow for ever.
pub(super) const LOG_LIMIT: u64 = 16 * 1024 * 1024;
/// How long a proof that the file can be written counts.
const PROVEN_FOR: Duration = Duration::from_secs(5);
/// An outage that comes and goes is told this often at most.
const QUIET: Duration = Duration::from_mins(1);

/// A path no longer leads to the file that was opened.
#[derive(Debug, thiserror::Error)]
#[error("the file, or one of those beside it that end in -wal and -shm, was deleted, moved or replaced")]
pub(in crate::database) struct FileReplaced;

/// The file does not work as a database that is written and read at once.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no write-ahead log (journal mode {0}): the file system must allow shared memory, as local disks do and network \
     shares do not"
)]
struct NoLog(String);

/// One file. It is open from the beginning to the end, so that SQLite never takes the log away in between.
pub(super) struct SqliteFile {
    paths: Paths,
    opened: Found,
    anchor: tokio::sync::Mutex<SqliteConnection>,
    state: Mutex<State>,
    watcher: mpsc::Sender<()>,
}

#[derive(Default)]
struct State {
    outage: Option<WriteOutage>,
    /// The present outage is in the log.
    told: bool,
    told_last: Option<(WriteOutage, Instant)>,
    /// It has to be found out whether the file can be written.
    suspected: bool,
    proven_at: Option<Instant>,
    /// The log was written back after the paths led elsewhere.
    saved: bool,
}

/// The database, its write-ahead log and the index of the log.
struct Paths([PathBuf; 3]);

/// Which files the paths lead to.
#[derive(PartialEq, Eq)]
struct Found([Option<FileId>; 3]);

#[derive(PartialEq, Eq)]
struct FileId(u64, u64);

impl SqliteFile {
    /// Opens the file and brings it into WAL mode. The receiver hears when there is something to be found out.
    pub(super) async fn open(
        path: &Path,
        options: &SqliteConnectOptions,
    ) -> Result<(Arc<Self>, mpsc::Receiver<()>), sqlx::Error> {
        let mut anchor = options.connect().await?;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut anchor).await?;
        if mode != "wal" {
            return Err(sqlx::Error::Configuration(Box::new(NoLog(mode))));
        }
        let paths = Paths::of(path).map_err(sqlx::Error::Io)?;
        let (opened, _) = paths.look();
        let (watcher, suspicions) = mpsc::channel(1);
        let (anchor, state) = (tokio::sync::Mutex::new(anchor), Mutex::default());
        Ok((Arc::new(Self { paths, opened, anchor, state, watcher }), suspicions))
    }

    /// Refuses to go on when the paths lead elsewhere.
    pub(super) fn check(&self) -> Result<(), sqlx::Error> {
        let (found, log) = self.paths.look();
        if found != self.opened {
            return Err(sqlx::Error::Io(io::Error::other(FileReplaced)));
        }
        if log > LOG_LIMIT {
            self.wake_watcher();
        }
        Ok(())
    }

    pub(super) fn log_is_long(&self) -> bool {
        self.paths.look().1 > LOG_LIMIT
    }

    /// Why the file cannot be written, as far as is known.
    pub(super) fn outage(&self) -> Option<WriteOutage> {
        self.state().outage
    }

    /// Whether it was written moments ago.
    pub(super) fn is_proven(&self) -> bool {
        self.state().proven_at.is_some_and(|at| at.elapsed() < PROVEN_FOR)
    }

    /// Whether somebody should try to write it. Damage does not go away by itself.
    pub(super) fn is_suspected(&self) -> bool {
        let state = self.state();
        state.suspected || state.outage.is_some_and(|outage| outage != WriteOutage::Damaged)
    }

    /// A statement failed. One that lost against another process tells nothing yet: the other may be done in a moment.
    pub(super) fn note(&self, error: &sqlx::Error) {
        match outage(error) {
            None => return,
            Some(WriteOutage::Locked) => self.state().suspected = true,
            Some(outage) => self.begins(outage, error),
        }
        self.wake_watcher();
    }

    /// It could not be written just now.
    pub(super) fn begins(&self, outage: WriteOutage, error: &sqlx::Error) {
        let mut state = self.state();
        state.suspected = false;
        if state.outage == Some(outage) || state.outage == Some(WriteOutage::Damaged) {
            return;
        }
        state.outage = Some(outage);
        let told_of = |(told, at): (WriteOutage, Instant)| told == outage && at.elapsed() < QUIET;
        state.told = !state.told_last.is_some_and(told_of);
        if state.told {
            state.told_last = Some((outage, Instant::now()));
            tracing::error!(
                target: "holdfast::database",
                file = %self.paths.database().display(),
                outage = outage.name(),
                error = error as &dyn std::error::Error,
                "nothing can be written: {outage}; {}",
                remedy(outage)
            );
        }
    }

    /// It was written just now.
    pub(super) fn ends(&self) {
        let mut state = self.state();
        state.suspected = false;
        state.proven_at = Some(Instant::now());
        if state.outage.take_if(|outage| *outage != WriteOutage::Damaged).is_some() && state.told {
            let file = self.paths.database().display();
            tracing::info!(target: "holdfast::database", %file, "the database is written again");
        }
    }

    /// Once the paths lead elsewhere, writes the log back into the database, both as they are open: what was acknowledged
    /// may be nowhere else.
    pub(super) async fn save_if_replaced(&self) {
        let is_new = {
            let mut state = self.state();
            let replaced = state.outage == Some(WriteOutage::Replaced);
            let is_new = replaced && !state.saved;
            state.saved = replaced;
            is_new
        };
        if is_new {
            self.save().await;
        }
    }

    async fn save(&self) {
        let saving = sqlx::query("PRAGMA wal_checkpoint(FULL)").execute(&mut *self.anchor.lock().await).await;
        if let Err(error) = saving {
            tracing::error!(
                target: "holdfast::database",
                file = %self.paths.database().display(),
                error = &error as &dyn std::error::Error,
                "the write-ahead log could not be written back"
            );
        }
    }

    /// Why nothing can begin with this file, for whoever starts the program.
    pub(super) fn unusable(&self, error: &sqlx::Error) -> DbErr {
        unusable(self.paths.database(), error)
    }

    fn wake_watcher(&self) {
        // One wake-up that is waiting is enough.
        let _ = self.watcher.try_send(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names the file, what is wrong with it, and what to do about it.
pub(super) fn unusable(path: &Path, error: &sqlx::Error) -> DbErr {
    let remedy = outage(error).map(|outage| format!("; {}", remedy(outage))).unwrap_or_default();
    let told = format!("the SQLite file {} cannot be used: {error}{remedy}", path.display());
    DbErr::Conn(RuntimeErr::Internal(told))
}

impl Paths {
    /// SQLite follows links before it names the other two.
    fn of(path: &Path) -> io::Result<Self> {
        let real = fs::canonicalize(path)?;
        let beside = |suffix| {
            let mut name = OsString::from(&real);
            name.push(suffix);
            PathBuf::from(name)
        };
        Ok(Self([path.to_owned(), beside("-wal"), beside("-shm")]))
    }

    fn database(&self) -> &Path {
        &self.0[0]
    }

    /// What is found there, and the length of the log.
    fn look(&self) -> (Found, u64) {
        let found = self.0.each_ref().map(|path| fs::metadata(path).ok());
        let log = found[1].as_ref().map_or(0, Metadata::len);
        (Found(found.map(|metadata| metadata.as_ref().map(FileId::of))), log)
    }
}

impl FileId {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self(metadata.dev(), metadata.ino())
    }

    /// Elsewhere a file that is open cannot be deleted, moved or replaced.
    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self(0, 0)
    }
}
