//! Whether the database answers, and what is told of either engine. What only PostgreSQL knows is in `postgres`.

use std::{path::Path, time::Duration};

use holdfast_infrastructure::database::{DatabaseLocation, EngineFacts, Examination, examine};
use migration::{DatabaseUrl, Engine, MigrationError, Runner, Status};
use tokio::time::timeout;

use super::{clock, finding::Finding, migrations, postgres};
use crate::{compose, settings::DatabaseSettings};

const CHECK: &str = "database";
/// How long connecting may take. A database that sleeps for longer than this is told as one that does not answer.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the journal of migrations may take in all, and the rest.
const JOURNAL: Duration = Duration::from_secs(6);
const EXAMINATION: Duration = Duration::from_secs(4);

/// Everything about the database.
pub(super) async fn look(settings: &DatabaseSettings) -> Vec<Finding> {
    let DatabaseSettings { url, migration_url, read_url, .. } = settings;
    let location = match compose::database_location(url) {
        Ok(location) => location,
        Err(error) => return vec![Finding::failure(CHECK, error.to_string(), "name a file in DATABASE_URL")],
    };
    if let DatabaseLocation::Sqlite { path } = &location
        && !path.exists()
    {
        return vec![no_file_yet(path)];
    }
    let unpooled = (migration_url != url).then_some(migration_url);
    let (served, beside, replica) = tokio::join!(
        journal(url, settings.migrate_on_start),
        reached("unpooled", unpooled),
        reached("replica", read_url.as_ref()),
    );
    let mut findings = match served {
        Ok(journal) => examined(settings, &location, journal).await,
        Err(finding) => vec![finding],
    };
    findings.extend(beside.into_iter().chain(replica));
    if url.engine() == Engine::Postgres {
        findings.extend(postgres::urls(settings));
    }
    findings
}

/// What the journal of migrations says.
pub(super) struct Journal {
    pub(super) statuses: Vec<Status>,
    /// The tables of the FastAPI backend that would be taken over.
    pub(super) would_adopt: Option<String>,
}

/// Reads the journal as `holdfast migrate status` does, which creates nothing.
async fn journal(url: &DatabaseUrl, migrates: bool) -> Result<Journal, Finding> {
    let runner = Runner::new(url).connect_within(CONNECT);
    let reading = async {
        let statuses = runner.status().await?;
        let would_adopt = if migrates { None } else { runner.would_adopt().await? };
        Ok(Journal { statuses, would_adopt: would_adopt.map(|form| form.to_string()) })
    };
    match timeout(JOURNAL, reading).await {
        Ok(Ok(journal)) => Ok(journal),
        Ok(Err(error)) => Err(unreachable_database(CHECK, url, error)),
        Err(_) => Err(silent(CHECK, url)),
    }
}

/// Whether another URL than the one that is served leads somewhere.
async fn reached(check: &'static str, url: Option<&DatabaseUrl>) -> Option<Finding> {
    let url = url?;
    let runner = Runner::new(url).connect_within(CONNECT);
    Some(match timeout(JOURNAL, runner.pending()).await {
        Ok(Ok(_)) => Finding::ok(check, format!("{} answers", url.redacted())),
        Ok(Err(error)) => unreachable_database(check, url, error),
        Err(_) => silent(check, url),
    })
}

fn unreachable_database(check: &'static str, url: &DatabaseUrl, error: MigrationError) -> Finding {
    match error {
        MigrationError::Connect { target, cause, remedy, busy: _, damaged: _ } => {
            Finding::failure(check, format!("{target}: {cause}"), remedy)
        }
        other => {
            let what = format!("{}: {}", url.redacted(), crate::cli::told(&other.into()));
            Finding::failure(check, what, "`holdfast migrate status` must work before a server can")
        }
    }
}

fn silent(check: &'static str, url: &DatabaseUrl) -> Finding {
    let what = format!("{}: connected, and no answer within {} s", url.redacted(), JOURNAL.as_secs());
    Finding::failure(
        check,
        what,
        "look at its log and its load; is it stopped, or out of connections or disk?",
    )
}

async fn examined(
    settings: &DatabaseSettings,
    location: &DatabaseLocation,
    journal: Journal,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match examine(location, EXAMINATION).await {
        Ok(examination) => {
            findings.push(answers(&settings.url, &examination));
            if let EngineFacts::Postgres(facts) = &examination.engine {
                findings.extend(postgres::findings(settings, facts));
            }
            findings.extend(clock::findings(&examination));
        }
        Err(error) => {
            let what = format!("{}: {error}", settings.url.redacted());
            findings.push(Finding::failure(CHECK, what, "look at the database's log"));
        }
    }
    findings.extend(migrations::findings(settings, &journal));
    findings
}

fn answers(url: &DatabaseUrl, examination: &Examination) -> Finding {
    let Examination { version, round_trip, engine, .. } = examination;
    let took = round_trip.as_secs_f64() * 1_000.0;
    match engine {
        EngineFacts::Postgres(_) => {
            let what = format!("PostgreSQL {version} at {} answers in {took:.1} ms", url.redacted());
            if *round_trip < postgres::SLOW {
                return Finding::ok(CHECK, what);
            }
            let mend = "run the server near its database: each request waits for a few of these round trips";
            Finding::warning(CHECK, what, mend)
        }
        EngineFacts::Sqlite { journal_mode } => {
            Finding::ok(CHECK, format!("SQLite {version}, {}, journal {journal_mode}", url.redacted()))
        }
    }
}

/// Nothing is created to look at it.
fn no_file_yet(path: &Path) -> Finding {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let what = format!("{} does not exist yet", path.display());
    if folder.is_dir() || folder.ends_with("data") {
        return Finding::warning(CHECK, what, "`holdfast serve` and `holdfast migrate up` make it");
    }
    let mend = format!("make the folder {}, or correct the path in DATABASE_URL", folder.display());
    Finding::failure(CHECK, what, mend)
}
