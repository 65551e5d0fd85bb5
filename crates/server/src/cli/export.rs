//! `holdfast export`: every row of one moment, in a form that both engines take in.

use clap::Args;

use super::transfer::{WriteArgs, interruptible, show_dump, transfer};
use crate::settings::{Settings, Warning};

const EXAMPLES: &str = "\
Examples:
  holdfast export holdfast.dump
  holdfast export --json holdfast.dump | jq .sha256
  holdfast export - | ssh backup 'cat > holdfast.dump'
  zcat holdfast.dump | head -n 1 | jq .                 what is in it

To move to PostgreSQL: stop the server, then
  DATABASE_URL=sqlite://data/holdfast.db holdfast export move.dump
  DATABASE_URL=postgresql://… holdfast import move.dump

A dump holds password hashes, hashes of tokens, and second factors (encrypted): keep it as you keep the database.";

/// Write every row into a dump that SQLite and PostgreSQL take in; servers go on meanwhile
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    write: WriteArgs,
}

pub(super) async fn run(
    settings: &Settings,
    warnings: &[Warning],
    ExportArgs { write }: ExportArgs,
) -> anyhow::Result<()> {
    export(settings, warnings, &write).await
}

/// Also what a backup of PostgreSQL is.
pub(super) async fn export(
    settings: &Settings,
    warnings: &[Warning],
    write: &WriteArgs,
) -> anyhow::Result<()> {
    let transfer = transfer(settings, warnings);
    let destination = write.destination();
    let dump = interruptible(async { Ok(transfer.export(&destination).await?) }).await?;
    let what = if write.is_stdout() { "written".to_owned() } else { write.file.display().to_string() };
    show_dump(&dump, &what, write.is_stdout(), write.json)
}
