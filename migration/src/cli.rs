//! The command line, shared by the binary `migration` and by `holdfast migrate`.
//!
//! Finding the database's URL is the caller's.

use std::io::Write;

use clap::{Args, Subcommand};

use crate::adoption::{self, Adoption};
use crate::{DatabaseUrl, Direction, MigrationError, Runner};

/// Arguments of `migration` and `holdfast migrate`.
#[derive(Args, Clone, Debug)]
pub struct MigrateArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: MigrateCommand,
}

/// What to do with the schema.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum MigrateCommand {
    /// Apply pending migrations
    Up {
        /// Apply at most this many
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        steps: Option<u32>,
        /// Print the SQL and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Take the newest migrations back
    Down {
        /// How many
        #[arg(value_parser = clap::value_parser!(u32).range(1..), default_value = "1", conflicts_with = "all")]
        steps: u32,
        /// Take everything back: no table but the journal stays
        #[arg(long)]
        all: bool,
        /// Print the SQL and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Lose what is newer than the adoption of the FastAPI backend's tables
        #[arg(long)]
        discard_new: bool,
    },
    /// Take over the FastAPI backend's tables in this database
    Adopt(AdoptArgs),
    /// List the migrations and say which are applied
    Status,
    /// Delete all data and build the schema anew (refused in production)
    Fresh,
}

/// How to adopt; without an option: everything.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[group(multiple = false)]
pub struct AdoptArgs {
    /// Tell what would be taken over, and change nothing
    #[arg(long)]
    pub check: bool,
    /// Take over what the old backend wrote since the adoption
    #[arg(long)]
    pub delta: bool,
    /// Copy what is newer here into the old tables, before going back
    #[arg(long)]
    pub write_back: bool,
}

/// Runs one command and writes its report to `out`. `production` refuses `fresh`.
///
/// # Errors
/// [`MigrationError`]; the schema is unchanged then.
pub async fn run(
    command: &MigrateCommand,
    url: &DatabaseUrl,
    production: bool,
    out: &mut impl Write,
) -> Result<(), MigrationError> {
    let runner = Runner::new(url);
    match *command {
        MigrateCommand::Up { steps, dry_run: true } => show_plan(&runner, Direction::Up, steps, out).await,
        MigrateCommand::Up { steps, dry_run: false } => {
            let adopted = runner.adoption().await?.is_some();
            report("applied", &runner.up(steps).await?, out)?;
            if adopted { Ok(()) } else { show_adoption(&runner, out).await }
        }
        MigrateCommand::Adopt(arguments) => adopt(&runner, arguments, out).await,
        MigrateCommand::Down { steps, all, dry_run, discard_new } => {
            let steps = (!all).then_some(steps);
            if dry_run {
                return show_plan(&runner, Direction::Down, steps, out).await;
            }
            let names = if discard_new {
                runner.down_discarding_newer(steps).await?
            } else {
                runner.down(steps).await?
            };
            report("taken back", &names, out)
        }
        MigrateCommand::Status => show_status(&runner, out).await,
        MigrateCommand::Fresh => report("migrated", &runner.fresh(production).await?, out),
    }
}

fn report(what: &str, names: &[String], out: &mut impl Write) -> Result<(), MigrationError> {
    if names.is_empty() {
        writeln!(out, "nothing to do")?;
    }
    for name in names {
        writeln!(out, "{what}: {name}")?;
    }
    Ok(())
}

async fn adopt(runner: &Runner, arguments: AdoptArgs, out: &mut impl Write) -> Result<(), MigrationError> {
    match arguments {
        AdoptArgs { check: true, .. } => {
            let survey = runner.survey().await?.ok_or(MigrationError::NothingToAdopt)?;
            write!(out, "{survey}")?;
            if survey.faults.is_empty() {
                Ok(())
            } else {
                Err(MigrationError::NotAdoptable { faults: survey.faults })
            }
        }
        AdoptArgs { delta: true, .. } => Ok(write!(out, "{}", runner.adopt_changes().await?)?),
        AdoptArgs { write_back: true, .. } => Ok(write!(out, "{}", runner.write_back().await?)?),
        AdoptArgs { check: false, delta: false, write_back: false } => {
            report("applied", &runner.adopt().await?, out)?;
            show_adoption(runner, out).await
        }
    }
}

async fn show_adoption(runner: &Runner, out: &mut impl Write) -> Result<(), MigrationError> {
    let Some(Adoption { form, users, tasks, links, placeholders, unreachable, read_at: _ }) =
        runner.adoption().await?
    else {
        return Ok(());
    };
    writeln!(out, "adopted {form}: {users} accounts, {tasks} tasks, {links} links to other providers")?;
    for id in placeholders {
        writeln!(
            out,
            "placeholder account {id}: its tasks had no owner; `holdfast user claim` gives it to somebody"
        )?;
    }
    for id in unreachable {
        writeln!(out, "{}", adoption::unreachable_account(&id))?;
    }
    Ok(())
}

async fn show_plan(
    runner: &Runner,
    direction: Direction,
    steps: Option<u32>,
    out: &mut impl Write,
) -> Result<(), MigrationError> {
    let plans = runner.dry_run(direction, steps).await?;
    if plans.is_empty() {
        writeln!(out, "-- nothing to do")?;
    }
    for plan in plans {
        let way = match plan.direction {
            Direction::Up => "up",
            Direction::Down => "down",
        };
        writeln!(out, "-- {} {way}", plan.name)?;
        for statement in plan.statements {
            writeln!(out, "{statement};")?;
        }
    }
    Ok(())
}

async fn show_status(runner: &Runner, out: &mut impl Write) -> Result<(), MigrationError> {
    for status in runner.status().await? {
        let state = match (status.applied_at, status.known) {
            (None, _) => "pending",
            (Some(_), true) => "applied",
            (Some(_), false) => "applied, by a newer version",
        };
        writeln!(out, "{}  {state}", status.name)?;
    }
    Ok(())
}
