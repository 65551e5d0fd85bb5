//! A SQLite database as a file: copied while it is in use, and put back.

use std::fs::OpenOptions;
use std::path::Path;

use super::error::TransferError;
use super::files::{Source, begin_file, finish_file};
use super::session::Session;
use super::sqlite_file::{NewFile, copy, examine, real, refuse_log, refuse_own, url};
use super::{CopiedFile, Restored, Rules, Transfer, sessions, snapshot};
use crate::connection::Purpose;
use crate::database_url::SqliteLocation;
use crate::{DatabaseUrl, MigrationError};

const LOG_OF_COPY: &str = "the file that is to be restored is in use or was copied without it; take a backup with `holdfast backup`";

impl Transfer {
    /// Copies the SQLite database as it is at one moment, while others go on writing, and examines the copy.
    ///
    /// # Errors
    /// [`TransferError`]; no file of that name is made then.
    pub async fn backup_file(&self, path: &Path, replace: bool) -> Result<CopiedFile, TransferError> {
        refuse_own(&self.url, path)?;
        let file = begin_file(path, replace)?;
        let mut session = self.read().await?.ok_or(TransferError::NoSchema)?;
        let copied = copy(&mut session, file.path()).await;
        session.close().await;
        copied?;
        let migration = self.examine_file(file.path()).await?;
        let bytes = file.as_file().metadata().map_err(TransferError::file(path))?.len();
        finish_file(file, path, replace)?;
        Ok(CopiedFile { bytes, migration })
    }

    /// Examines a copy of a SQLite database, and tells its newest migration.
    ///
    /// # Errors
    /// [`TransferError`]: what is wrong with it, or that this release does not know its schema.
    pub async fn examine_file(&self, path: &Path) -> Result<String, TransferError> {
        refuse_log(path, LOG_OF_COPY)?;
        let session = Session::open(&url(path), Purpose::Read, self.patience).await?;
        let mut session = session.ok_or(TransferError::NoSchema)?;
        let examined = async {
            examine(&mut session, path).await?;
            snapshot::applied(&mut session).await
        };
        let examined = examined.await;
        session.close().await;
        let applied = examined?;
        let migrations = (self.migrations)();
        let newer = applied.iter().map(|applied| applied.name.clone());
        let newer: Vec<String> = newer.filter(|name| !crate::plan::knows(&migrations, name)).collect();
        if !newer.is_empty() {
            return Err(TransferError::NewerSchema(newer));
        }
        applied.into_iter().next_back().map(|applied| applied.name).ok_or(TransferError::NoSchema)
    }

    /// Puts a copy of a SQLite database in the place of the configured one, migrated to the newest schema.
    ///
    /// # Errors
    /// [`TransferError`]; the target is as it was.
    pub async fn restore_file(&self, copy: &Path, rules: Rules) -> Result<Restored, TransferError> {
        let target = match &self.url {
            DatabaseUrl::Sqlite(SqliteLocation::File(path)) => real(path)?,
            DatabaseUrl::Sqlite(SqliteLocation::Memory) => return Err(MigrationError::InMemory.into()),
            DatabaseUrl::Postgres(_) => {
                return Err(TransferError::WrongEngine(
                    "this is a SQLite file, and the database is PostgreSQL: `holdfast export` on that file makes a dump, which \
                     `holdfast import` takes in here",
                ));
            }
        };
        if rules.escape_nul {
            return Err(TransferError::WrongEngine(
                "a SQLite file is restored as it is; --escape-nul goes with dumps for PostgreSQL",
            ));
        }
        self.examine_file(copy).await?;
        self.look_at_file(&target, rules).await?;
        let new = NewFile::begin(&target)?;
        let mut from = Source::File(copy.to_owned()).open()?;
        let to = OpenOptions::new().write(true).open(&new.path);
        let mut to = to.map_err(TransferError::file(&new.path))?;
        std::io::copy(&mut from, &mut to).map_err(TransferError::file(&target))?;
        self.runner(&new.url()).up(None).await?;
        if rules.end_sessions {
            self.in_file(&new, async |session, layout| sessions::end(session, layout).await).await?;
        }
        self.place(new, &target, rules).await?;
        Ok(Restored { taken_at: None, tables: Vec::new(), escaped: 0 })
    }
}
