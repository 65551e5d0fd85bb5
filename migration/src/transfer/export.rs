//! Out of a database: every row of one moment, into a dump that either engine can take in.

use super::error::TransferError;
use super::files::Destination;
use super::format::{Header, NAME, VERSION};
use super::layout::Layout;
use super::progress::Progress;
use super::session::Session;
use super::sqlite_file::refuse_own;
use super::writer::DumpWriter;
use super::{Dump, Transfer, rows, snapshot};
use crate::connection::Purpose;

impl Transfer {
    /// Writes every row of ours, as they are at one moment, while others go on writing.
    ///
    /// # Errors
    /// [`TransferError`]; no file of that name is made then.
    pub async fn export(&self, to: &Destination) -> Result<Dump, TransferError> {
        // Before the database is asked: a name that is taken is no reason to open it.
        if let Destination::File { path, .. } = to {
            refuse_own(&self.url, path)?;
        }
        let output = to.open()?;
        let mut session = self.read().await?.ok_or(TransferError::NoSchema)?;
        let written = self.write_dump(&mut session, output, to).await;
        session.close().await;
        let (dump, output) = written?;
        output.finish()?;
        Ok(dump)
    }

    async fn write_dump<W: std::io::Write>(
        &self,
        session: &mut Session,
        output: W,
        to: &Destination,
    ) -> Result<(Dump, W), TransferError> {
        let fault = to.fault();
        let (_, before) = self.header(session).await?;
        snapshot::begin_snapshot(session, &before.quoted().join(", ")).await?;
        let (header, layout) = self.header(session).await?;
        if layout.quoted() != before.quoted() {
            return Err(TransferError::InUse("a migration has just changed the schema".to_owned()));
        }
        let mut writer = DumpWriter::begin(output, &header).map_err(&fault)?;
        let mut progress = Progress::begin("exported");
        for table in &layout.tables {
            rows::each_row(session, table, |row| {
                progress.advance(&table.name, writer.rows());
                writer.row(row).map_err(&fault)
            })
            .await?;
            progress.finish(&table.name, writer.rows());
            writer.end_table(&table.name).map_err(&fault)?;
        }
        let (output, tables, sha256) = writer.end().map_err(&fault)?;
        Ok((Dump::of(&header, tables, sha256), output))
    }

    async fn header(&self, session: &mut Session) -> Result<(Header, Layout), TransferError> {
        let migrations = (self.migrations)();
        let applied = snapshot::applied(session).await?;
        if applied.is_empty() {
            return Err(TransferError::NoSchema);
        }
        let newer = applied.iter().map(|applied| &applied.name);
        let newer: Vec<String> =
            newer.filter(|name| !crate::plan::knows(&migrations, name)).cloned().collect();
        if !newer.is_empty() {
            return Err(TransferError::NewerSchema(newer));
        }
        let layout = Layout::read(session, &migrations, &snapshot::entries(&applied)).await?;
        let header = Header {
            format: NAME.to_owned(),
            version: VERSION,
            holdfast: env!("CARGO_PKG_VERSION").to_owned(),
            engine: session.engine().to_string(),
            taken_at: snapshot::clock(session).await?,
            migrations: applied,
            tables: layout.heads(),
            left_out: layout.left_out.clone(),
        };
        Ok((header, layout))
    }

    pub(crate) async fn read(&self) -> Result<Option<Session>, TransferError> {
        Session::open(&self.url, Purpose::Read, self.patience).await
    }
}
