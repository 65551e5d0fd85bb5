//! `holdfast man`: the manual pages, made of the same texts as `--help`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_mangen::Man;

use super::terminal::print;

const EXAMPLES: &str = "\
Examples:
  holdfast man | man -l -                      read the first page
  holdfast man --out /usr/local/share/man/man1 write all pages";

/// Print the manual page, or write one for every command
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManArgs {
    /// Write all pages into this directory, which is made where it is missing
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
}

pub(super) fn run(ManArgs { out }: ManArgs) -> anyhow::Result<()> {
    let mut command = super::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = out else {
        print(page(command)?.trim_end());
        return Ok(());
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the directory {}", folder.display()))?;
    let written =
        write(command, &folder).with_context(|| format!("cannot write into {}", folder.display()))?;
    print(&format!("{written} pages in {}", folder.display()));
    Ok(())
}

/// The page of a command and those of its own commands; answers how many they are.
fn write(command: Command, folder: &Path) -> io::Result<usize> {
    let mut written = 1;
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        written += write(inner.clone(), folder)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    fs::write(folder.join(format!("{name}.1")), page(command)?)?;
    Ok(written)
}

/// The same texts give the same bytes, whoever makes the page and when.
fn page(command: Command) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command).source(concat!("holdfast ", env!("CARGO_PKG_VERSION"))).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
