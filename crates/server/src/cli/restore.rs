//! `holdfast restore`: what `backup` or `export` wrote, back into the configured database.

use clap::Args;
use migration::transfer::{FileKind, kind_of_file};
use serde_json::json;

use super::import::import;
use super::transfer::{ReadArgs, interruptible, show, show_json, show_restored, transfer};
use crate::settings::{Settings, Warning};

const EXAMPLES: &str = "\
Examples:
  holdfast restore --check /var/backups/holdfast.db      is it whole? changes nothing
  holdfast restore /var/backups/holdfast.db              SQLite, where there is no database yet
  holdfast restore --force --end-sessions old.db         instead of what is there, and everybody signs in anew
  holdfast restore /var/backups/holdfast.dump            a dump goes into either engine: the same as `holdfast import`

Stop every server on the database first; one on a SQLite file is noticed. All of it is restored or nothing is changed.
Sessions live on with the same JWT_SECRET. With an old backup those live again that have ended since, and so do personal
access tokens that were revoked: --end-sessions ends the former; revoke the latter once more.";

/// Put a backup back: into an empty database, or with --force in the place of what is there
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) async fn run(
    settings: &Settings,
    warnings: &[Warning],
    RestoreArgs { read }: RestoreArgs,
) -> anyhow::Result<()> {
    if read.is_stdin() || kind_of_file(&read.file)? != FileKind::Sqlite {
        return import(settings, warnings, &read).await;
    }
    let transfer = transfer(settings, warnings);
    if read.check {
        let migration = transfer.examine_file(&read.file).await?;
        if read.json {
            return show_json(&json!({ "kind": "sqlite", "migration": migration }), false);
        }
        show(&format!("whole: a SQLite database at the migration {migration}"), false);
        return Ok(());
    }
    let restoring = async { Ok(Box::pin(transfer.restore_file(&read.file, read.rules())).await?) };
    show_restored(&interruptible(restoring).await?, read.json)
}
