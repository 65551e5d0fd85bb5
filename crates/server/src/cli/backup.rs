//! `holdfast backup`: a consistent copy of the database while it is in use.

use anyhow::bail;
use clap::Args;
use migration::Engine;
use migration::transfer::CopiedFile;
use serde_json::json;

use super::export::export;
use super::transfer::{WriteArgs, interruptible, show, show_json, transfer};
use crate::settings::{Settings, Warning};

const EXAMPLES: &str = "\
Examples:
  holdfast backup /var/backups/holdfast-$(date +%F).db       SQLite: a database file
  holdfast backup /var/backups/holdfast-$(date +%F).dump     PostgreSQL: a dump, as `holdfast export` writes it
  holdfast backup --force latest.db
  holdfast restore --check latest.db                         afterwards: is it whole?

Of SQLite the copy is a database file again, which opens at once; `holdfast export` makes a dump of it, which PostgreSQL takes
in as well. A backup holds password hashes, hashes of tokens, and second factors (encrypted): keep it as you keep the
database, and keep JWT_SECRET, PASSWORD_PEPPER and ENCRYPTION_KEY elsewhere.";

/// Copy the database as it is at one moment; servers go on meanwhile
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    write: WriteArgs,
}

pub(super) async fn run(
    settings: &Settings,
    warnings: &[Warning],
    BackupArgs { write }: BackupArgs,
) -> anyhow::Result<()> {
    match settings.database.migration_url.engine() {
        Engine::Postgres => export(settings, warnings, &write).await,
        Engine::Sqlite if write.is_stdout() => {
            bail!("a SQLite file cannot be written to a pipe: `holdfast export -` writes a dump")
        }
        Engine::Sqlite => copy(settings, warnings, &write).await,
    }
}

async fn copy(settings: &Settings, warnings: &[Warning], write: &WriteArgs) -> anyhow::Result<()> {
    let transfer = transfer(settings, warnings);
    let copying = async { Ok(transfer.backup_file(&write.file, write.force).await?) };
    let CopiedFile { bytes, migration } = interruptible(copying).await?;
    if write.json {
        return show_json(&json!({ "kind": "sqlite", "bytes": bytes, "migration": migration }), false);
    }
    show(&format!("{}: {bytes} bytes, examined, at the migration {migration}", write.file.display()), false);
    Ok(())
}
