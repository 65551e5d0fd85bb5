//! The command line, shared by the binary `migration` and by `holdfast migrate`.
//!
//! Finding the database's URL is the caller's.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::adoption::{self, Adoption};
use crate::{DatabaseUrl, Direction, MigrationError, MigrationPlan, Runner, Status};

const EXAMPLES: &str = "\
Examples:
  holdfast migrate status
  holdfast migrate up --dry-run
  holdfast migrate up
  holdfast migrate down --to m20261121_000012";

/// Arguments of `migration` and `holdfast migrate`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct MigrateArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: MigrateCommand,
}

/// What to do with the schema.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum MigrateCommand {
    /// Apply pending migrations
    #[command(after_help = "Examples:\n  holdfast migrate up\n  holdfast migrate up 1 --dry-run")]
    Up {
        /// Apply at most this many
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        steps: Option<u32>,
        /// Print the SQL and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Go on although applied migrations had another text, and record this one
        #[arg(long)]
        accept_checksums: bool,
    },
    /// Take the newest migrations back
    #[command(after_help = "Examples:\n  holdfast migrate down\n  holdfast migrate down 2 --dry-run\n  \
        holdfast migrate down --to m20261121_000012")]
    Down {
        /// How many
        #[arg(value_parser = clap::value_parser!(u32).range(1..), default_value = "1", conflicts_with_all = ["all", "to"])]
        steps: u32,
        /// Take everything back: no table but the journal stays
        #[arg(long)]
        all: bool,
        /// Take back what is newer than this migration (its name, or how the name begins)
        #[arg(long, value_name = "NAME", conflicts_with = "all")]
        to: Option<String>,
        /// Print the SQL and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Lose what is newer than the adoption of the FastAPI backend's tables
        #[arg(long)]
        discard_new: bool,
    },
    /// Take over the FastAPI backend's tables in this database
    #[command(after_help = "Examples:\n  holdfast migrate adopt --check\n  holdfast migrate adopt\n  \
        holdfast migrate adopt --delta")]
    Adopt {
        /// How
        #[command(flatten)]
        arguments: AdoptArgs,
        /// Tell what would happen and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// List the migrations and say which are applied
    #[command(after_help = "Examples:\n  holdfast migrate status\n  holdfast migrate status --json")]
    Status {
        /// Print one JSON array of objects with `name`, `state` and `applied_at`
        #[arg(long)]
        json: bool,
    },
    /// Build the index that makes searching fast for owners of many tasks, while the server runs (PostgreSQL)
    #[command(
        after_help = "Examples:\n  holdfast migrate search-index\n  holdfast migrate search-index --drop"
    )]
    SearchIndex {
        /// Drop it
        #[arg(long)]
        drop: bool,
    },
    /// Delete all data and build the schema anew (refused in production)
    #[command(after_help = "Examples:\n  holdfast migrate fresh --dry-run\n  holdfast migrate fresh")]
    Fresh {
        /// Print the SQL and change nothing
        #[arg(long)]
        dry_run: bool,
    },
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

/// Runs one command and writes its report to `out`. Connecting may take as long as `patience`, and `production` refuses
/// `fresh`.
///
/// # Errors
/// [`MigrationError`]; the schema is unchanged then.
pub async fn run(
    command: &MigrateCommand,
    url: &DatabaseUrl,
    patience: Duration,
    production: bool,
    out: &mut impl Write,
) -> Result<(), MigrationError> {
    let runner = Runner::new(url).connect_within(patience);
    match command {
        MigrateCommand::Up { steps, dry_run, accept_checksums } => {
            let runner = if *accept_checksums { runner.accept_changed_texts() } else { runner };
            if *dry_run {
                return show_plan(&runner.dry_run(Direction::Up, *steps).await?, out);
            }
            let adopted = runner.adoption().await?.is_some();
            report("applied", &runner.up(*steps).await?, out)?;
            if adopted { Ok(()) } else { show_adoption(&runner, out).await }
        }
        MigrateCommand::Adopt { arguments, dry_run } => adopt(runner, *arguments, *dry_run, out).await,
        MigrateCommand::Down { steps, all, to: None, dry_run: true, .. } => {
            let steps = (!all).then_some(*steps);
            show_plan(&runner.dry_run(Direction::Down, steps).await?, out)
        }
        MigrateCommand::Down { to: Some(name), dry_run: true, .. } => {
            show_plan(&runner.dry_run_down_to(name).await?, out)
        }
        MigrateCommand::Down { steps, all, to, dry_run: false, discard_new } => {
            let steps = (!all).then_some(*steps);
            let names = match to {
                Some(name) => runner.down_to(name, *discard_new).await?,
                None if *discard_new => runner.down_discarding_newer(steps).await?,
                None => runner.down(steps).await?,
            };
            report("taken back", &names, out)
        }
        MigrateCommand::Status { json } => show_status(&runner.status().await?, *json, out),
        MigrateCommand::SearchIndex { drop: false } => {
            runner.create_search_index().await?;
            Ok(writeln!(out, "searches have their index")?)
        }
        MigrateCommand::SearchIndex { drop: true } => {
            runner.drop_search_index().await?;
            Ok(writeln!(out, "searches have no index")?)
        }
        MigrateCommand::Fresh { .. } if production => Err(MigrationError::FreshInProduction),
        MigrateCommand::Fresh { dry_run: true } => show_plan(&runner.dry_run_fresh().await?, out),
        MigrateCommand::Fresh { dry_run: false } => report("migrated", &runner.fresh(production).await?, out),
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

async fn adopt(
    runner: Runner,
    arguments: AdoptArgs,
    dry_run: bool,
    out: &mut impl Write,
) -> Result<(), MigrationError> {
    let runner = if dry_run { runner.rehearse() } else { runner };
    match arguments {
        AdoptArgs { delta: true, .. } => Ok(write!(out, "{}", runner.adopt_changes().await?)?),
        AdoptArgs { write_back: true, .. } => Ok(write!(out, "{}", runner.write_back().await?)?),
        AdoptArgs { check, .. } if check || dry_run => {
            let survey = runner.survey().await?.ok_or(MigrationError::NothingToAdopt)?;
            write!(out, "{survey}")?;
            if survey.faults.is_empty() {
                Ok(())
            } else {
                Err(MigrationError::NotAdoptable { faults: survey.faults })
            }
        }
        AdoptArgs { .. } => {
            report("applied", &runner.adopt().await?, out)?;
            show_adoption(&runner, out).await
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

fn show_plan(plans: &[MigrationPlan], out: &mut impl Write) -> Result<(), MigrationError> {
    if plans.is_empty() {
        writeln!(out, "-- nothing to do")?;
    }
    for plan in plans {
        let way = match plan.direction {
            Direction::Up => "up",
            Direction::Down => "down",
        };
        let how = if plan.online { ", outside of any transaction" } else { "" };
        writeln!(out, "-- {} {way}{how}", plan.name)?;
        for statement in &plan.statements {
            writeln!(out, "{statement};")?;
        }
    }
    Ok(())
}

fn show_status(statuses: &[Status], json: bool, out: &mut impl Write) -> Result<(), MigrationError> {
    if json {
        let rows: Vec<serde_json::Value> = statuses
            .iter()
            .map(|status| {
                serde_json::json!({
                    "name": status.name, "state": state(status), "applied_at": status.applied_at,
                })
            })
            .collect();
        return Ok(writeln!(out, "{}", serde_json::Value::from(rows))?);
    }
    for status in statuses {
        let text = match state(status) {
            "newer" => "applied, by a newer version",
            "changed" => {
                "applied, WITH ANOTHER TEXT than this version's: `up` refuses until that is accepted"
            }
            other => other,
        };
        writeln!(out, "{}  {text}", status.name)?;
    }
    Ok(())
}

/// As scripts read it.
fn state(status: &Status) -> &'static str {
    match (status.applied_at, status.known, status.changed) {
        (None, ..) => "pending",
        (Some(_), false, _) => "newer",
        (Some(_), true, true) => "changed",
        (Some(_), true, false) => "applied",
    }
}
