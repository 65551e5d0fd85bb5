//! `holdfast seed`: accounts and tasks to try things with. What is in them is in `demo`.

mod demo;
mod draw;

use std::{fmt::Write as _, sync::Arc};

use anyhow::{Context as _, ensure};
use clap::Args;
use demo::Demo;
use holdfast_application::{
    domain::{
        tasks::Task,
        users::{Account, Email, NewPassword, Password, PasswordHash},
    },
    ports::{Clock as _, Randomness as _, Store, StoreError, Unique, UserFilter},
};
use holdfast_infrastructure::{clock::SystemClock, randomness::SystemRandomness};
use migration::Engine;
use serde::Serialize;
use tokio::task::JoinSet;

use super::{
    counts_as_production,
    terminal::{Output, new_password, print},
};
use crate::{compose, settings::Settings};

const EXAMPLES: &str = "\
Examples:
  holdfast seed                                       10 accounts with 100 tasks each
  holdfast seed --users 100 --tasks 1000 --seed 7
  echo 'correct horse battery staple' | holdfast seed --password-stdin --json";

/// Tasks in one unit of work: each is one commit, and others get their turn between two of them.
const BATCH: usize = 500;
/// Units of work at the same moment on PostgreSQL. SQLite has one writer.
const SIDE_BY_SIDE: u32 = 4;

/// Fill the database with demo accounts and tasks; refused in staging and production
///
/// The same --seed makes the same rows, down to their ids and times. All accounts have one password, which is printed once
/// unless it is given.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SeedArgs {
    /// How many accounts
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    users: u32,
    /// How many tasks each of them gets
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    tasks: u32,
    /// What everything is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Read the password of the accounts from standard input, one line, or ask for it on a terminal
    #[arg(long)]
    password_stdin: bool,
    /// Go on although the database has accounts already
    #[arg(long)]
    yes_beside_existing_data: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What was made.
#[derive(Serialize)]
struct Seeded {
    users: u32,
    tasks: u64,
    first_email: String,
    last_email: String,
    /// Absent where it was given.
    password: Option<String>,
}

pub(super) async fn run(settings: &Settings, arguments: SeedArgs) -> anyhow::Result<()> {
    crate::telemetry::start(&settings.telemetry);
    let SeedArgs { users, tasks, seed, password_stdin, yes_beside_existing_data, json } = arguments;
    ensure!(
        !counts_as_production(settings),
        "demo data has no place in {}: everybody could know its password",
        if settings.environment_stated() {
            settings.environment.as_str()
        } else {
            "a database on another machine"
        }
    );
    let demo = Demo::new(seed);
    let (store, passwords) = compose::store_and_passwords(settings).await?;
    refuse_existing(&*store, yes_beside_existing_data).await?;
    let (password, shown) = if password_stdin {
        (new_password("Password of the demo accounts").await?, None)
    } else {
        let drawn = random_password()?;
        (Password::new(drawn.clone()), Some(drawn))
    };
    let password = NewPassword::new(password, &Email::stored(demo.email(1))).context("the password")?;
    let hash = passwords.hash(password.password()).await?;
    let at_once = match settings.database.url.engine() {
        Engine::Postgres => SIDE_BY_SIDE.min(settings.database.pool_size),
        Engine::Sqlite => 1,
    };
    write(&store, &demo, &hash, Amount { users, tasks, at_once }).await?;
    let seeded = Seeded {
        users,
        tasks: u64::from(users) * u64::from(tasks),
        first_email: demo.email(1),
        last_email: demo.email(users),
        password: shown,
    };
    if json {
        return Output::new().json(&seeded);
    }
    told(&seeded);
    Ok(())
}

fn told(Seeded { users, tasks, first_email, last_email, password }: &Seeded) {
    print(&format!("{users} accounts, {first_email} to {last_email}, and {tasks} tasks"));
    if let Some(password) = password {
        print(&format!("Password of each of them, shown this once: {password}"));
    }
}

async fn refuse_existing(store: &dyn Store, accepted: bool) -> anyhow::Result<()> {
    let everybody =
        UserFilter { role: None, banned: None, active: None, email_prefix: None, at: SystemClock.now() };
    let there = store.users().count(everybody).await?;
    ensure!(
        there == 0 || accepted,
        "the database has {there} accounts already; --yes-beside-existing-data goes on beside them"
    );
    Ok(())
}

/// 120 bits in hexadecimal digits; short ones are read out wrongly less often than others are typed.
fn random_password() -> anyhow::Result<String> {
    let secret = SystemRandomness.secret()?;
    let mut password = String::new();
    for byte in secret.iter().take(15) {
        write!(password, "{byte:02x}")?;
    }
    Ok(password)
}

#[derive(Clone, Copy)]
struct Amount {
    users: u32,
    tasks: u32,
    at_once: u32,
}

/// Every `at_once`-th account is one worker's.
async fn write(
    store: &Arc<dyn Store>,
    demo: &Demo,
    hash: &PasswordHash,
    amount: Amount,
) -> anyhow::Result<()> {
    let mut workers = JoinSet::new();
    for worker in 1..=amount.at_once {
        let (store, demo, hash) = (store.clone(), *demo, hash.clone());
        workers.spawn(async move {
            for n in (worker..=amount.users).step_by(amount.at_once as usize) {
                let user = demo.user(n);
                let tasks: Vec<Task> = (1..=amount.tasks).map(|task| demo.task(&user, n, task)).collect();
                let account = Account { user, password_hash: Some(hash.clone()) };
                insert(&*store, &account, &tasks).await?;
            }
            Ok::<_, StoreError>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker?.map_err(|error| match error {
            StoreError::Duplicate(Unique::Email | Unique::Id) => {
                anyhow::anyhow!("accounts of this --seed are there already; take another one")
            }
            other => anyhow::Error::new(other).context("not all of it was written"),
        })?;
    }
    Ok(())
}

/// The account comes with its first tasks.
async fn insert(store: &dyn Store, account: &Account, tasks: &[Task]) -> Result<(), StoreError> {
    let mut batches = tasks.chunks(BATCH);
    let first = batches.next().unwrap_or_default();
    let mut work = store.begin().await?;
    work.users().insert(account).await?;
    for task in first {
        work.tasks().insert(task).await?;
    }
    work.commit().await?;
    for batch in batches {
        work = store.begin().await?;
        for task in batch {
            work.tasks().insert(task).await?;
        }
        work.commit().await?;
    }
    Ok(())
}
