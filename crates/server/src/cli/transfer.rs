//! What `backup`, `restore`, `export` and `import` share: their arguments and what they print. How rows move is the migration
//! crate's.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use migration::transfer::{Destination, Dump, Restored, Rules, Source, Transfer};
use serde_json::{Value, json};

use super::terminal::{Interrupted, Output, complain, print};
use crate::settings::{Settings, Warning};

/// Stands for standard input and standard output.
pub(super) const DASH: &str = "-";

/// What is written, and where to.
#[derive(Args)]
pub(super) struct WriteArgs {
    /// The file to write; only its owner may read it. It is there when it is complete
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Replace the file where it exists
    #[arg(long)]
    pub(super) force: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What is read, and what may happen to the database.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(super) struct ReadArgs {
    /// The file to read; - for a dump on standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Tell what is in the file and whether it is whole; opens no database
    #[arg(long)]
    pub(super) check: bool,
    /// Replace everything that is in the database now
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Sign everybody out: end all sessions, tokens of the `FastAPI` backend and links in mails. For an old backup, with which
    /// those would live again that have ended since
    #[arg(long, conflicts_with = "check")]
    end_sessions: bool,
    /// Put U+2400 in the place of U+0000, which PostgreSQL cannot hold
    #[arg(long, conflicts_with = "check")]
    escape_nul: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl WriteArgs {
    pub(super) fn is_stdout(&self) -> bool {
        self.file.as_os_str() == DASH
    }

    pub(super) fn destination(&self) -> Destination {
        if self.is_stdout() {
            return Destination::Stdout;
        }
        Destination::File { path: self.file.clone(), replace: self.force }
    }
}

impl ReadArgs {
    pub(super) fn is_stdin(&self) -> bool {
        self.file.as_os_str() == DASH
    }

    pub(super) fn source(&self) -> Source {
        if self.is_stdin() { Source::Stdin } else { Source::File(self.file.clone()) }
    }

    pub(super) fn rules(&self) -> Rules {
        let Self { file: _, check: _, force, end_sessions, escape_nul, json: _ } = self;
        Rules { force: *force, escape_nul: *escape_nul, end_sessions: *end_sessions }
    }
}

/// For the configured database, without a pooler in between where one is known. Logs from here on.
pub(super) fn transfer(settings: &Settings, warnings: &[Warning]) -> Transfer {
    crate::telemetry::start(&settings.telemetry);
    super::log_warnings(warnings);
    Transfer::new(&settings.database.migration_url).connect_within(settings.database.wake_timeout())
}

/// Gives up at Ctrl-C, and takes back what is half done.
pub(super) async fn interruptible<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => bail!(Interrupted),
    }
}

/// What is in a dump. On standard error where the dump itself went to standard output.
pub(super) fn show_dump(dump: &Dump, what: &str, aside: bool, as_json: bool) -> anyhow::Result<()> {
    let Dump { taken_at, holdfast, engine, migration, tables, left_out, sha256 } = dump;
    if as_json {
        let value = json!({
            "kind": "dump", "taken_at": taken_at, "holdfast": holdfast, "engine": engine, "migration": migration,
            "tables": tables, "left_out": left_out, "sha256": sha256,
        });
        return show_json(&value, aside);
    }
    let count: u64 = tables.iter().map(|table| table.rows).sum();
    show(
        &format!(
            "{what}: {count} rows of {} tables, as they were in {engine} at {taken_at}, at the migration {migration}",
            tables.len()
        ),
        aside,
    );
    Ok(())
}

/// What is in the database now.
pub(super) fn show_restored(restored: &Restored, as_json: bool) -> anyhow::Result<()> {
    let Restored { taken_at, tables, escaped } = restored;
    if as_json {
        let value = json!({ "taken_at": taken_at, "tables": tables, "escaped": escaped });
        return show_json(&value, false);
    }
    if *escaped > 0 {
        print(&format!("{escaped} texts have U+2400 now where they had U+0000"));
    }
    let count: u64 = tables.iter().map(|table| table.rows).sum();
    let when = taken_at.as_deref().map(|at| format!(", as they were at {at}")).unwrap_or_default();
    if tables.is_empty() {
        print("the database is what the file was");
    } else {
        print(&format!("{count} rows of {} tables are in the database{when}", tables.len()));
    }
    Ok(())
}

pub(super) fn show_json(value: &Value, aside: bool) -> anyhow::Result<()> {
    if aside {
        complain(format_args!("{value}"));
        return Ok(());
    }
    Output::new().json(value)
}

pub(super) fn show(text: &str, aside: bool) {
    if aside {
        complain(format_args!("{text}"));
    } else {
        print(text);
    }
}
