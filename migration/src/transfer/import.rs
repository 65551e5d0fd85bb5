//! Into a database: all rows of a dump or none of them, on the schema that they come from, and then on to the newest.

use std::fs::File;
use std::path::Path;

use super::check::{Checked, check};
use super::error::TransferError;
use super::files::Source;
use super::format::Header;
use super::layout::Layout;
use super::load::{Loaded, advance_sequences, load};
use super::session::Session;
use super::sqlite_file::{NewFile, examine, hold, is_damage, real, refuse_log, settle};
use super::{Dump, Restored, Rules, Transfer, sessions, snapshot};
use crate::connection::Purpose;
use crate::database_url::SqliteLocation;
use crate::{DatabaseUrl, Engine, MigrationError, Runner};

/// Servers that are connected. Behind a pooler they have no name.
const SERVERS: &str = "SELECT count(*)::text FROM pg_catalog.pg_stat_activity WHERE datname = current_database() \
     AND application_name LIKE 'holdfast%' AND application_name <> 'holdfast-migration' AND pid <> pg_backend_pid()";

impl Transfer {
    /// Reads a dump from end to end, and tells what is in it and whether this release can take it in.
    ///
    /// # Errors
    /// [`TransferError`], as far as the dump alone is concerned.
    pub fn check(&self, source: &Source) -> Result<Dump, TransferError> {
        let checked = check(&mut source.open()?)?;
        self.point(&checked.header)?;
        Ok(Dump::of(&checked.header, checked.sums, checked.sha256))
    }

    /// Puts every row of a dump into an empty database, or with [`Rules::force`] into the place of what is there.
    ///
    /// # Errors
    /// [`TransferError`]; the rows in the target are as they were, except after [`TransferError::Unfinished`].
    pub async fn import(&self, source: &Source, rules: Rules) -> Result<Restored, TransferError> {
        let mut file = source.open()?;
        let checked = check(&mut file)?;
        let steps = self.point(&checked.header)?;
        let loaded = match &self.url {
            DatabaseUrl::Postgres(_) => self.fill_postgres(&file, &checked, steps, rules).await?,
            DatabaseUrl::Sqlite(SqliteLocation::File(path)) => {
                self.fill_file(&real(path)?, &file, steps, rules).await?
            }
            DatabaseUrl::Sqlite(SqliteLocation::Memory) => return Err(MigrationError::InMemory.into()),
        };
        Ok(Restored { taken_at: Some(checked.header.taken_at), tables: loaded.sums, escaped: loaded.escaped })
    }

    /// How many of this binary's migrations the dump's schema has; they must be the oldest ones.
    fn point(&self, header: &Header) -> Result<usize, TransferError> {
        let migrations = (self.migrations)();
        let names: Vec<&str> = header.migrations.iter().map(|applied| applied.name.as_str()).collect();
        let newer: Vec<String> = names
            .iter()
            .filter(|name| !crate::plan::knows(&migrations, name))
            .map(|name| (*name).to_owned())
            .collect();
        if !newer.is_empty() {
            return Err(TransferError::NewerSchema(newer));
        }
        let oldest = migrations.iter().take(names.len());
        match oldest.map(|migration| migration.name()).find(|name| !names.contains(name)) {
            Some(missing) => Err(TransferError::Gap(missing.to_owned())),
            None if names.is_empty() => Err(TransferError::NoSchema),
            None => Ok(names.len()),
        }
    }

    async fn fill_postgres(
        &self,
        file: &File,
        checked: &Checked,
        steps: usize,
        rules: Rules,
    ) -> Result<Loaded, TransferError> {
        if checked.nul > 0 && !rules.escape_nul {
            return Err(TransferError::Nul { count: checked.nul, places: checked.nul_places.clone() });
        }
        let runner = self.runner(&self.url);
        if runner.would_adopt().await?.is_some() {
            return Err(TransferError::FastApi);
        }
        let ready = self.look_at_postgres(&checked.header, rules).await?;
        if ready < steps {
            runner.up(u32::try_from(steps - ready).ok()).await?;
        }
        let Some(mut session) = self.write(&self.url).await? else {
            return Err(TransferError::NoSchema);
        };
        let loaded = self.replace_rows(&mut session, file, &checked.header, rules).await;
        session.close().await;
        let loaded = loaded?;
        runner.up(None).await.map_err(TransferError::Unfinished)?;
        Ok(loaded)
    }

    /// Refuses before anything is changed, and tells how many migrations are applied.
    async fn look_at_postgres(&self, header: &Header, rules: Rules) -> Result<usize, TransferError> {
        let Some(mut session) = self.read().await? else { return Ok(0) };
        let looked = async {
            let (applied, layout) = self.target(&mut session).await?;
            let ahead = applied.iter().any(|name| !header.migrations.iter().any(|known| known.name == *name));
            if ahead {
                let last = header.migrations.last().map(|last| last.name.clone()).unwrap_or_default();
                return Err(TransferError::TargetAhead(last));
            }
            refuse_rows(&mut session, &layout, rules).await?;
            refuse_servers(&mut session).await?;
            Ok(applied.len())
        };
        let looked = looked.await;
        session.close().await;
        looked
    }

    /// One transaction: whoever dies in it leaves the target as it was.
    async fn replace_rows(
        &self,
        session: &mut Session,
        file: &File,
        header: &Header,
        rules: Rules,
    ) -> Result<Loaded, TransferError> {
        snapshot::begin_alone(session).await?;
        let (applied, layout) = self.target(session).await?;
        if !applied.iter().eq(header.migrations.iter().map(|known| &known.name)) {
            return Err(TransferError::InUse("somebody else changes the schema".to_owned()));
        }
        let tables = layout.quoted().join(", ");
        session
            .execute(&format!("LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))
            .await
            .map_err(snapshot::locked)?;
        refuse_rows(session, &layout, rules).await?;
        if rules.force {
            session.execute(&format!("TRUNCATE {tables}")).await.map_err(snapshot::locked)?;
        }
        let loaded = load(session, &layout, file, rules.escape_nul).await?;
        advance_sequences(session, &layout).await?;
        if rules.end_sessions {
            sessions::end(session, &layout).await?;
        }
        refuse_servers(session).await?;
        session.execute("COMMIT").await.map_err(TransferError::Commit)?;
        Ok(loaded)
    }

    /// A new file, which takes the target's place when everything is in it.
    async fn fill_file(
        &self,
        target: &Path,
        file: &File,
        steps: usize,
        rules: Rules,
    ) -> Result<Loaded, TransferError> {
        self.look_at_file(target, rules).await?;
        let new = NewFile::begin(target)?;
        let runner = self.runner(&new.url());
        runner.up(u32::try_from(steps).ok()).await?;
        let loaded = self.in_file(&new, async |session, layout| {
            let loaded = load(session, layout, file, rules.escape_nul).await?;
            if rules.end_sessions {
                sessions::end(session, layout).await?;
            }
            Ok(loaded)
        });
        let loaded = loaded.await?;
        runner.up(None).await?;
        self.place(new, target, rules).await?;
        Ok(loaded)
    }

    /// Refuses before anything is done.
    pub(super) async fn look_at_file(&self, target: &Path, rules: Rules) -> Result<(), TransferError> {
        if !target.exists() {
            return refuse_log(
                target,
                "the file that it belongs to is gone; move it away, if it is not needed",
            );
        }
        self.hold_target(target, rules).await?.close().await;
        Ok(())
    }

    /// Does `work` in a transaction on the new file.
    pub(super) async fn in_file<T>(
        &self,
        new: &NewFile,
        work: impl AsyncFnOnce(&mut Session, &Layout) -> Result<T, TransferError>,
    ) -> Result<T, TransferError> {
        let Some(mut session) = self.write(&new.url()).await? else { return Err(TransferError::NoSchema) };
        let done = async {
            snapshot::begin_alone(&mut session).await?;
            let (_, layout) = self.target(&mut session).await?;
            let done = work(&mut session, &layout).await?;
            session.execute("COMMIT").await.map_err(TransferError::Commit)?;
            Ok(done)
        };
        let done = done.await;
        session.close().await;
        done
    }

    /// Examines the new file once more and gives it the target's name.
    pub(super) async fn place(&self, new: NewFile, target: &Path, rules: Rules) -> Result<(), TransferError> {
        let Some(mut session) = self.write(&new.url()).await? else { return Err(TransferError::NoSchema) };
        let settled = async {
            examine(&mut session, &new.path).await?;
            settle(&mut session).await
        };
        let settled = settled.await;
        session.close().await;
        settled?;
        let held = if target.exists() { Some(self.hold_target(target, rules).await?) } else { None };
        new.put_in_place(target, held).await
    }

    /// Nobody else has it while the session lasts, and nothing in it would be lost that may not be.
    async fn hold_target(&self, target: &Path, rules: Rules) -> Result<Session, TransferError> {
        let damaged = || TransferError::DamagedTarget(target.to_owned());
        let held = self.try_to_hold(target, rules).await;
        held.map_err(|error| if is_damage(&error) { damaged() } else { error })
    }

    async fn try_to_hold(&self, target: &Path, rules: Rules) -> Result<Session, TransferError> {
        let url = super::sqlite_file::url(target);
        let session = Session::open(&url, Purpose::Read, self.patience).await?;
        let mut session = session.ok_or(TransferError::NoSchema)?;
        let held = async {
            let (_, layout) = self.target(&mut session).await?;
            refuse_rows(&mut session, &layout, rules).await?;
            hold(&mut session, target).await?;
            // Somebody may have written in between.
            refuse_rows(&mut session, &layout, rules).await
        };
        match held.await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.close().await;
                Err(error)
            }
        }
    }

    /// What is applied in the target, and what that has made.
    async fn target(&self, session: &mut Session) -> Result<(Vec<String>, Layout), TransferError> {
        let applied = snapshot::applied(session).await?;
        let layout = Layout::read(session, &(self.migrations)(), &snapshot::entries(&applied)).await?;
        Ok((applied.into_iter().map(|applied| applied.name).collect(), layout))
    }

    pub(super) fn runner(&self, url: &DatabaseUrl) -> Runner {
        Runner::with_migrations(url, (self.migrations)()).connect_within(self.patience)
    }

    async fn write(&self, url: &DatabaseUrl) -> Result<Option<Session>, TransferError> {
        Session::open(url, Purpose::Write, self.patience).await
    }
}

async fn refuse_rows(session: &mut Session, layout: &Layout, rules: Rules) -> Result<(), TransferError> {
    if rules.force {
        return Ok(());
    }
    let filled = snapshot::filled(session, layout).await?;
    if filled.is_empty() { Ok(()) } else { Err(TransferError::NotEmpty(filled)) }
}

async fn refuse_servers(session: &mut Session) -> Result<(), TransferError> {
    if session.engine() == Engine::Sqlite {
        return Ok(());
    }
    match session.column(SERVERS, "").await?.pop().as_deref() {
        Some("0") | None => Ok(()),
        Some(count) => Err(TransferError::InUse(format!(
            "a server is running: it has {count} connections to the target"
        ))),
    }
}
