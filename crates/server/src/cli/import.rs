//! `holdfast import`: what `export` wrote, into an empty database of either engine.

use anyhow::bail;
use clap::Args;
use migration::transfer::{FileKind, kind_of_file};

use super::transfer::{ReadArgs, interruptible, show_dump, show_restored, transfer};
use crate::settings::{Settings, Warning};

const EXAMPLES: &str = "\
Examples:
  holdfast import --check holdfast.dump                  is it whole? opens no database
  DATABASE_URL=postgresql://… holdfast import holdfast.dump
  zcat -t holdfast.dump && holdfast import --force holdfast.dump
  ssh backup 'cat holdfast.dump' | holdfast import -

All rows come in or none. The database must be empty: without any table, or migrated and without rows. Its schema is brought
to the dump's and, when the rows are in, to the newest. No server may run on it.";

/// Take a dump into an empty database; all of it or nothing
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) async fn run(
    settings: &Settings,
    warnings: &[Warning],
    ImportArgs { read }: ImportArgs,
) -> anyhow::Result<()> {
    if !read.is_stdin() && kind_of_file(&read.file)? == FileKind::Sqlite {
        bail!("{} is a SQLite database and no dump: `holdfast restore` puts it back", read.file.display());
    }
    import(settings, warnings, &read).await
}

/// Also what restoring a dump is.
pub(super) async fn import(settings: &Settings, warnings: &[Warning], read: &ReadArgs) -> anyhow::Result<()> {
    let transfer = transfer(settings, warnings);
    let source = read.source();
    if read.check {
        return show_dump(&transfer.check(&source)?, "whole", false, read.json);
    }
    let restored =
        interruptible(async { Ok(Box::pin(transfer.import(&source, read.rules())).await?) }).await?;
    show_restored(&restored, read.json)
}
